// What a request costs: token estimates and a real prefix cache with breakpoints, look-back,
// minimum length and expiry, so that "the cache held" means something in tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace sim {

struct Model;

struct Usage {
    long input = 0;  // Behind the last breakpoint.
    long read = 0;
    long written_5m = 0;
    long written_1h = 0;
    long output = 0;
    long thinking = 0;  // Part of output.

    long prompt() const { return input + read + written_5m + written_1h; }
};

// One block of the prompt, in the order tools, system, messages.
struct PromptBlock {
    std::string hash;  // Of everything up to and including this block.
    long tokens = 0;
    std::chrono::minutes keep{0};  // A breakpoint's time to live; 0: no breakpoint here.
};

// Blocks of a normalized body, with what invalidates a cache mixed into the hashes.
std::vector<PromptBlock> prompt_blocks(const base::Json& body, const Model& model);
long prompt_tokens(const std::vector<PromptBlock>& blocks);
// Estimate for an answer's content blocks.
long output_tokens(const base::Json& content, const Model& model);

base::Json to_json(const Usage& usage);

// A plan says what a request reads and writes; it takes effect when its answer begins, because an
// entry cannot be read before its writer has answered.
struct CachePlan {
    struct Entry {
        std::string key;
        std::chrono::minutes keep{0};
    };
    Usage usage;
    std::vector<Entry> entries;  // Written or refreshed.
    base::Moment asked{};        // Time to live counts from here.
};

// Not thread-safe; the owner locks. `owner` separates API keys.
class PrefixCache {
  public:
    explicit PrefixCache(std::size_t entries_max = 50'000) : entries_max_(entries_max) {}

    CachePlan plan(const std::vector<PromptBlock>& blocks, const Model& model,
                   const std::string& owner, base::Moment now) const;
    void commit(const CachePlan& plan);
    std::size_t size() const { return expiries_.size(); }

  private:
    void make_room(base::Moment now);

    std::size_t entries_max_;
    std::unordered_map<std::string, base::Moment> expiries_;
};

}  // namespace sim
