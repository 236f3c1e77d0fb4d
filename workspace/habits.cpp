// Habits: created, logged when done, looked at for a day, changed, archived.
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workspace/dates.hpp"
#include "workspace/habit_streaks.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 8> habits_fields = {
    "title", "icon", "color", "targetPerDay", "weekdays", "defaultDuration", "order", "isArchived"};
const Json& habits_form();
constexpr Table habits_habits{.app = "habits",
                              .name = "habits",
                              .fields = habits_fields,
                              .numbered = true,
                              .form = habits_form};
constexpr std::array<std::string_view, 5> habits_log_fields = {"habitId", "date", "time",
                                                               "duration", "note"};
const Json& habits_log_form();
constexpr Table habits_logs{
    .app = "habits", .name = "habitLogs", .fields = habits_log_fields, .form = habits_log_form};

constexpr int habits_shown_max = 500;
constexpr int habits_logs_per_day_max = 1000;
constexpr int habits_streak_days_max = 400;  // A longer streak is told as this one.
constexpr std::string_view habits_weekdays =
    R"("enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"])";

constexpr std::string_view habits_properties = R"(
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": "string"},
        "icon": {"type": "string"},
        "color": {"type": "string"},
        "targetPerDay": {"type": ["integer", "null"]},
        "weekdays": {"type": "array", "items": {"type": "string"},
                     "description": "On which it is due; left out or empty: every day"},
        "defaultDuration": {"type": ["integer", "null"], "description": "Seconds"},
        "order": {"type": "integer"},
        "isArchived": {"type": "boolean"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"})";

std::string habits_record() {
    return record_schema(fmt::format("{{{}}}", habits_properties),
                         {"weekdays", "createdAt", "updatedAt"});
}

const Json& habits_form() {
    static const Json form = parsed_schema(habits_record());
    return form;
}

std::string habits_log_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "habitId": {{"type": "string", "format": "uuid"}},
        "date": {{"type": "string", "format": "date"}},
        "time": {{"type": "string", "pattern": "{}"}},
        "duration": {{"type": ["integer", "null"], "description": "Seconds"}},
        "note": {{"type": "string"}},
        "createdAt": {{"type": "string", "format": "date-time"}},
        "updatedAt": {{"type": "string", "format": "date-time"}}}})",
                                     hour_minute),
                         {"createdAt", "updatedAt"});
}

const Json& habits_log_form() {
    static const Json form = parsed_schema(habits_log_record());
    return form;
}

std::string habits_day_record() {
    return record_schema(fmt::format(R"({{{},
        "done": {{"type": "integer", "description": "Times logged on that day"}},
        "isReached": {{"type": "boolean", "description": "The target (else once) is reached"}},
        "isDue": {{"type": "boolean", "description": "To be done on that day"}},
        "streak": {{"type": "integer", "description": "Due days in a row on which it was reached"}},
        "longestStreak": {{"type": "integer", "description": "Of the last 400 days"}}}})",
                                     habits_properties),
                         {"weekdays", "createdAt", "updatedAt"});
}

std::string habits_limits(bool with_defaults) {
    const auto standard = [&](std::string_view value) {
        return with_defaults ? fmt::format(R"(, "default": {})", value) : std::string();
    };
    return fmt::format(R"(
            "title": {{"type": "string", "minLength": 1, "maxLength": 120}},
            "icon": {{"type": "string", "minLength": 1, "maxLength": 40 {0}}},
            "color": {{"type": "string", "pattern": "{3}" {1}}},
            "targetPerDay": {{"type": ["integer", "null"], "exclusiveMinimum": 0,
                              "maximum": 1000000, "description": "Times per day" {2}}},
            "weekdays": {{"type": "array", "maxItems": 7, "items": {{"type": "string", {4}}},
                          "description": "Days on which it is due; empty: every day" {5}}},
            "defaultDuration": {{"type": ["integer", "null"], "exclusiveMinimum": 0,
                                 "maximum": 1000000, "description": "Seconds" {2}}})",
                       standard(R"("star")"), standard(R"("#6366f1")"), standard("null"), hex_color,
                       habits_weekdays, standard("[]"));
}

Json habits_create(Call& call) {
    Json habit =
        call.chosen({"title", "icon", "color", "targetPerDay", "weekdays", "defaultDuration"});
    habit["isArchived"] = false;
    return {{"habit", call.records.insert(habits_habits, std::move(habit))}};
}

Json habits_in_order(Call& call, bool with_archived) {
    Json equal = Json::object();
    if (!with_archived) equal["isArchived"] = false;
    // Positions grow with creation, so creation is the order.
    RecordFilter filter;
    filter.ascending = true;
    filter.limit = habits_shown_max;
    return call.records.list(habits_habits, equal, filter);
}

Json habits_list(Call& call) {
    return {{"habits", habits_in_order(call, call.args["includeArchived"].get<bool>())}};
}

Json habits_update(Call& call) {
    const Json fields =
        call.chosen({"title", "icon", "color", "targetPerDay", "weekdays", "defaultDuration"});
    if (fields.empty()) {
        return call.refuse("habits.update needs at least one field besides id, e.g. title.");
    }
    if (!call.records.update(habits_habits, call.text("id"), fields)) {
        return call.refuse_missing("habit", "habits.list");
    }
    return {{"ok", true}};
}

Json habits_archive(Call& call) {
    Json fields;
    fields["isArchived"] = call.args["archived"];
    if (!call.records.update(habits_habits, call.text("id"), fields)) {
        return call.refuse_missing("habit", "habits.list");
    }
    return {{"ok", true}};
}

Json habits_done_on(Call& call, const Json& equal) {
    RecordFilter filter;
    filter.limit = habits_logs_per_day_max;
    return call.records.list(habits_logs, equal, filter);
}

Json habits_log(Call& call) {
    const auto habit = call.records.hold(habits_habits, call.text("id"));
    if (!habit) return call.refuse_missing("habit", "habits.list");
    if ((*habit)["isArchived"].get<bool>()) {
        return call.refuse(
            "This habit is archived. Call habits.archive with archived false first, or "
            "choose another from habits.list.");
    }
    const std::string date = call.given("date") ? call.text("date") : call.place.today;
    if (date > plus_days(call.place.today, 1)) {
        return call.refuse("habits.log was not run: date lies in the future; today is " +
                           call.place.today + ". Correct it or leave it out.");
    }
    const Json of_day = {{"habitId", (*habit)["id"]}, {"date", date}};
    const auto before = static_cast<int>(habits_done_on(call, of_day).size());
    if (before >= habits_logs_per_day_max) {
        return call.refuse("This habit was logged too often on that day; nothing was added.");
    }
    Json log = of_day;
    log["time"] = call.given("time") ? call.text("time") : call.place.time;
    log["duration"] = call.given("duration") ? call.args["duration"] : (*habit)["defaultDuration"];
    log["note"] = call.args["note"];
    Json answer;
    answer["log"] = call.records.insert(habits_logs, std::move(log));
    answer["doneThatDay"] = before + 1;
    answer["targetPerDay"] = (*habit)["targetPerDay"];
    return answer;
}

HabitPlan habits_plan(const Json& habit) {
    HabitPlan plan;
    if (!habit["targetPerDay"].is_null()) plan.target = habit["targetPerDay"].get<int>();
    for (const Json& day : habit.value("weekdays", Json::array())) {
        plan.weekdays.push_back(day.get<std::string>());
    }
    return plan;
}

Json habits_today(Call& call) {
    const std::string date = call.given("date") ? call.text("date") : call.place.today;
    const std::string first = plus_days(date, -habits_streak_days_max);
    const Records::Tally tally = call.records.tally(habits_logs, "habitId", "date", first);
    static const std::map<std::string, int> never;
    Json habits = Json::array();
    for (Json& habit : habits_in_order(call, false)) {
        const HabitPlan plan = habits_plan(habit);
        const auto known = tally.find(habit["id"].get<std::string>());
        const std::map<std::string, int>& done = known == tally.end() ? never : known->second;
        const auto times = done.find(date);
        const int count = times == done.end() ? 0 : times->second;
        const HabitStreak streak = streak_of(plan, done, first, date);
        habit["done"] = count;
        habit["isReached"] = count >= plan.target;
        habit["isDue"] = is_due_on(plan, date);
        habit["streak"] = streak.current;
        habit["longestStreak"] = streak.longest;
        const bool open = habit["isDue"].get<bool>() && count < plan.target;
        if (open || !call.args["dueOnly"].get<bool>()) habits.push_back(std::move(habit));
    }
    return {{"habits", std::move(habits)}};
}

Tool habits_logging_tool() {
    return {.name = "habits.log",
            .title = "Log a habit",
            .description =
                "Records that a habit was done once, now unless date and time are given. "
                "Answers how often it was done on that day.",
            .input = object_schema(fmt::format(R"({{
            "id": {{"type": "string", "format": "uuid", "description": "From habits.list"}},
            "date": {{"type": "string", "format": "date"}},
            "time": {{"type": "string", "pattern": "{}", "description": "HH:MM"}},
            "duration": {{"type": "integer", "exclusiveMinimum": 0, "maximum": 1000000,
                          "description": "Seconds; left out: the habit's usual one"}},
            "note": {{"type": "string", "maxLength": 2000, "default": ""}}}})",
                                               hour_minute),
                                   {"id"}),
            .output = object_schema(fmt::format(R"({{
            "log": {},
            "doneThatDay": {{"type": "integer"}},
            "targetPerDay": {{"type": ["integer", "null"]}}}})",
                                                habits_log_record()),
                                    {"log", "doneThatDay", "targetPerDay"}),
            .effect = Effect::adds,
            .run = habits_log};
}

Tool habits_archiving_tool() {
    return {.name = "habits.archive",
            .title = "Archive a habit",
            .description =
                "Puts a habit away, or takes it back with archived false. Its history "
                "stays.",
            .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From habits.list"},
            "archived": {"type": "boolean", "default": true}})",
                                   {"id"}),
            .output = done_schema(),
            .effect = Effect::marks,
            .run = habits_archive};
}

}  // namespace

void add_habits(Registry& registry) {
    registry.add({.name = "habits.create",
                  .title = "Create a habit",
                  .description = "Starts a habit to be followed and answers it with its id.",
                  .input = object_schema(fmt::format("{{{}}}", habits_limits(true)), {"title"}),
                  .output = answer_schema("habit", habits_record()),
                  .effect = Effect::adds,
                  .run = habits_create});
    registry.add(
        {.name = "habits.list",
         .title = "List habits",
         .description = "Answers the habits in their order.",
         .input = object_schema(R"({"includeArchived": {"type": "boolean", "default": false}})"),
         .output = list_schema("habits", habits_record()),
         .effect = Effect::reads,
         .run = habits_list});
    registry.add(habits_logging_tool());
    registry.add({.name = "habits.today",
                  .title = "Habits of a day",
                  .description = "Answers every habit with how often it was done today, or on the "
                                 "given day, whether it is due and its streak.",
                  .input = object_schema(R"({"date": {"type": "string", "format": "date"},
            "dueOnly": {"type": "boolean", "default": false,
                        "description": "Only what is due and not yet reached"}})"),
                  .output = list_schema("habits", habits_day_record()),
                  .effect = Effect::reads,
                  .run = habits_today});
    registry.add(
        {.name = "habits.update",
         .title = "Change a habit",
         .description = "Changes only the given fields of a habit.",
         .input = object_schema(fmt::format(R"({{"id": {{"type": "string", "format": "uuid",
                                               "description": "From habits.list"}}, {}}})",
                                            habits_limits(false)),
                                {"id"}),
         .output = done_schema(),
         .effect = Effect::overwrites,
         .run = habits_update});
    registry.add(habits_archiving_tool());
}

}  // namespace workspace
