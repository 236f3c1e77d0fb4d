// Dreams: written down in the morning, read back by night, searched, interpreted, put away.
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

constexpr std::array<std::string_view, 18> dreams_fields = {
    "title",    "content",        "dreamDate", "mood",      "clarity",      "isLucid",
    "bedtime",  "isRecurring",    "wakeTime",  "location",  "sleepQuality", "people",
    "emotions", "interpretation", "symbols",   "isPrivate", "isPinned",     "isArchived"};
const Json& dreams_form();
constexpr Table dreams_dreams{
    .app = "dreams", .name = "dreams", .fields = dreams_fields, .form = dreams_form};

constexpr std::string_view dreams_moods =
    R"("enum": ["angenehm", "neutral", "unangenehm", "albtraum", null])";

std::string dreams_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "title": {{"type": ["string", "null"]}},
        "content": {{"type": "string"}},
        "dreamDate": {{"type": "string", "format": "date"}},
        "mood": {{"type": ["string", "null"], {0}}},
        "clarity": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5}},
        "isLucid": {{"type": "boolean"}},
        "isRecurring": {{"type": "boolean"}},
        "sleepQuality": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5}},
        "bedtime": {{"type": ["string", "null"], "pattern": "{1}"}},
        "wakeTime": {{"type": ["string", "null"], "pattern": "{1}"}},
        "location": {{"type": ["string", "null"]}},
        "people": {{"type": "array", "items": {{"type": "string"}}}},
        "emotions": {{"type": "array", "items": {{"type": "string"}}}},
        "symbols": {{"type": "array", "items": {{"type": "string"}}}},
        "interpretation": {{"type": ["string", "null"]}},
        "isPrivate": {{"type": "boolean"}},
        "isPinned": {{"type": "boolean"}},
        "isArchived": {{"type": "boolean"}}, {2}}})",
                                     dreams_moods, hour_minute, record_times),
                         {"createdAt", "updatedAt"});
}

const Json& dreams_form() {
    static const Json form = parsed_schema(dreams_record());
    return form;
}

// The arguments that create and update share, without braces.
std::string dreams_details() {
    return fmt::format(R"(
            "title": {{"type": ["string", "null"], "maxLength": 500}},
            "dreamDate": {{"type": "string", "format": "date",
                           "description": "The morning after the night"}},
            "mood": {{"type": ["string", "null"], {0}}},
            "clarity": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5,
                         "description": "How clearly it is remembered"}},
            "isLucid": {{"type": "boolean"}},
            "isRecurring": {{"type": "boolean"}},
            "sleepQuality": {{"type": ["integer", "null"], "minimum": 1, "maximum": 5}},
            "bedtime": {{"type": ["string", "null"], "pattern": "{1}"}},
            "wakeTime": {{"type": ["string", "null"], "pattern": "{1}"}},
            "location": {{"type": ["string", "null"], "maxLength": 500}}, {2}, {3}, {4},
            "interpretation": {{"type": ["string", "null"], "maxLength": 20000}},
            "isPinned": {{"type": "boolean"}})",
                       dreams_moods, hour_minute, words_piece("people", 20),
                       words_piece("emotions", 20), words_piece("symbols", 20));
}

Json dreams_chosen(const Call& call) {
    return call.chosen({"title", "content", "dreamDate", "mood", "clarity", "isLucid",
                        "isRecurring", "sleepQuality", "bedtime", "wakeTime", "location", "people",
                        "emotions", "symbols", "interpretation", "isPinned"});
}

// Somewhere it is tomorrow already; a night later than that has not been slept yet.
bool dreams_lies_ahead(const Call& call, const Json& fields) {
    const auto date = fields.find("dreamDate");
    return date != fields.end() && date->get<std::string>() > plus_days(call.place.today, 1);
}

Json dreams_create(Call& call) {
    Json dream;
    for (const char* field : {"title", "mood", "clarity", "sleepQuality", "bedtime", "wakeTime",
                              "location", "interpretation"}) {
        dream[field] = nullptr;
    }
    for (const char* field : {"people", "emotions", "symbols"}) dream[field] = Json::array();
    for (const char* field : {"isLucid", "isRecurring", "isPinned", "isArchived"}) {
        dream[field] = false;
    }
    dream["isPrivate"] = true;
    dream["dreamDate"] = call.place.today;
    dream.update(dreams_chosen(call));
    if (dreams_lies_ahead(call, dream)) {
        return call.refuse("dreams.create was not run: dreamDate lies in the future; today is " +
                           call.place.today + ". Correct it or leave it out.");
    }
    return {{"dream", call.records.insert(dreams_dreams, std::move(dream))}};
}

Json dreams_list(Call& call) {
    Json equal = call.asked_flags();
    if (call.args["lucidOnly"].get<bool>()) equal["isLucid"] = true;
    RecordFilter filter = call.asked();
    filter.range = call.asked_days("dreamDate");
    filter.order = "dreamDate";
    return {{"dreams", call.records.list(dreams_dreams, equal, filter)}};
}

Json dreams_update(Call& call) {
    const Json fields = dreams_chosen(call);
    if (fields.empty()) {
        return call.refuse(
            "dreams.update needs at least one field besides id, e.g. interpretation.");
    }
    if (dreams_lies_ahead(call, fields)) {
        return call.refuse("dreams.update was not run: dreamDate lies in the future; today is " +
                           call.place.today + ".");
    }
    return call.change(dreams_dreams, fields, {"dream", "dream", "dreams.list"});
}

Json dreams_archive(Call& call) {
    return call.change(dreams_dreams, {{"isArchived", call.args["archived"]}},
                       {"dream", "dream", "dreams.list"});
}

}  // namespace

void add_dreams(Registry& registry) {
    registry.add({.name = "dreams.create",
                  .title = "Write down a dream",
                  .description = "Keeps a dream of last night, or of the night before dreamDate.",
                  .input = object_schema(
                      R"({"content": {"type": "string", "minLength": 1, "maxLength": 200000,
                             "description": "What was dreamt"},)" +
                          dreams_details() + "}",
                      {"content"}),
                  .output = answer_schema("dream", dreams_record()),
                  .effect = Effect::adds,
                  .run = dreams_create});
    registry.add({.name = "dreams.list",
                  .title = "Read or search dreams",
                  .description = "Answers the dreams, latest night first: all, those of the nights "
                                 "from ... to, or those with the query in their texts.",
                  .input = object_schema("{" + query_piece(false) + R"(,
            "from": {"type": "string", "format": "date", "description": "First day"},
            "to": {"type": "string", "format": "date", "description": "Last day, included"},
            "lucidOnly": {"type": "boolean", "default": false},
            "includeArchived": {"type": "boolean", "default": false}, )" +
                                         limit_piece(100, 10) + "}"),
                  .output = list_schema("dreams", dreams_record()),
                  .effect = Effect::reads,
                  .run = dreams_list});
    registry.add(
        {.name = "dreams.update",
         .title = "Change a dream",
         .description = "Changes only the given fields, e.g. adds an interpretation.",
         .input = object_schema(
             "{" + id_piece("dreams.list") +
                 R"(, "content": {"type": "string", "minLength": 1, "maxLength": 200000},)" +
                 dreams_details() + "}",
             {"id"}),
         .output = answer_schema("dream", dreams_record()),
         .effect = Effect::overwrites,
         .run = dreams_update});
    registry.add({.name = "dreams.archive",
                  .title = "Archive a dream",
                  .description = "Puts a dream away, or takes it back with archived false.",
                  .input = archive_schema("dreams.list"),
                  .output = answer_schema("dream", dreams_record()),
                  .effect = Effect::marks,
                  .run = dreams_archive});
}

}  // namespace workspace
