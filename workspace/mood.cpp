// Moods of the day: logged, and read back for a day or for the last days.
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

constexpr std::array<std::string_view, 9> mood_fields = {
    "date",     "time",     "level", "emotion", "secondaryEmotions",
    "activity", "withWhom", "notes", "tags"};
const Json& mood_form();
constexpr Table mood_entries{
    .app = "mood", .name = "moodEntries", .fields = mood_fields, .form = mood_form};

constexpr std::string_view mood_emotions =
    R"("enum": ["happy", "calm", "energized", "grateful", "excited", "loved", "hopeful", "neutral",
                "bored", "tired", "sad", "anxious", "angry", "stressed", "frustrated",
                "overwhelmed"])";
constexpr std::string_view mood_activities =
    R"("enum": ["work", "exercise", "social", "alone", "commute", "eating", "resting", "creative",
                "outdoors", "screen", "chores", "other", null])";

std::string mood_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "date": {{"type": "string", "format": "date"}},
        "time": {{"type": "string", "pattern": "{2}"}},
        "level": {{"type": "integer", "minimum": 1, "maximum": 10}},
        "emotion": {{"type": "string", {0}}},
        "secondaryEmotions": {{"type": "array", "items": {{"type": "string", {0}}}}},
        "activity": {{"type": ["string", "null"], {1}}},
        "withWhom": {{"type": "string"}},
        "notes": {{"type": "string"}},
        "tags": {{"type": "array", "items": {{"type": "string"}}}},
        "createdAt": {{"type": "string", "format": "date-time"}},
        "updatedAt": {{"type": "string", "format": "date-time"}}}})",
                                     mood_emotions, mood_activities, hour_minute),
                         {"createdAt", "updatedAt"});
}

const Json& mood_form() {
    static const Json form = parsed_schema(mood_record());
    return form;
}

Json mood_log(Call& call) {
    Json entry = call.chosen(
        {"level", "emotion", "secondaryEmotions", "activity", "withWhom", "notes", "tags"});
    entry["date"] = call.given("date") ? call.text("date") : call.place.today;
    entry["time"] = call.given("time") ? call.text("time") : call.place.time;
    // Somewhere it is tomorrow already; later than that is a slip.
    if (entry["date"].get<std::string>() > plus_days(call.place.today, 1)) {
        return call.refuse("mood.log was not run: date lies in the future; today is " +
                           call.place.today + ". Correct it or leave it out.");
    }
    return {{"entry", call.records.insert(mood_entries, std::move(entry))}};
}

Json mood_today(Call& call) {
    RecordFilter filter;
    filter.order = "time";
    filter.ascending = true;
    filter.limit = 200;
    Json equal;
    equal["date"] = call.given("date") ? call.text("date") : call.place.today;
    return {{"entries", call.records.list(mood_entries, equal, filter)}};
}

Json mood_recent(Call& call) {
    RecordFilter filter;
    filter.range.field = "date";
    filter.range.from = plus_days(call.place.today, -call.args["days"].get<int>());
    filter.order = "date";
    filter.second_order = "time";
    filter.limit = call.args["limit"].get<int>();
    return {{"entries", call.records.list(mood_entries, Json::object(), filter)}};
}

std::string mood_arguments(bool with_defaults) {
    const auto standard = [&](std::string_view value) {
        return with_defaults ? fmt::format(R"(, "default": {})", value) : std::string();
    };
    return fmt::format(R"(
        "level": {{"type": "integer", "minimum": 1, "maximum": 10,
                   "description": "1 very bad, 10 very good"}},
        "emotion": {{"type": "string", {0}}},
        "secondaryEmotions": {{"type": "array", "maxItems": 5,
                               "items": {{"type": "string", {0}}} {3}}},
        "activity": {{"type": ["string", "null"], {1} {4}}},
        "withWhom": {{"type": "string", "maxLength": 500 {5}}},
        "notes": {{"type": "string", "maxLength": 5000 {5}}},
        "tags": {{"type": "array", "maxItems": 20,
                  "items": {{"type": "string", "maxLength": 60}} {3}}},
        "date": {{"type": "string", "format": "date", "description": "Left out: today"}},
        "time": {{"type": "string", "pattern": "{2}", "description": "HH:MM; left out: now"}})",
                       mood_emotions, mood_activities, hour_minute, standard("[]"),
                       standard("null"), standard(R"("")"));
}

Json mood_update(Call& call) {
    const Json fields = call.chosen({"level", "emotion", "secondaryEmotions", "activity",
                                     "withWhom", "notes", "tags", "date", "time"});
    if (fields.empty()) {
        return call.refuse("mood.update needs at least one field besides id, e.g. notes.");
    }
    if (call.given("date") && call.text("date") > plus_days(call.place.today, 1)) {
        return call.refuse("mood.update was not run: date lies in the future; today is " +
                           call.place.today + ".");
    }
    return call.change(mood_entries, fields, {"entry", "mood", "mood.recent"});
}

Json mood_search(Call& call) {
    RecordFilter filter;
    filter.text = call.text("query");
    filter.order = "date";
    filter.second_order = "time";
    filter.limit = call.args["limit"].get<int>();
    return {{"entries", call.records.list(mood_entries, Json::object(), filter)}};
}

}  // namespace

void add_mood(Registry& registry) {
    registry.add({.name = "mood.log",
                  .title = "Log a mood",
                  .description = "Records how the user feels, now unless date and time are given.",
                  .input = object_schema("{" + mood_arguments(true) + "}", {"level", "emotion"}),
                  .output = answer_schema("entry", mood_record()),
                  .effect = Effect::adds,
                  .run = mood_log});
    registry.add({.name = "mood.today",
                  .title = "Moods of a day",
                  .description = "Answers the moods of today, or of the given day, by time.",
                  .input = object_schema(R"({"date": {"type": "string", "format": "date"}})"),
                  .output = list_schema("entries", mood_record()),
                  .effect = Effect::reads,
                  .run = mood_today});
    registry.add({.name = "mood.recent",
                  .title = "Moods of the last days",
                  .description = "Answers the moods of the last days, newest first.",
                  .input = object_schema(R"({
            "days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}})"),
                  .output = list_schema("entries", mood_record()),
                  .effect = Effect::reads,
                  .run = mood_recent});
    registry.add({.name = "mood.search",
                  .title = "Search moods",
                  .description = "Answers the moods of all times with the query in notes, company, "
                                 "tags, emotion or activity, latest day first.",
                  .input = object_schema("{" + query_piece(true) + "," + limit_piece(200, 20) + "}",
                                         {"query"}),
                  .output = list_schema("entries", mood_record()),
                  .effect = Effect::reads,
                  .run = mood_search});
    registry.add({.name = "mood.update",
                  .title = "Change a mood",
                  .description = "Changes only the given fields of a logged mood.",
                  .input = object_schema(
                      "{" + id_piece("mood.recent") + "," + mood_arguments(false) + "}", {"id"}),
                  .output = answer_schema("entry", mood_record()),
                  .effect = Effect::overwrites,
                  .run = mood_update});
}

}  // namespace workspace
