// Holds: why personas are not claimed although they are due. A pause is an operator's word about
// everybody, an archetype or one persona; a quarantine is the service's own about a persona whose
// slot lost its runner three times. They lie in the database, so that every daemon obeys. Running
// visits go on; the slots that come meanwhile are given up with the hold as their reason.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "auth/personas/slots.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "catalog/standing.hpp"

namespace auth {

struct VisitRules;

// What the claim asks before it looks at personas.
struct WidePauses {
    bool everybody = false;
    std::vector<std::string> archetypes;
};
WidePauses wide_pauses(base::Transaction& transaction);

struct Quarantined {
    std::set<std::string> users;
    std::vector<std::string> emails;
};
// Holds those whose slot has crashed too often with the attempts given.
Quarantined quarantine_crashing(base::Transaction& transaction,
                                const std::vector<EndedAttempt>& attempts, base::Moment now,
                                const VisitRules& rules);

// Gives each slot its reason: the hold that kept its persona at that time, else "missed".
void name_reasons(base::Transaction& transaction, std::vector<GivenUp>& slots);

// Resource; any inbound thread.
class Holds {
  public:
    explicit Holds(base::Postgres& database);
    Holds(const Holds&) = delete;
    Holds& operator=(const Holds&) = delete;

    struct Paused {
        bool changed = false;  // false: was paused already.
        base::Moment since;
    };
    // Failure::missing: no persona has that address or archetype.
    Paused pause(const catalog::Whom& whom, base::Moment now);
    // Lifts exactly that pause. Failure::missing as above; Failure::conflict (NOT_PAUSED) when
    // there is none, saying which other holds are about her.
    void resume(const catalog::Whom& whom, base::Moment now);
    // Ends a quarantine and answers when she comes next. Failure::missing: no such persona;
    // Failure::conflict (NOT_QUARANTINED).
    base::Moment release(const std::string& email, base::Moment now);

    catalog::Standing standing(base::Moment now);

  private:
    base::Postgres& database_;
};

}  // namespace auth
