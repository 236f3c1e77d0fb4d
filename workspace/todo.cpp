// Tasks: created, listed newest first, changed, completed, deleted.
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

constexpr std::array<std::string_view, 9> todo_fields = {"title",       "description", "priority",
                                                         "isCompleted", "completedAt", "dueDate",
                                                         "order",       "subtasks",    "metadata"};
const Json& todo_form();
constexpr Table todo_tasks{
    .app = "todo", .name = "tasks", .fields = todo_fields, .numbered = true, .form = todo_form};

std::string todo_record() {
    return record_schema(R"({
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "priority": {"type": "string", "enum": ["low", "medium", "high", "urgent"],
                     "default": "medium"},
        "isCompleted": {"type": "boolean"},
        "completedAt": {"type": ["string", "null"], "format": "date-time"},
        "dueDate": {"type": ["string", "null"], "format": "date-time"},
        "order": {"type": "integer", "default": 0},
        "subtasks": {"type": ["array", "null"], "items": {"type": "object"}},
        "metadata": {"type": "object"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"}})",
                         {"description", "metadata", "createdAt", "updatedAt"});
}

const Json& todo_form() {
    static const Json form = parsed_schema(todo_record());
    return form;
}

void todo_normalize_due(Json& fields) {
    const auto due = fields.find("dueDate");
    if (due != fields.end() && due->is_string()) *due = *utc_text(due->get<std::string>());
}

Json todo_create(Call& call) {
    Json task = call.chosen({"title", "description", "priority", "dueDate"});
    todo_normalize_due(task);
    task["isCompleted"] = false;
    task["completedAt"] = nullptr;
    task["subtasks"] = nullptr;
    return {{"task", call.records.insert(todo_tasks, std::move(task))}};
}

Json todo_list(Call& call) {
    Json equal = Json::object();
    if (!call.args["includeCompleted"].get<bool>()) equal["isCompleted"] = false;
    return {{"tasks", call.records.list(todo_tasks, equal, call.asked())}};
}

Json todo_update(Call& call) {
    Json fields = call.chosen({"title", "description", "priority", "dueDate", "isCompleted"});
    if (fields.empty()) {
        return call.refuse("todo.update needs at least one field besides id, e.g. title.");
    }
    todo_normalize_due(fields);
    const auto task = call.records.hold(todo_tasks, call.text("id"));
    if (!task) return call.refuse_missing("task", "todo.list");
    const auto completed = fields.find("isCompleted");
    if (completed != fields.end() && *completed != (*task)["isCompleted"]) {
        fields["completedAt"] = completed->get<bool>() ? Json(call.now_text()) : Json(nullptr);
    }
    return call.change(todo_tasks, fields, {"task", "task", "todo.list"});
}

Json todo_complete(Call& call) {
    const auto task = call.records.hold(todo_tasks, call.text("id"));
    if (!task) return call.refuse_missing("task", "todo.list");
    // Completing twice keeps the time of the first.
    if (!(*task)["isCompleted"].get<bool>()) {
        Json fields;
        fields["isCompleted"] = true;
        fields["completedAt"] = call.now_text();
        if (!call.records.update(todo_tasks, call.text("id"), fields)) {
            return call.refuse_missing("task", "todo.list");
        }
    }
    return {{"ok", true}};
}

Json todo_delete(Call& call) {
    if (!call.records.remove(todo_tasks, call.text("id"))) {
        return call.refuse_missing("task", "todo.list");
    }
    return {{"ok", true}};
}

Json todo_search(Call& call) {
    Json equal = Json::object();
    if (!call.args["includeCompleted"].get<bool>()) equal["isCompleted"] = false;
    return {{"tasks", call.records.list(todo_tasks, equal, call.asked())}};
}

// Open tasks with a due date before the end of the last day asked for, in three groups.
Json todo_due(Call& call) {
    base::Transaction& transaction = call.records.transaction();
    const auto begin_of = [&](int days) {
        return start_of_day(transaction, call.place.zone, plus_days(call.place.today, days));
    };
    RecordFilter filter;
    filter.range = {.field = "dueDate", .before = begin_of(call.args["days"].get<int>() + 1)};
    filter.order = "dueDate";
    filter.ascending = true;
    filter.limit = call.args["limit"].get<int>();
    const std::string now = call.now_text(), tomorrow = begin_of(1);
    Json answer{{"overdue", Json::array()}, {"today", Json::array()}, {"later", Json::array()}};
    for (Json& task : call.records.list(todo_tasks, {{"isCompleted", false}}, filter)) {
        const auto due = task["dueDate"].get<std::string>();
        const char* group = due < now ? "overdue" : due < tomorrow ? "today" : "later";
        answer[group].push_back(std::move(task));
    }
    return answer;
}

Tool todo_due_tool() {
    return {.name = "todo.due",
            .title = "Tasks that are due",
            .description =
                "Answers the open tasks with a due date, earliest first: overdue, due "
                "today, and due within the next days.",
            .input = object_schema(R"({
            "days": {"type": "integer", "minimum": 0, "maximum": 365, "default": 7}, )" +
                                   limit_piece(200, 50) + "}"),
            .output = object_schema(fmt::format(R"({{
            "overdue": {{"type": "array", "items": {0}}},
            "today": {{"type": "array", "items": {0}}},
            "later": {{"type": "array", "items": {0}}}}})",
                                                todo_record()),
                                    {"overdue", "today", "later"}),
            .effect = Effect::reads,
            .run = todo_due};
}

constexpr std::string_view todo_id = R"({
    "id": {"type": "string", "format": "uuid", "description": "Id of the task, from todo.list"}})";

}  // namespace

void add_todo(Registry& registry) {
    registry.add({.name = "todo.create",
                  .title = "Create a task",
                  .description = "Adds one open task to the to-do list and answers it with its id.",
                  .input = object_schema(R"({
            "title": {"type": "string", "minLength": 1, "maxLength": 500,
                      "description": "What is to be done"},
            "description": {"type": "string", "maxLength": 10000, "description": "Details"},
            "priority": {"type": "string", "enum": ["low", "medium", "high", "urgent"],
                         "default": "medium"},
            "dueDate": {"type": ["string", "null"], "format": "date-time", "default": null,
                        "description": "When it is due, e.g. 2026-11-21T17:00:00Z"}})",
                                         {"title"}),
                  .output = answer_schema("task", todo_record()),
                  .effect = Effect::adds,
                  .run = todo_create});
    registry.add({.name = "todo.list",
                  .title = "List tasks",
                  .description =
                      "Answers the tasks of this space, newest first. Completed tasks are left "
                      "out unless asked for.",
                  .input = object_schema(R"({
            "includeCompleted": {"type": "boolean", "default": false},
            "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}})"),
                  .output = list_schema("tasks", todo_record()),
                  .effect = Effect::reads,
                  .run = todo_list});
    registry.add({.name = "todo.search",
                  .title = "Search tasks",
                  .description = "Answers the tasks with the query in title, description or "
                                 "subtasks, newest first.",
                  .input = object_schema("{" + query_piece(true) + R"(,
            "includeCompleted": {"type": "boolean", "default": true}, )" +
                                             limit_piece(100, 20) + "}",
                                         {"query"}),
                  .output = list_schema("tasks", todo_record()),
                  .effect = Effect::reads,
                  .run = todo_search});
    registry.add(todo_due_tool());
    registry.add({.name = "todo.update",
                  .title = "Change a task",
                  .description =
                      "Changes only the given fields of a task; isCompleted false opens it again.",
                  .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From todo.list"},
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "description": {"type": "string", "maxLength": 10000},
            "priority": {"type": "string", "enum": ["low", "medium", "high", "urgent"]},
            "dueDate": {"type": ["string", "null"], "format": "date-time",
                        "description": "null removes the due date"},
            "isCompleted": {"type": "boolean"}})",
                                         {"id"}),
                  .output = answer_schema("task", todo_record()),
                  .effect = Effect::overwrites,
                  .run = todo_update});
    registry.add(
        {.name = "todo.complete",
         .title = "Complete a task",
         .description = "Marks a task as done. It then no longer shows among the open ones.",
         .input = object_schema(todo_id, {"id"}),
         .output = done_schema(),
         .effect = Effect::marks,
         .run = todo_complete});
    registry.add({.name = "todo.delete",
                  .title = "Delete a task",
                  .description = "Removes a task from the list for good. For finished work use "
                                 "todo.complete instead.",
                  .input = object_schema(todo_id, {"id"}),
                  .output = done_schema(),
                  .effect = Effect::removes,
                  .run = todo_delete});
}

}  // namespace workspace
