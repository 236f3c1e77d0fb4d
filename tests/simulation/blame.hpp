// Whose failure a visit's failure was, by what the wire and the disk did to it: the last request
// that it made and what became of that, heartbeats that failed, disks that refused, signals.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

class Blame {
  public:
    Blame(const Profile& profile, const AuthService& auth, const Disks& disks, Referee& referee)
        : profile_(profile), auth_(auth), disks_(disks), referee_(referee) {}
    Blame(const Blame&) = delete;
    Blame& operator=(const Blame&) = delete;

    // Null: it is of no visit.
    void leaves(const Sent& sent, const std::string& body, const KnownVisit* visit);
    void over(const Sent& sent, const Met& met);
    void signalled(Caller caller);

    // The end of the visit was told.
    void check(const KnownVisit& visit);

  private:
    // The newest request of a visit: where it went, and how it ended.
    struct Step {
        Place place = Place::auth;
        bool is_open = true;
        bool went_well = false;
        int status = 0;
        base::Moment at{};
    };
    // When it last went wrong for all visits of a process.
    struct Trouble {
        std::optional<base::Moment> lease, model, signal;
    };

    std::string fault_of(const KnownVisit& visit) const;
    std::string fault_of_own(const KnownVisit& visit, std::string_view waiting) const;
    std::string fault_of_all(const KnownVisit& visit) const;
    bool was_refused(const KnownVisit& visit, Place place) const;
    bool since_start(const std::optional<base::Moment>& at, const KnownVisit& visit,
                     std::chrono::seconds before) const;

    const Profile& profile_;
    const AuthService& auth_;
    const Disks& disks_;
    Referee& referee_;
    std::map<std::string, Step> steps_;    // By visit.
    std::map<int, std::string> visits_;    // By request under way.
    std::set<int> calls_;                  // Of them, tool calls.
    std::set<std::string> answered_;       // Visits of which a tool call was answered.
    std::map<int, base::Moment> left_at_;  // Heartbeats and claims under way.
    std::map<Caller, Trouble> troubles_;
};

// What a visit that failed says it was waiting for; empty: all visits of its process were ended.
std::string_view waiting_in(std::string_view reason);

}  // namespace simulation
