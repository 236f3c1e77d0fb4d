// What must hold, checked after every step of virtual time: of whatever has changed since the step
// before, and of each living process. At the end of the world it is checked of everything.
//
// What can only be seen in the act (a call that arrives, a request that leaves) is checked there,
// by whoever sees it: network and waits, talks, product, auth service.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/blame.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/money.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/product.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/talks.hpp"

namespace simulation {

// What the operators of this world did, to compare with whom the service takes.
struct Holds {
    std::multiset<std::string> paused;             // "": everybody.
    std::map<std::string, base::Moment> released;  // Last let out of quarantine.
};

class Checks {
  public:
    struct Parts {
        const Profile& profile;
        AuthService& auth;
        const Product& product;
        const Model& model;
        const Talks& talks;
        const Disks& disks;
        const Network& network;
        const Holds& holds;
        Blame& blame;
        Money& money;
        Referee& referee;
    };

    explicit Checks(Parts parts) : parts_(parts) {}
    Checks(const Checks&) = delete;
    Checks& operator=(const Checks&) = delete;

    void after_step(const std::vector<const Process*>& living);
    void at_end(int nodes);

    // In the act: a call of a tool leaves and may take so long; a turn starts; a visit is taken.
    void call_leaves(Caller caller, base::Duration limit);
    void turn_starts(Caller caller, const std::string& persona);
    void taken(const KnownVisit& visit);

  private:
    void check_process(const Process& process);
    void check_schedule(const KnownPersona& persona);
    void check_slots(const KnownPersona& persona);
    void check_standing(const KnownVisit& visit);
    void check_told(const KnownVisit& visit);
    void check_row(const KnownVisit& visit, int seq);
    void check_digest(const KnownVisit& visit);
    void check_rating(const KnownVisit& visit, const std::string& module);
    void check_set_aside(int nodes);
    bool is_excused(const KnownVisit& visit) const;

    const Parts parts_;
};

}  // namespace simulation
