// Slots: the due times of a persona. When the next one comes, when a failed one is tried again, and
// the ledger of those that nobody lived: one row per persona and slot, with its reason.
//
//   slot comes ─► visit ended or acted ──────────► her day; next slot = start + 1 h or 24 h
//              ├► failed or lost, without rows ──► again after a jittered wait, 3 attempts at most
//              │                                   └► attempts_exhausted | next_slot_first
//              ├► handed back ───────────────────► the same attempt again, at once or as told
//              │                                   └► next_slot_first | budget
//              └► nobody came ───────────────────► one late visit; the slots behind it: missed,
//                                                  paused or quarantined
//
// Spread: so that personas seeded at once do not start at once for ever, each has a delay of her
// own, a fixed share of the spread that only her address decides. It is added to her first slot and
// to the slot after a visit outside her rhythm (more than an hour late, as after a long stop, or
// before her slot, as in a pass over everybody). All other slots are start + period and carry it
// on: it never adds up, and nothing ever starts earlier than without it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "catalog/cadence.hpp"

namespace auth {

struct VisitRules;

// Rows of one persona in the ledger at one catch-up; older slots share the first of them.
inline constexpr std::size_t skipped_slots_max = 168;

// Full jitter: any wait from the minimum (a failed visit is never due again at once) up to a
// ceiling that doubles with each attempt is equally likely.
std::chrono::milliseconds wait_before_attempt(const VisitRules& rules, int attempt,
                                              double random01);

// Her own share of the spread, the same for ever: 0 <= delay < spread.
std::chrono::milliseconds start_delay(std::string_view email, std::chrono::seconds spread);

// The first slot of a persona who never came: at once, on a day off the next working day; delayed.
base::Moment first_slot(catalog::Cadence cadence, std::string_view email, base::Moment now,
                        const VisitRules& rules);

// The slot after a visit for a persona due at `due` that started at `started`.
base::Moment slot_after(catalog::Cadence cadence, std::string_view email, base::Moment due,
                        base::Moment started, const VisitRules& rules);

struct GivenUp {
    std::string user_id;
    base::Moment slot;
    std::int64_t slots = 1;  // This one and the following ones.
    std::string_view reason;
    int attempts = 0;
};

// The slots from `first` to `now` as rows without a reason, oldest first.
std::vector<GivenUp> slots_until(catalog::Cadence cadence, const std::string& user_id,
                                 base::Moment first, base::Moment now, const VisitRules& rules);

// Writes the ledger; a slot that has its row keeps it.
void skip_slots(base::Transaction& transaction, const std::vector<GivenUp>& slots,
                base::Moment now);
// Her slot that waits to be tried again, if there is one, will not be: writes it down, no more. One
// that was lived after all is not given up.
void skip_retried_slot(base::Transaction& transaction, const std::string& user_id,
                       std::string_view reason, base::Moment now);

// Action rows of hers arrived for these visits, which may have ended without: whoever of them acted
// was active when it started, and its slot was lived, so the ledger does not tell of it.
void note_late_rows(base::Transaction& transaction, const std::string& user_id,
                    const std::set<std::string>& visit_ids);

struct EndedAttempt {
    std::string user_id;
    int attempt = 1;
    base::Moment slot;
    base::Moment started_at;
    bool was_her_day = false;                // It ended or acted.
    bool handed_back = false;                // Not used up: the same attempt again, at once …
    std::optional<base::Moment> not_before;  // … or then, when her money of the day is used up.
    bool crashed = false;                    // Lost by its runner's death.
};

// What the ends of attempts mean for their personas' schedules, as drawn above. Three crashes of
// the same slot are a quarantine instead of another attempt, whether they left rows or not (a slot
// with rows is not tried again, so rows can only come from the last of the three). A slot whose
// earlier attempt turned out to have acted is neither tried again nor given up. Answers the
// addresses of those it quarantined.
std::vector<std::string> settle(base::Transaction& transaction,
                                const std::vector<EndedAttempt>& attempts, base::Moment now,
                                const VisitRules& rules);

}  // namespace auth
