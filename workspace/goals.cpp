// Goals: something to reach (or not to exceed) per day, week or month, with what was done so far.
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

constexpr std::array<std::string_view, 9> goals_fields = {
    "title",        "description",        "metric",     "target", "moduleId", "status",
    "currentValue", "currentPeriodStart", "completedAt"};
const Json& goals_form();
constexpr Table goals_goals{
    .app = "goals", .name = "companionGoals", .fields = goals_fields, .form = goals_form};

constexpr std::string_view goals_statuses =
    R"("enum": ["active", "paused", "completed", "abandoned"])";
constexpr std::string_view goals_target = R"("target": {"type": "object", "properties": {
                "value": {"type": "number", "minimum": 0, "maximum": 1000000000},
                "period": {"type": "string", "enum": ["day", "week", "month"]},
                "comparison": {"type": "string", "enum": ["gte", "lte"],
                               "description": "gte: at least the value; lte: at most"}},
                "required": ["value", "period", "comparison"], "additionalProperties": false})";
constexpr std::string_view goals_metric = R"("metric": {"type": "object", "properties": {
                "source": {"type": "string", "enum": ["event_count", "event_sum"],
                           "description": "How often, or how much in all"},
                "eventType": {"type": "string", "minLength": 1, "maxLength": 200,
                              "description": "What is counted, e.g. kilometres run"}},
                "required": ["source", "eventType"], "additionalProperties": false})";

// As it is kept, or as a tool answers it.
std::string goals_record(bool is_kept = false) {
    constexpr std::string_view reached =
        R"("isReached": {"type": "boolean", "description": "In the period under way"},)";
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "title": {{"type": "string"}},
        "description": {{"type": ["string", "null"]}},
        {0}, {1},
        "moduleId": {{"type": ["string", "null"]}},
        "status": {{"type": "string", {2}}},
        "currentValue": {{"type": "number", "description": "In the period under way"}},
        "currentPeriodStart": {{"type": "string", "format": "date"}},
        "completedAt": {{"type": ["string", "null"], "format": "date-time"}}, {3} {4}}})",
                                     goals_metric, goals_target, goals_statuses,
                                     is_kept ? std::string_view() : reached, record_times),
                         {"createdAt", "updatedAt"});
}

const Json& goals_form() {
    static const Json form = parsed_schema(goals_record(true));
    return form;
}

std::string goals_period_start(const Call& call, const Json& target) {
    const std::string& period = target["period"].get_ref<const std::string&>();
    if (period == "day") return call.place.today;
    return period == "week" ? start_of_week(call.place.today) : start_of_month(call.place.today);
}

// The goal as it stands today: a new period begins at nothing.
Json goals_today(const Call& call, Json goal) {
    const std::string start = goals_period_start(call, goal["target"]);
    const bool is_over = goal["currentPeriodStart"].get<std::string>() < start;
    if (is_over && goal["status"] == "active") {
        goal["currentPeriodStart"] = start;
        goal["currentValue"] = 0;
    }
    const auto value = goal["currentValue"].get<double>();
    const auto wanted = goal["target"]["value"].get<double>();
    const bool at_least = goal["target"]["comparison"] == "gte";
    goal["isReached"] = at_least ? value >= wanted : value <= wanted;
    return goal;
}

// Changes a goal and answers it as it stands today.
Json goals_change(Call& call, const Json& fields) {
    auto goal = call.records.update(goals_goals, call.text("id"), fields);
    if (!goal) return call.refuse_missing("goal", "goals.list");
    return {{"goal", goals_today(call, std::move(*goal))}};
}

Json goals_create(Call& call) {
    Json goal = call.chosen({"title", "description", "moduleId", "target"});
    goal["metric"] = call.given("metric")
                         ? call.args["metric"]
                         : Json{{"source", "event_count"}, {"eventType", call.args["title"]}};
    goal["status"] = "active";
    goal["currentValue"] = 0;
    goal["currentPeriodStart"] = goals_period_start(call, goal["target"]);
    goal["completedAt"] = nullptr;
    return {{"goal", goals_today(call, call.records.insert(goals_goals, std::move(goal)))}};
}

Json goals_list(Call& call) {
    RecordFilter filter;
    filter.limit = call.args["limit"].get<int>();
    Json goals = Json::array();
    for (const Json& goal : call.records.list(goals_goals, call.chosen({"status"}), filter)) {
        goals.push_back(goals_today(call, goal));
    }
    return {{"goals", std::move(goals)}};
}

Json goals_progress(Call& call) {
    const auto stored = call.records.hold(goals_goals, call.text("id"));
    if (!stored) return call.refuse_missing("goal", "goals.list");
    if ((*stored)["status"] != "active") {
        return call.refuse("goals.progress was not run: this goal is " +
                           (*stored)["status"].get<std::string>() +
                           ". Set its status to active with goals.update first.");
    }
    const Json goal = goals_today(call, *stored);
    const double sum = goal["currentValue"].get<double>() + call.args["amount"].get<double>();
    return goals_change(
        call, {{"currentValue", sum}, {"currentPeriodStart", goal["currentPeriodStart"]}});
}

Json goals_update(Call& call) {
    Json fields = call.chosen({"title", "description", "moduleId", "metric", "target", "status"});
    if (fields.empty()) {
        return call.refuse("goals.update needs at least one field besides id, e.g. target.");
    }
    if (fields.contains("status")) {
        fields["completedAt"] =
            fields["status"] == "completed" ? Json(call.now_text()) : Json(nullptr);
    }
    // Another period counts from its own beginning.
    if (fields.contains("target")) {
        const auto stored = call.records.hold(goals_goals, call.text("id"));
        if (!stored) return call.refuse_missing("goal", "goals.list");
        if ((*stored)["target"]["period"] != fields["target"]["period"]) {
            fields["currentPeriodStart"] = goals_period_start(call, fields["target"]);
        }
    }
    return goals_change(call, fields);
}

Json goals_complete(Call& call) {
    const auto stored = call.records.hold(goals_goals, call.text("id"));
    if (!stored) return call.refuse_missing("goal", "goals.list");
    // Completing twice keeps the time of the first.
    if ((*stored)["status"] == "completed") return {{"goal", goals_today(call, *stored)}};
    return goals_change(call, {{"status", "completed"}, {"completedAt", call.now_text()}});
}

std::string goals_details() {
    return fmt::format(R"(
            "description": {{"type": ["string", "null"], "maxLength": 10000 {{}}}},
            "moduleId": {{"type": ["string", "null"], "maxLength": 64 {{}},
                          "description": "The module it is about, e.g. habits"}},
            {0}, {1})",
                       goals_metric, goals_target);
}

// `standard`: what an argument that may be left out is then.
std::string goals_arguments(std::string_view standard) {
    std::string text = goals_details();
    for (std::size_t at = text.find("{}"); at != text.npos; at = text.find("{}", at)) {
        text.replace(at, 2, standard);
    }
    return text;
}

}  // namespace

void add_goals(Registry& registry) {
    registry.add({.name = "goals.create",
                  .title = "Set a goal",
                  .description = "Starts a goal, e.g. at least 3 runs a week: target value 3, "
                                 "period week, comparison gte.",
                  .input = object_schema(
                      R"({"title": {"type": "string", "minLength": 1, "maxLength": 200},)" +
                          goals_arguments(R"(, "default": null)") + "}",
                      {"title", "target"}),
                  .output = answer_schema("goal", goals_record()),
                  .effect = Effect::adds,
                  .run = goals_create});
    registry.add(
        {.name = "goals.list",
         .title = "List goals",
         .description = "Answers the goals, newest first, with how far each is in the "
                        "period under way.",
         .input = object_schema(fmt::format(R"({{"status": {{"type": "string", {}}}, {}}})",
                                            goals_statuses, limit_piece(100, 20))),
         .output = list_schema("goals", goals_record()),
         .effect = Effect::reads,
         .run = goals_list});
    registry.add({.name = "goals.progress",
                  .title = "Get on with a goal",
                  .description = "Adds an amount to a goal's period under way, one unless told.",
                  .input = object_schema("{" + id_piece("goals.list") + R"(,
            "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000000,
                       "default": 1}})",
                                         {"id"}),
                  .output = answer_schema("goal", goals_record()),
                  .effect = Effect::adds,
                  .run = goals_progress});
    registry.add({.name = "goals.update",
                  .title = "Change a goal",
                  .description = "Changes only the given fields; status paused or abandoned puts "
                                 "the goal away, active takes it back.",
                  .input = object_schema(
                      fmt::format(R"({{{},
            "title": {{"type": "string", "minLength": 1, "maxLength": 200}},
            "status": {{"type": "string", {}}}, {}}})",
                                  id_piece("goals.list"), goals_statuses, goals_arguments("")),
                      {"id"}),
                  .output = answer_schema("goal", goals_record()),
                  .effect = Effect::overwrites,
                  .run = goals_update});
    registry.add({.name = "goals.complete",
                  .title = "Complete a goal",
                  .description = "Marks a goal as reached for good.",
                  .input = id_schema("goals.list"),
                  .output = answer_schema("goal", goals_record()),
                  .effect = Effect::marks,
                  .run = goals_complete});
}

}  // namespace workspace
