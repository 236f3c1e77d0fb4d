// Which requests are struck: rules in the order in which they were added. A rule strikes the
// requests that it matches, all of them or a share that a seed decides: the same seed strikes the
// same requests, whatever the order in which they arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/faults.hpp"

namespace sim {

struct FaultRule {
    std::string fault;       // As for parse_fault.
    std::string match;       // Only requests whose body contains this; empty: all.
    std::size_t skip = 0;    // Matching requests that pass first.
    std::size_t times = 1;   // Then so many are struck; 0: all of them.
    double probability = 1;  // Share of the matching requests, in (0, 1].
};

// "FAULT" or "FAULT@SHARE", e.g. "status=529@0.05": every request or that share, without end.
// Throws Failure::invalid.
FaultRule parse_rule(std::string_view text);

// What a rule looks at.
struct FaultTarget {
    std::string_view body;
    // Says which request it is in words that are the same in each run: no id, no time.
    std::string_view identity;
    bool streamed = false;
    bool tools = false;
};

// Thread-safe. The first rule that strikes decides; a used-up rule is gone.
class FaultRules {
  public:
    explicit FaultRules(std::uint64_t seed) : seed_(seed) {}

    void add(const FaultRule& rule);  // Throws Failure::invalid; then nothing was added.
    void clear();
    bool draws() const;  // Some rule strikes by probability, so identities are needed.
    std::optional<Fault> take(const FaultTarget& target);

  private:
    struct Waiting {
        Fault fault;
        FaultRule rule;
        std::string name;  // What its draws depend on beside seed and identity.
    };
    const std::uint64_t seed_;
    mutable std::mutex mutex_;
    std::vector<Waiting> waiting_;
};

}  // namespace sim
