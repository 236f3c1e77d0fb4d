// The models that the simulator knows, with the limits and rules in which they differ.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sim {

struct Model {
    std::string_view id;
    std::string_view name;      // For people.
    std::string_view snapshot;  // Dated second id; empty when there is none.
    long output_tokens_max = 128'000;
    long context_tokens = 1'000'000;
    long cacheable_tokens_min = 512;
    bool new_tokenizer = true;  // About 30 % more tokens for the same text.
    bool prefill = false;       // A conversation may end with an assistant message.
    bool system_turns = false;  // Role `system` inside messages.
    bool forced_tools = true;   // tool_choice any and tool.
    bool sampling = false;      // temperature, top_p, top_k at other than the default.
    bool preserved = false;     // Thinking is bound to everything before it.
    bool thinks = true;         // By default, when `thinking` is omitted.
    bool adaptive = true;
    bool budget = false;  // thinking.type "enabled" with budget_tokens.
    bool can_stop_thinking = true;
    bool between_tools = false;
    bool effort = true;
};

std::span<const Model> models();               // Newest first.
const Model* find_model(std::string_view id);  // Nothing when unknown or retired.

// Tokens that this much text costs; an estimate, but always the same one.
long estimate_tokens(const Model& model, std::size_t bytes);

}  // namespace sim
