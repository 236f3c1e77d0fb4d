// The conversation as a whole: who may follow whom, and every call answered exactly once.
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/check.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

std::vector<std::string> turns_calls(const WireTurn& turn) {
    std::vector<std::string> ids;
    if (turn.role != "assistant") return ids;
    for (const WireBlock& block : turn.blocks) {
        if (type_of(*block.json) == "tool_use") ids.emplace_back(text_member(*block.json, "id"));
    }
    return ids;
}

void turns_check_roles(std::span<const WireTurn> turns, const Model& model,
                       const CheckOptions& options) {
    if (options.strict && turns.front().role != "user") {
        refuse("messages: first message must use the \"user\" role");
    }
    for (std::size_t at = 0; at < turns.size(); ++at) {
        if (turns[at].role != "system") continue;
        const std::string path = fmt::format("messages.{}", turns[at].message);
        if (!model.system_turns) refuse(path + ": role 'system' is not supported on this model");
        if (at == 0 || turns[at - 1].role != "user") {
            refuse(path + ": a system message must follow a user message");
        }
        if (at + 1 < turns.size() && turns[at + 1].role != "assistant") {
            refuse(path + ": a system message must be last or be followed by an assistant message");
        }
    }
    const bool paused = !turns.back().blocks.empty() &&
                        type_of(*turns.back().blocks.back().json) == "server_tool_use";
    if (turns.back().role == "assistant" && !model.prefill && !paused) {
        refuse(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message.");
    }
}

void turns_check_unique_ids(std::span<const WireTurn> turns) {
    std::set<std::string_view> seen;
    for (const WireTurn& turn : turns) {
        for (const WireBlock& block : turn.blocks) {
            if (type_of(*block.json) != "tool_use") continue;
            if (seen.insert(text_member(*block.json, "id")).second) continue;
            refuse(fmt::format("messages.{}.content.{}: `tool_use` ids must be unique",
                               block.message, block.index));
        }
    }
}

// The results in a turn, which must come first and belong to the calls of the turn before.
std::set<std::string, std::less<>> turns_check_results(const WireTurn& turn,
                                                       const std::vector<std::string>& calls) {
    std::set<std::string, std::less<>> answered;
    bool results_over = false;
    for (const WireBlock& block : turn.blocks) {
        if (type_of(*block.json) != "tool_result") {
            results_over = true;
            continue;
        }
        const std::string id(text_member(*block.json, "tool_use_id"));
        const std::string path = fmt::format("messages.{}.content.{}", block.message, block.index);
        if (std::find(calls.begin(), calls.end(), id) == calls.end()) {
            refuse(fmt::format(
                "{}: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous "
                "message.",
                path, id));
        }
        if (!answered.insert(id).second) {
            refuse(
                fmt::format("{}: each tool_use must have a single result. Found multiple "
                            "`tool_result` blocks with id: {}",
                            path, id));
        }
        // A result behind other content does not count as "immediately after".
        if (results_over) answered.erase(id);
    }
    return answered;
}

void turns_check_pairs(std::span<const WireTurn> turns) {
    std::vector<std::string> calls;
    for (std::size_t at = 0; at < turns.size(); ++at) {
        std::set<std::string, std::less<>> answered;
        if (turns[at].role == "user") answered = turns_check_results(turns[at], calls);
        std::string open;
        for (const std::string& id : calls) {
            if (!answered.contains(id)) open += (open.empty() ? "" : ", ") + id;
        }
        if (!open.empty()) {
            refuse(fmt::format(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately "
                "after: {}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message.",
                turns[at - 1].message, open));
        }
        calls = turns_calls(turns[at]);
    }
    if (!calls.empty()) {
        refuse(fmt::format(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately "
            "after: {}. Each `tool_use` block must have a corresponding `tool_result` block in "
            "the next message.",
            turns.back().message, calls.front()));
    }
}

bool turns_use_tools(std::span<const WireTurn> turns) {
    for (const WireTurn& turn : turns) {
        for (const WireBlock& block : turn.blocks) {
            const std::string_view type = type_of(*block.json);
            if (type == "tool_use" || type == "tool_result") return true;
        }
    }
    return false;
}

}  // namespace

void check_conversation(const base::Json& body, std::span<const WireTurn> turns, const Model& model,
                        const CheckOptions& options) {
    turns_check_unique_ids(turns);
    turns_check_pairs(turns);
    turns_check_roles(turns, model, options);
    const bool has_tools = body.contains("tools") && !body["tools"].empty();
    if (options.strict && !has_tools && turns_use_tools(turns)) {
        refuse("Requests which include `tool_use` or `tool_result` blocks must define tools");
    }
}

}  // namespace sim
