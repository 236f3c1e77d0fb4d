// Who calls a broken promise. Every part of the world reports here; the invariants are those of the
// design, by name.
#pragma once

#include <array>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/simulation/trace.hpp"

namespace simulation {

enum class Invariant {
    one_visit_per_persona,
    rows_match_calls,     // rows(ok|error) within committed within rows(ok|error|unknown).
    intent_before_call,   // On disk, durably.
    outcome_before_turn,  // The same.
    no_call_after_lease,
    ratings_are_answers,
    ratings_remember,        // One question of their own, over what was done; notes name it.
    failures_have_a_source,  // And it is the right one.
    history_only_grows,      // Byte for byte; each tool call gets its answer.
    prompt_is_stable,        // No clock and no id in system or tools.
    names_map_both_ways,     // Of tools; and the module comes from the map.
    waits_are_honoured,      // By all visits of a process.
    retries_are_few,         // In one layer.
    writers_are_proven,      // By key or token, each shown to its owner only.
    nothing_unbounded,
    money_is_kept,  // Within each budget, with what is under way; and told.
    one_end_per_visit,
    not_due_at_once,
    holds_hold,         // Nobody who is paused or in quarantine is taken on a visit.
    attempts_are_few,   // At most three per slot, besides those that were handed back.
    slots_are_counted,  // Each is lived, tried again, or in the ledger of those given up.
    never_early,        // Spread and jitter only delay.
    everything_drains,
    nothing_unknown,  // No request that the contract does not know.
};
constexpr std::size_t invariants = static_cast<std::size_t>(Invariant::nothing_unknown) + 1;

constexpr std::string_view word_of(Invariant invariant) {
    constexpr std::array<std::string_view, invariants> words{"one visit per persona",
                                                             "rows match calls",
                                                             "intent before call",
                                                             "outcome before turn",
                                                             "no call after lease",
                                                             "ratings are answers",
                                                             "ratings remember",
                                                             "failures have a source",
                                                             "history only grows",
                                                             "prompt is stable",
                                                             "names map both ways",
                                                             "waits are honoured",
                                                             "retries are few",
                                                             "writers are proven",
                                                             "nothing unbounded",
                                                             "money is kept",
                                                             "one end per visit",
                                                             "not due at once",
                                                             "holds hold",
                                                             "attempts are few",
                                                             "slots are counted",
                                                             "never early",
                                                             "everything drains",
                                                             "nothing unknown"};
    return words[static_cast<std::size_t>(invariant)];
}

struct Violation {
    Invariant invariant = Invariant::nothing_unknown;
    std::string what;
    std::string place;  // Of the check: "talks.cpp:94".
};

class Referee {
  public:
    using Place = std::source_location;

    explicit Referee(Trace& trace) : trace_(trace) {}
    Referee(const Referee&) = delete;
    Referee& operator=(const Referee&) = delete;

    void fail(Invariant invariant, std::string what, Place where = Place::current()) {
        if (violations_.size() >= violations_max) return;
        trace_.add("VIOLATION {}: {}", word_of(invariant), what);
        const std::string_view file = where.file_name();
        violations_.push_back(
            {invariant, std::move(what),
             fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line())});
    }
    bool content() const { return violations_.empty(); }
    const std::vector<Violation>& violations() const { return violations_; }

  private:
    static constexpr std::size_t violations_max = 20;  // The first tells most.

    Trace& trace_;
    std::vector<Violation> violations_;
};

}  // namespace simulation
