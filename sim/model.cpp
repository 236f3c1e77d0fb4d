#include "sim/model.hpp"

#include <array>
#include <cmath>

namespace sim {

namespace {

// Models of the 5.5 generation and the later Fables: always thinking, append-only conversations.
constexpr Model model_strict(std::string_view id, std::string_view name) {
    return {.id = id,
            .name = name,
            .system_turns = true,
            .forced_tools = false,
            .preserved = true,
            .can_stop_thinking = false};
}

constexpr Model model_sonnet_5_5() {
    Model model = model_strict("claude-sonnet-5-5", "Claude Sonnet 5.5");
    model.between_tools = true;
    return model;
}

constexpr std::array model_table{
    model_strict("claude-fable-5-2", "Claude Fable 5.2"),
    model_strict("claude-mythos-5-2", "Claude Mythos 5.2"),
    Model{.id = "claude-haiku-5-5", .name = "Claude Haiku 5.5", .preserved = true},
    model_sonnet_5_5(),
    model_strict("claude-opus-5-5", "Claude Opus 5.5"),
    model_strict("claude-fable-5-1", "Claude Fable 5.1"),
    model_strict("claude-mythos-5-1", "Claude Mythos 5.1"),
    Model{.id = "claude-sonnet-5", .name = "Claude Sonnet 5", .cacheable_tokens_min = 1024},
    Model{.id = "claude-fable-5", .name = "Claude Fable 5", .system_turns = true},
    Model{.id = "claude-mythos-5", .name = "Claude Mythos 5", .system_turns = true},
    Model{.id = "claude-opus-5", .name = "Claude Opus 5", .system_turns = true},
    Model{.id = "claude-opus-4-8",
          .name = "Claude Opus 4.8",
          .cacheable_tokens_min = 1024,
          .system_turns = true,
          .thinks = false},
    Model{.id = "claude-opus-4-7",
          .name = "Claude Opus 4.7",
          .cacheable_tokens_min = 2048,
          .thinks = false},
    Model{.id = "claude-mythos-preview", .name = "Claude Mythos Preview", .forced_tools = false},
    Model{.id = "claude-opus-4-6",
          .name = "Claude Opus 4.6",
          .cacheable_tokens_min = 4096,
          .new_tokenizer = false,
          .sampling = true,
          .thinks = false,
          .budget = true},
    Model{.id = "claude-sonnet-4-6",
          .name = "Claude Sonnet 4.6",
          .cacheable_tokens_min = 1024,
          .new_tokenizer = false,
          .sampling = true,
          .thinks = false,
          .budget = true},
    Model{.id = "claude-haiku-4-5",
          .name = "Claude Haiku 4.5",
          .snapshot = "claude-haiku-4-5-20251001",
          .output_tokens_max = 64'000,
          .context_tokens = 200'000,
          .cacheable_tokens_min = 4096,
          .new_tokenizer = false,
          .prefill = true,
          .sampling = true,
          .thinks = false,
          .adaptive = false,
          .budget = true,
          .effort = false},
    Model{.id = "claude-opus-4-5",
          .name = "Claude Opus 4.5",
          .snapshot = "claude-opus-4-5-20251101",
          .output_tokens_max = 64'000,
          .context_tokens = 200'000,
          .cacheable_tokens_min = 4096,
          .new_tokenizer = false,
          .prefill = true,
          .sampling = true,
          .thinks = false,
          .adaptive = false,
          .budget = true},
    Model{.id = "claude-sonnet-4-5",
          .name = "Claude Sonnet 4.5",
          .snapshot = "claude-sonnet-4-5-20250929",
          .output_tokens_max = 64'000,
          .context_tokens = 200'000,
          .cacheable_tokens_min = 1024,
          .new_tokenizer = false,
          .prefill = true,
          .sampling = true,
          .thinks = false,
          .adaptive = false,
          .budget = true,
          .effort = false},
};

}  // namespace

std::span<const Model> models() {
    return model_table;
}

const Model* find_model(std::string_view id) {
    for (const Model& model : model_table) {
        if (model.id == id || (!model.snapshot.empty() && model.snapshot == id)) return &model;
    }
    return nullptr;
}

long estimate_tokens(const Model& model, std::size_t bytes) {
    const double bytes_per_token = model.new_tokenizer ? 2.7 : 3.5;
    return std::lround(std::ceil(static_cast<double>(bytes) / bytes_per_token));
}

}  // namespace sim
