// Requests for the simulator's tests: small valid bodies to start from.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace sim_tests {

inline base::Json minimal_body() {
    return base::Json::parse(R"({
        "model": "claude-sonnet-5-5",
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Guten Morgen."}]
    })");
}

inline base::Json todo_tools() {
    return base::Json::parse(R"([
        {"name": "todo_complete", "description": "Erledigt eine Aufgabe.",
         "input_schema": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}},
                          "required": ["id"], "additionalProperties": false}},
        {"name": "todo_create", "description": "Legt eine Aufgabe an.",
         "input_schema": {"type": "object",
             "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 500},
                            "priority": {"type": "string", "enum": ["low", "medium", "high", "urgent"]},
                            "dueDate": {"anyOf": [{"type": "string", "format": "date-time"},
                                                  {"type": "null"}]}},
             "required": ["title"]}},
        {"name": "todo_list", "description": "Zeigt Aufgaben.",
         "input_schema": {"type": "object", "properties": {"limit": {"type": "integer",
             "minimum": 1, "maximum": 500}}}}
    ])");
}

inline base::Json all_tools() {
    base::Json tools = todo_tools();
    const base::Json more = base::Json::parse(R"([
        {"name": "notes_create", "input_schema": {"type": "object",
            "properties": {"title": {"type": "string"}, "content": {"type": "string"}},
            "required": ["title"]}},
        {"name": "notes_search", "input_schema": {"type": "object",
            "properties": {"query": {"type": "string", "maxLength": 500}}}},
        {"name": "journal_add", "input_schema": {"type": "object",
            "properties": {"content": {"type": "string", "minLength": 1},
                           "mood": {"enum": ["dankbar", "neutral", null]}},
            "required": ["content"]}},
        {"name": "mood_log", "input_schema": {"type": "object",
            "properties": {"level": {"type": "integer", "minimum": 1, "maximum": 10},
                           "emotion": {"type": "string", "enum": ["happy", "calm", "tired"]}},
            "required": ["level", "emotion"]}},
        {"name": "calendar_create", "input_schema": {"type": "object",
            "properties": {"title": {"type": "string"},
                           "startsAt": {"type": "string", "format": "date-time"},
                           "endsAt": {"type": "string", "format": "date-time"}},
            "required": ["title", "startsAt", "endsAt"]}},
        {"name": "notes_update", "input_schema": {"type": "object",
            "properties": {"id": {"type": "string"}, "title": {"type": "string"},
                           "isArchived": {"type": "boolean"}}, "required": ["id"]}},
        {"name": "habits_create", "input_schema": {"type": "object",
            "properties": {"title": {"type": "string"}}, "required": ["title"]}},
        {"name": "habits_list", "input_schema": {"type": "object"}},
        {"name": "articles_save", "input_schema": {"type": "object",
            "properties": {"url": {"type": "string", "format": "uri"},
                           "title": {"type": "string"}}, "required": ["url"]}},
        {"name": "articles_list", "input_schema": {"type": "object"}},
        {"name": "contacts_create", "input_schema": {"type": "object",
            "properties": {"firstName": {"type": "string"}, "email": {"type": "string",
                           "format": "email"}},
            "required": ["firstName"]}}
    ])");
    for (const base::Json& tool : more) tools.push_back(tool);
    return tools;
}

inline base::Json visit_body(const std::string& system, const std::string& plan) {
    base::Json body = minimal_body();
    body["system"] = base::Json::array({{{"type", "text"}, {"text", system}}});
    body["tools"] = all_tools();
    body["messages"][0]["content"] = plan;
    return body;
}

// Appends a call and its answer, as a well-behaved client would.
inline void add_call(base::Json& body, const std::string& id, const std::string& tool,
                     const base::Json& input, const std::string& result, bool is_error = false) {
    body["messages"].push_back(
        {{"role", "assistant"},
         {"content", base::Json::array(
                         {{{"type", "tool_use"}, {"id", id}, {"name", tool}, {"input", input}}})}});
    base::Json answer = {{"type", "tool_result"}, {"tool_use_id", id}, {"content", result}};
    if (is_error) answer["is_error"] = true;
    body["messages"].push_back({{"role", "user"}, {"content", base::Json::array({answer})}});
}

}  // namespace sim_tests
