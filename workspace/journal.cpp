// Journal entries: written, read back by day, searched, changed.
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 9> journal_fields = {"title",    "content",    "entryDate",
                                                            "mood",     "tags",       "wordCount",
                                                            "isPinned", "isFavorite", "isArchived"};
const Json& journal_form();
constexpr Table journal_entries{
    .app = "journal", .name = "journalEntries", .fields = journal_fields, .form = journal_form};

constexpr std::string_view journal_moods =
    R"("enum": ["dankbar", "glücklich", "zufrieden", "neutral", "nachdenklich", "traurig",
                "gestresst", "wütend", null])";

std::string journal_record() {
    return record_schema(R"({
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": ["string", "null"]},
        "content": {"type": "string"},
        "entryDate": {"type": "string", "format": "date"},
        "mood": {"type": ["string", "null"], )" +
                             std::string(journal_moods) + R"(},
        "tags": {"type": "array", "items": {"type": "string"}},
        "wordCount": {"type": "integer"},
        "isPinned": {"type": "boolean"},
        "isFavorite": {"type": "boolean"},
        "isArchived": {"type": "boolean"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"}})",
                         {"createdAt", "updatedAt"});
}

const Json& journal_form() {
    static const Json form = parsed_schema(journal_record());
    return form;
}

Json journal_add(Call& call) {
    Json entry = call.chosen({"title", "content", "mood", "tags"});
    entry["entryDate"] = call.given("entryDate") ? call.text("entryDate") : call.place.today;
    entry["wordCount"] = count_words(call.text("content"));
    entry["isPinned"] = false;
    entry["isFavorite"] = false;
    entry["isArchived"] = false;
    return {{"entry", call.records.insert(journal_entries, std::move(entry))}};
}

Json journal_list(Call& call) {
    RecordFilter filter = call.asked();
    filter.range = call.asked_days("entryDate");
    filter.order = "entryDate";
    return {{"entries", call.records.list(journal_entries, {{"isArchived", false}}, filter)}};
}

Json journal_search(Call& call) {
    RecordFilter filter = call.asked();
    filter.order = "entryDate";
    return {{"entries", call.records.list(journal_entries, {{"isArchived", false}}, filter)}};
}

Json journal_update(Call& call) {
    Json fields = call.chosen(
        {"title", "content", "entryDate", "mood", "tags", "isPinned", "isFavorite", "isArchived"});
    if (fields.empty()) {
        return call.refuse("journal.update needs at least one field besides id, e.g. content.");
    }
    if (fields.contains("content")) {
        fields["wordCount"] = count_words(call.text("content"));
    }
    return call.change(journal_entries, fields, {"entry", "journal entry", "journal.list"});
}

Json journal_archive(Call& call) {
    return call.change(journal_entries, {{"isArchived", call.args["archived"]}},
                       {"entry", "journal entry", "journal.list"});
}

std::string journal_mood_schema(std::string_view rest) {
    return R"({"type": ["string", "null"], )" + std::string(journal_moods) + std::string(rest) +
           "}";
}

Tool journal_adding_tool() {
    return {.name = "journal.add",
            .title = "Write a journal entry",
            .description = "Adds an entry to the journal, for today unless a date is given.",
            .input = object_schema(R"({
            "title": {"type": ["string", "null"], "maxLength": 500, "default": null},
            "content": {"type": "string", "minLength": 1, "maxLength": 200000},
            "entryDate": {"type": "string", "format": "date"},
            "mood": )" + journal_mood_schema(R"(, "default": null)") +
                                       R"(,
            "tags": {"type": "array", "maxItems": 50, "default": [],
                     "items": {"type": "string", "minLength": 1, "maxLength": 100}}})",
                                   {"content"}),
            .output = answer_schema("entry", journal_record()),
            .effect = Effect::adds,
            .run = journal_add};
}

Tool journal_changing_tool() {
    return {.name = "journal.update",
            .title = "Change a journal entry",
            .description = "Changes only the given fields; isArchived true puts the entry away.",
            .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From journal.list"},
            "title": {"type": ["string", "null"], "maxLength": 500},
            "content": {"type": "string", "minLength": 1, "maxLength": 200000},
            "entryDate": {"type": "string", "format": "date"},
            "mood": )" + journal_mood_schema("") +
                                       R"(,
            "tags": {"type": "array", "maxItems": 50,
                     "items": {"type": "string", "minLength": 1, "maxLength": 100}},
            "isPinned": {"type": "boolean"},
            "isFavorite": {"type": "boolean"},
            "isArchived": {"type": "boolean"}})",
                                   {"id"}),
            .output = answer_schema("entry", journal_record()),
            .effect = Effect::overwrites,
            .run = journal_update};
}

}  // namespace

void add_journal(Registry& registry) {
    registry.add(journal_adding_tool());
    registry.add({.name = "journal.list",
                  .title = "Read the journal",
                  .description =
                      "Answers the entries, latest day first, of all days or of the days "
                      "from ... to. Archived entries are left out.",
                  .input = object_schema(R"({
            "from": {"type": "string", "format": "date", "description": "First day"},
            "to": {"type": "string", "format": "date", "description": "Last day, included"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}})"),
                  .output = list_schema("entries", journal_record()),
                  .effect = Effect::reads,
                  .run = journal_list});
    registry.add({.name = "journal.search",
                  .title = "Search the journal",
                  .description =
                      "Answers the entries with the query in title, content or tags, latest day "
                      "first.",
                  .input = object_schema(R"({
            )" + query_piece(true) + R"(,
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}})",
                                         {"query"}),
                  .output = list_schema("entries", journal_record()),
                  .effect = Effect::reads,
                  .run = journal_search});
    registry.add(journal_changing_tool());
    registry.add({.name = "journal.archive",
                  .title = "Archive a journal entry",
                  .description = "Puts an entry away, or takes it back with archived false.",
                  .input = archive_schema("journal.list"),
                  .output = answer_schema("entry", journal_record()),
                  .effect = Effect::marks,
                  .run = journal_archive});
}

}  // namespace workspace
