#include "sim/usage.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

// The API wraps tools and every block in words of its own.
constexpr long usage_tools_tokens = 354;
constexpr long usage_block_tokens = 4;
constexpr std::size_t usage_look_back = 20;

std::chrono::minutes usage_keep(const base::Json& mark) {
    if (!mark.is_object()) return std::chrono::minutes{0};
    return std::chrono::minutes{text_member(mark, "ttl") == "1h" ? 60 : 5};
}

class PromptChain {
  public:
    explicit PromptChain(const Model& model) : model_(model), hash_(base::sha256(model.id)) {}

    void mix(std::string_view text) { hash_ = base::sha256(hash_ + std::string(text)); }

    void add(const base::Json& block) {
        const std::string text = canonical(block);
        mix(text);
        long tokens = estimate_tokens(model_, text.size()) + usage_block_tokens;
        if (blocks_.empty()) tokens += head_tokens_;
        blocks_.push_back({.hash = hash_, .tokens = tokens, .keep = mark_of(block)});
    }

    void add_head(long tokens) { head_tokens_ += tokens; }
    std::vector<PromptBlock> take() { return std::move(blocks_); }

  private:
    static std::chrono::minutes mark_of(const base::Json& block) {
        if (!block.is_object() || !block.contains("cache_control")) return std::chrono::minutes{0};
        return usage_keep(block["cache_control"]);
    }

    const Model& model_;
    std::string hash_;
    long head_tokens_ = 0;
    std::vector<PromptBlock> blocks_;
};

std::string usage_member_text(const base::Json& body, const char* name) {
    return body.contains(name) ? base::to_text(body[name]) : std::string{};
}

bool usage_has_images(const base::Json& body) {
    for (const base::Json& message : body["messages"]) {
        for (const base::Json& block : message["content"]) {
            if (type_of(block) == "image") return true;
        }
    }
    return false;
}

}  // namespace

std::vector<PromptBlock> prompt_blocks(const base::Json& body, const Model& model) {
    PromptChain chain(model);
    if (body.contains("tools") && !body["tools"].empty()) {
        chain.add_head(usage_tools_tokens);
        for (const base::Json& tool : body["tools"]) chain.add(tool);
    }
    const base::Json config = body.value("output_config", base::Json::object());
    // A requested format adds a hidden system prompt.
    chain.mix("system" + usage_member_text(config, "format") + usage_member_text(body, "speed"));
    if (body.contains("system")) {
        for (const base::Json& block : body["system"]) chain.add(block);
    }
    chain.mix("messages" + usage_member_text(body, "tool_choice") +
              usage_member_text(body, "thinking") + usage_member_text(config, "effort") +
              (usage_has_images(body) ? "images" : ""));
    for (const base::Json& message : body["messages"]) {
        chain.mix(text_member(message, "role"));
        for (const base::Json& block : message["content"]) chain.add(block);
    }
    std::vector<PromptBlock> blocks = chain.take();
    if (body.contains("cache_control") && !body["cache_control"].is_null() && !blocks.empty()) {
        blocks.back().keep = usage_keep(body["cache_control"]);
    }
    return blocks;
}

long prompt_tokens(const std::vector<PromptBlock>& blocks) {
    long tokens = 0;
    for (const PromptBlock& block : blocks) tokens += block.tokens;
    return tokens;
}

long output_tokens(const base::Json& content, const Model& model) {
    long tokens = 1;
    for (const base::Json& block : content) {
        const std::string_view type = type_of(block);
        // Omitted thinking is billed as well; its signature's length stands for it.
        if (type == "thinking") tokens += 60;
        if (type == "text") tokens += estimate_tokens(model, text_member(block, "text").size());
        if (type == "tool_use") {
            tokens += 12 + estimate_tokens(model, base::to_text(block["input"]).size());
        }
    }
    return tokens;
}

base::Json to_json(const Usage& usage) {
    return {{"input_tokens", usage.input},
            {"cache_creation_input_tokens", usage.written_5m + usage.written_1h},
            {"cache_read_input_tokens", usage.read},
            {"cache_creation",
             {{"ephemeral_5m_input_tokens", usage.written_5m},
              {"ephemeral_1h_input_tokens", usage.written_1h}}},
            {"output_tokens", usage.output},
            {"output_tokens_details", {{"thinking_tokens", usage.thinking}}},
            {"service_tier", "standard"},
            {"inference_geo", "global"},
            {"speed", nullptr},
            {"server_tool_use", nullptr}};
}

CachePlan PrefixCache::plan(const std::vector<PromptBlock>& blocks, const Model& model,
                            const std::string& owner, base::Moment now) const {
    std::vector<long> totals;  // Tokens up to and including each block.
    long total = 0;
    for (const PromptBlock& block : blocks) totals.push_back(total += block.tokens);

    const auto key_of = [&owner](const PromptBlock& block) { return owner + block.hash; };
    const auto is_long_enough = [&](std::size_t at) {
        return totals[at] >= model.cacheable_tokens_min;
    };

    CachePlan plan{.usage = {}, .entries = {}, .asked = now};
    std::size_t covered = 0;  // Blocks that the cache serves.
    std::chrono::minutes covered_keep{0};
    for (std::size_t end = blocks.size(); end > 0 && covered == 0; --end) {
        if (blocks[end - 1].keep.count() == 0) continue;
        const std::size_t first = end > usage_look_back ? end - usage_look_back : 0;
        for (std::size_t at = end; at > first; --at) {
            if (!is_long_enough(at - 1)) break;
            const auto entry = expiries_.find(key_of(blocks[at - 1]));
            if (entry == expiries_.end() || entry->second <= now) continue;
            covered = at;
            covered_keep = blocks[end - 1].keep;
            break;
        }
    }
    if (covered > 0) {
        plan.usage.read = totals[covered - 1];
        plan.entries.push_back({.key = key_of(blocks[covered - 1]), .keep = covered_keep});
    }
    long counted = plan.usage.read;
    for (std::size_t at = 0; at < blocks.size(); ++at) {
        if (blocks[at].keep.count() == 0 || !is_long_enough(at)) continue;
        // Earlier marks inside the served part are refreshed as well.
        plan.entries.push_back({.key = key_of(blocks[at]), .keep = blocks[at].keep});
        if (at < covered) continue;
        const long fresh = totals[at] - counted;
        (blocks[at].keep.count() >= 60 ? plan.usage.written_1h : plan.usage.written_5m) += fresh;
        counted = totals[at];
    }
    plan.usage.input = total - counted;
    return plan;
}

void PrefixCache::commit(const CachePlan& plan) {
    if (expiries_.size() + plan.entries.size() > entries_max_) make_room(plan.asked);
    for (const CachePlan::Entry& entry : plan.entries) {
        base::Moment& expiry = expiries_[entry.key];
        expiry = std::max(expiry, plan.asked + entry.keep);
    }
}

void PrefixCache::make_room(base::Moment now) {
    std::erase_if(expiries_, [now](const auto& entry) { return entry.second <= now; });
    // Still full of live entries: losing them costs misses, never correctness.
    if (expiries_.size() >= entries_max_ / 2) expiries_.clear();
}

}  // namespace sim
