// The library: books, movies, series and comics that somebody plans, enjoys, finishes and rates.
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workspace/dates.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 16> library_fields = {
    "kind",       "status",     "title", "originalTitle", "creators",  "year",
    "rating",     "review",     "tags",  "genres",        "startedAt", "completedAt",
    "isFavorite", "isArchived", "times", "details"};
const Json& library_form();
constexpr Table library_entries{
    .app = "library", .name = "libraryEntries", .fields = library_fields, .form = library_form};

constexpr std::string_view library_kinds = R"("enum": ["book", "movie", "series", "comic"])";
constexpr std::string_view library_statuses =
    R"("enum": ["planned", "active", "completed", "paused", "dropped"])";

// What is counted by kind: pages of books, episodes of series, issues of comics.
constexpr std::string_view library_details = R"("details": {"type": "object", "properties": {
                "current": {"type": "integer", "minimum": 0, "maximum": 1000000,
                            "description": "Page, episode or issue reached"},
                "total": {"type": "integer", "minimum": 1, "maximum": 1000000,
                          "description": "Pages, episodes or issues in all"},
                "season": {"type": "integer", "minimum": 0, "maximum": 1000}},
                "additionalProperties": false})";

std::string library_record() {
    return record_schema(
        fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "kind": {{"type": "string", {0}}},
        "status": {{"type": "string", {1}}},
        "title": {{"type": "string"}},
        "originalTitle": {{"type": ["string", "null"]}},
        "creators": {{"type": "array", "items": {{"type": "string"}}}},
        "year": {{"type": ["integer", "null"]}},
        "rating": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5}},
        "review": {{"type": ["string", "null"]}},
        "tags": {{"type": "array", "items": {{"type": "string"}}}},
        "genres": {{"type": "array", "items": {{"type": "string"}}}},
        "startedAt": {{"type": ["string", "null"], "format": "date-time"}},
        "completedAt": {{"type": ["string", "null"], "format": "date-time"}},
        "isFavorite": {{"type": "boolean"}},
        "isArchived": {{"type": "boolean"}},
        "times": {{"type": "integer", "description": "How often it was completed"}},
        {2}, {3}}})",
                    library_kinds, library_statuses, library_details, record_times),
        {"createdAt", "updatedAt"});
}

const Json& library_form() {
    static const Json form = parsed_schema(library_record());
    return form;
}

std::string library_arguments() {
    return fmt::format(R"(
            "status": {{"type": "string", {0}}},
            "originalTitle": {{"type": ["string", "null"], "maxLength": 500}}, {1},
            "year": {{"type": ["integer", "null"], "minimum": 1, "maximum": 9999,
                      "description": "Of its first appearance"}},
            "rating": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5}},
            "review": {{"type": ["string", "null"], "maxLength": 20000}}, {2}, {3},
            "isFavorite": {{"type": "boolean"}}, {4})",
                       library_statuses, words_piece("creators", 20), words_piece("tags", 20),
                       words_piece("genres", 20), library_details);
}

Json library_chosen(const Call& call) {
    return call.chosen({"kind", "status", "title", "originalTitle", "creators", "year", "rating",
                        "review", "tags", "genres", "isFavorite", "details"});
}

// What a new status entails; `before` is the entry as it stands.
void library_move(const Call& call, const Json& before, Json& fields) {
    // A copy: new members of `fields` may move the old ones.
    const std::string status = fields.value("status", "");
    if (status.empty() || status == before["status"].get<std::string>()) return;
    if (status == "active" && before["startedAt"].is_null()) {
        fields["startedAt"] = call.now_text();
    }
    if (status == "completed") {
        fields["completedAt"] = call.now_text();
        fields["times"] = before["times"].get<int>() + 1;
    }
}

// Members of details are changed one by one.
void library_merge_details(const Json& before, Json& fields) {
    const auto details = fields.find("details");
    if (details == fields.end()) return;
    Json merged = before["details"];
    merged.update(*details);
    *details = std::move(merged);
}

std::optional<std::string> library_fault(const Json& fields) {
    const auto details = fields.find("details");
    if (details == fields.end() || !details->contains("total")) return std::nullopt;
    if (details->value("current", 0) <= (*details)["total"].get<int>()) return std::nullopt;
    return "details.current must not be greater than details.total (" + (*details)["total"].dump() +
           "). Correct the one or the other.";
}

Json library_create(Call& call) {
    Json blank{{"status", "planned"}, {"startedAt", nullptr}, {"times", 0}};
    Json entry = blank;
    for (const char* field : {"originalTitle", "year", "rating", "review", "completedAt"}) {
        entry[field] = nullptr;
    }
    for (const char* field : {"creators", "tags", "genres"}) entry[field] = Json::array();
    entry["isFavorite"] = false;
    entry["isArchived"] = false;
    entry["details"] = Json::object();
    Json fields = library_chosen(call);
    if (const auto fault = library_fault(fields)) {
        return call.refuse("library.create was not run: " + *fault);
    }
    library_move(call, blank, fields);
    entry.update(fields);
    return {{"entry", call.records.insert(library_entries, std::move(entry))}};
}

Json library_list(Call& call) {
    Json equal = call.chosen({"kind", "status"});
    equal.update(call.asked_flags());
    return {{"entries", call.records.list(library_entries, equal, call.asked())}};
}

Json library_update(Call& call) {
    Json fields = library_chosen(call);
    if (fields.empty()) {
        return call.refuse("library.update needs at least one field besides id, e.g. status.");
    }
    const auto entry = call.records.hold(library_entries, call.text("id"));
    if (!entry) return call.refuse_missing("library entry", "library.list");
    library_merge_details(*entry, fields);
    if (const auto fault = library_fault(fields)) {
        return call.refuse("library.update was not run: " + *fault);
    }
    library_move(call, *entry, fields);
    return call.change(library_entries, fields, {"entry", "library entry", "library.list"});
}

Json library_complete(Call& call) {
    const auto entry = call.records.hold(library_entries, call.text("id"));
    if (!entry) return call.refuse_missing("library entry", "library.list");
    // Completing what is completed keeps the time and the count; only what is said is added.
    Json fields = call.chosen({"rating", "review"});
    fields["status"] = "completed";
    library_move(call, *entry, fields);
    return call.change(library_entries, fields, {"entry", "library entry", "library.list"});
}

Json library_archive(Call& call) {
    return call.change(library_entries, {{"isArchived", call.args["archived"]}},
                       {"entry", "library entry", "library.list"});
}

Tool library_listing_tool() {
    return {.name = "library.list",
            .title = "List or search the library",
            .description =
                "Answers books, movies, series and comics, newest first: all, those of one kind "
                "or status, or those with the query in title, creators, review, tags or genres.",
            .input = object_schema(fmt::format(R"({{{}, "kind": {{"type": "string", {}}},
            "status": {{"type": "string", {}}},
            "favoritesOnly": {{"type": "boolean", "default": false}},
            "includeArchived": {{"type": "boolean", "default": false}}, {}}})",
                                               query_piece(false), library_kinds, library_statuses,
                                               limit_piece(100, 20))),
            .output = list_schema("entries", library_record()),
            .effect = Effect::reads,
            .run = library_list};
}

}  // namespace

void add_library(Registry& registry) {
    registry.add({.name = "library.create",
                  .title = "Add to the library",
                  .description = "Keeps a book, movie, series or comic, planned at first.",
                  .input = object_schema(fmt::format(R"({{"kind": {{"type": "string", {}}},
            "title": {{"type": "string", "minLength": 1, "maxLength": 500}}, {}}})",
                                                     library_kinds, library_arguments()),
                                         {"kind", "title"}),
                  .output = answer_schema("entry", library_record()),
                  .effect = Effect::adds,
                  .run = library_create});
    registry.add(library_listing_tool());
    registry.add({.name = "library.update",
                  .title = "Change a library entry",
                  .description = "Changes only the given fields, e.g. the status or the page "
                                 "reached (details.current).",
                  .input = object_schema(
                      fmt::format(R"({{{}, "kind": {{"type": "string", {}}},
            "title": {{"type": "string", "minLength": 1, "maxLength": 500}}, {}}})",
                                  id_piece("library.list"), library_kinds, library_arguments()),
                      {"id"}),
                  .output = answer_schema("entry", library_record()),
                  .effect = Effect::overwrites,
                  .run = library_update});
    registry.add({.name = "library.complete",
                  .title = "Finish a library entry",
                  .description = "Marks an entry as read or seen, with a rating and a review if "
                                 "wished.",
                  .input = object_schema("{" + id_piece("library.list") + R"(,
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
            "review": {"type": "string", "minLength": 1, "maxLength": 20000}})",
                                         {"id"}),
                  .output = answer_schema("entry", library_record()),
                  .effect = Effect::marks,
                  .run = library_complete});
    registry.add({.name = "library.archive",
                  .title = "Archive a library entry",
                  .description = "Puts an entry away, or takes it back with archived false.",
                  .input = archive_schema("library.list"),
                  .output = answer_schema("entry", library_record()),
                  .effect = Effect::marks,
                  .run = library_archive});
}

}  // namespace workspace
