// Runners: the processes that run visits. A runner holds a lease that heartbeats renew; once the
// lease ran out it is dead for ever and registers under a new id.
#pragma once

#include <chrono>
#include <string>

#include "auth/personas/visits.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr std::int64_t lease_seconds_min = 5;
inline constexpr std::int64_t lease_seconds_max = 3600;

struct Heartbeat {
    std::string runner_id;  // Random per process.
    std::string node;       // State directory and machine; one live runner each.
    std::chrono::seconds lease{60};
};

// Resource; any inbound thread.
class Runners {
  public:
    Runners(base::Postgres& database, VisitRules rules);
    Runners(const Runners&) = delete;
    Runners& operator=(const Runners&) = delete;

    enum class Answer { alive, dead };
    // Registers or renews. Registering a node declares its earlier runners dead, their visits lost:
    // the state directory is locked, so they cannot be running any more.
    Answer heartbeat(const Heartbeat& heartbeat, base::Moment now);

  private:
    base::Postgres& database_;
    const VisitRules rules_;
};

}  // namespace auth
