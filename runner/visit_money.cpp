// What a visit's requests cost.
#include <algorithm>

#include <fmt/format.h>

#include "runner/visit.hpp"

namespace runner {

namespace {

std::int64_t prompt_tokens_of(const catalog::TokenCounts& tokens) {
    return tokens.input + tokens.cache_write + tokens.cache_read;
}

}  // namespace

std::string usd_text(const VisitProgress& progress) {
    return progress.unpriced ? "unpriced" : fmt::format("{:.4f}", progress.cost_usd);
}

std::string prefix_read_text(const VisitProgress& progress) {
    if (progress.prefix_tokens == 0) return "-";
    return fmt::format("{}%", 100 * progress.prefix_tokens_read / progress.prefix_tokens);
}

void Visit::count(const catalog::TokenCounts& tokens, const std::string& model) {
    progress_.tokens.input += tokens.input;
    progress_.tokens.output += tokens.output;
    progress_.tokens.cache_write += tokens.cache_write;
    progress_.tokens.cache_read += tokens.cache_read;
    const auto cost = services_.prices.cost(model, tokens, started_at_);
    progress_.cost_usd += cost.value_or(0);
    progress_.unpriced = progress_.unpriced || !cost;
}

void Visit::count_reply(const clients::Message& reply, const std::string& model) {
    count(reply.tokens, reply.model.empty() ? model : reply.model);
}

void Visit::count_prefix(const catalog::TokenCounts& tokens) {
    progress_.prefix_tokens += newest_prompt_tokens_;
    // What a turn reads beyond the prompt before it is the end of that reply.
    progress_.prefix_tokens_read += std::min(tokens.cache_read, newest_prompt_tokens_);
    newest_prompt_tokens_ = prompt_tokens_of(tokens);
}

// The visit outlives its calls.
clients::LostReply Visit::lost_reply_of(const std::string& model) {
    return [this, model](const catalog::TokenCounts& lost) {
        count(lost, model);
        return true;
    };
}

}  // namespace runner
