// The reaper: runners past their lease become dead, the visits of dead or unknown runners and those
// far past their deadline become lost. It runs inside the transaction of every heartbeat, claim and
// finish, so an orphan is found as soon as anybody speaks; when nothing is wrong it costs three
// short looks into partial indexes, however many visits run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

struct VisitRules;

struct Reaped {
    std::size_t lost = 0;                  // Visits.
    std::vector<std::string> quarantined;  // Addresses.

    void add(const Reaped& more);
    void log() const;  // After the commit; silent when nothing was reaped.
};

Reaped reap(base::Transaction& transaction, base::Moment now, const VisitRules& rules);

}  // namespace auth
