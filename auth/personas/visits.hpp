// Visits: one persona's stay in the product, one attempt. The service mints an id per attempt; a
// running visit belongs to one runner, and every persona has at most one.
//
//   claim ──► running ──finish──► finished | partial | failed
//                └── reap ──► lost       (its runner died, or 5 minutes past its deadline)
//
// A failed or lost visit without any action row is tried again after a jittered wait, at most
// three attempts per slot; with action rows there is no second day in the same slot. A visit that a
// stopping daemon hands back without action rows is tried again at once, as the same attempt; one
// whose persona has no money left today, not before the next day.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "catalog/persona.hpp"
#include "catalog/record.hpp"

namespace auth {

struct Options;

struct VisitRules {
    std::string zone = "UTC";                   // Where personas live: weekends are theirs.
    std::chrono::seconds spread{0};             // Of starts, see slots.hpp.
    std::chrono::seconds visit_max{600};        // From claim to deadline.
    std::chrono::minutes grace{5};              // Past the deadline, then the visit is lost.
    int attempts_max = 3;                       // Per slot.
    int crashes_max = 3;                        // Of one slot, then she is quarantined.
    std::chrono::seconds retry_wait_min{30};    // "Not at once", whatever the jitter says.
    std::chrono::seconds retry_wait_base{300};  // Ceiling of the first wait; doubles per attempt.
    std::chrono::seconds claims_kept{3600};     // How long a claim can be repeated.
};

inline constexpr std::int64_t claim_limit_max = 1000;

VisitRules visit_rules(const Options& options);

// Why a visit was lost: its runner died. The other reason is "deadline_exceeded".
inline constexpr std::string_view crash_reason = "runner_gone";

struct Claim {
    std::string runner_id;
    std::string request_id;  // The same one gets the same visits.
    int limit = 1;
    // Every active persona without a running visit, due or not. Pauses and quarantines hold.
    bool everybody = false;
    // Only personas without a visit started since then: so one pass over everybody ends.
    std::optional<base::Moment> idle_since;
};

struct ClaimedVisit {
    std::string visit_id;
    int attempt = 1;
    base::Moment slot;
    base::Moment started_at;
    base::Moment deadline;
    catalog::Persona persona;
};

struct FinishAnswer {
    enum class Outcome {
        applied,     // The visit ended by this call or by the same one before.
        differing,   // It had ended with other content, which stays.
        lost,        // It was lost before: counts are kept, status and schedule stay.
        incomplete,  // Rows are missing; deliver them, then finish again.
        missing,     // There is no such visit: its persona was deleted.
    };
    Outcome outcome = Outcome::missing;
    std::string status;  // Of the visit after the call.
    std::int64_t actions_missing = 0;
    std::int64_t ratings_missing = 0;
};

// Resource; any inbound thread.
class Visits {
  public:
    Visits(base::Postgres& database, VisitRules rules);
    Visits(const Visits&) = delete;
    Visits& operator=(const Visits&) = delete;

    // Nothing: the runner is dead or was never registered.
    std::optional<std::vector<ClaimedVisit>> claim(const Claim& claim, base::Moment now);

    FinishAnswer finish(const std::string& visit_id, const catalog::VisitEnd& end,
                        base::Moment now);

  private:
    base::Postgres& database_;
    const VisitRules rules_;
};

}  // namespace auth
