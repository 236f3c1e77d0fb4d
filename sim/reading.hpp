// What a simulated persona gathers from the wire before she acts: who she is, what she prefers,
// which tools lie there, and what came of earlier calls. It knows no client, only words and
// schemas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "sim/phrases.hpp"

namespace sim {

enum class Verb { make, look, change, drop };

struct ToolOffer {
    std::string name;
    std::string module;  // What stands before the verb in its name.
    Verb verb = Verb::make;
    bool needs_id = false;  // A required argument names an existing thing.
    const base::Json* schema = nullptr;
};

struct PastCall {
    std::string tool;
    std::string module;
    std::string result;
    bool failed = false;
    std::size_t turn = 0;  // Assistant turn in which it was made.
};

// A thing that a tool result showed.
struct Thing {
    std::string module;
    std::string id;
    std::string label;
    bool settled = false;  // Completed, archived or read: nothing left to do with it.
};

struct Reading {
    std::string persona;  // System text with ids, dates and numbers masked.
    std::string key;      // The persona and her plan, masked: all that chance is derived from.
    std::string day = "2026-01-15";  // The first date that the first user message holds.
    Theme theme = Theme::everyday;
    std::vector<ToolOffer> tools;
    std::vector<std::pair<std::string, double>> weights;  // Module → wish; sums to 1.
    std::vector<PastCall> calls;
    std::vector<Thing> things;  // Sorted by label, so that ids decide nothing.
    std::size_t turns = 0;      // Assistant turns so far.
    std::string last_user;      // Text of the newest user message.
};

// Of a normalized body. Pointers lead into the body.
Reading read_conversation(const base::Json& body);

// Masks what differs between two runs of the same day: ids, dates, numbers.
std::string masked(std::string_view text);

// Module of a tool: "todo_create", "todo.create", "mcp__mana__todo_create" → "todo".
std::string module_of(std::string_view tool);

// The wish for each module, read from "todo 0.3", "todo: 30 %" or a mere mention.
std::vector<std::pair<std::string, double>> read_weights(const std::vector<std::string>& modules,
                                                         std::string_view text);

}  // namespace sim
