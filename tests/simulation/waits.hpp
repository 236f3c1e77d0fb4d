// What the far ends told processes to wait, and whether they wait. The model's word binds the whole
// process: one circuit, or a stop of all visits. A delivery's binds that delivery.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/loop.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

class Waits {
  public:
    Waits(const base::Loop& loop, Referee& referee) : loop_(loop), referee_(referee) {}
    Waits(const Waits&) = delete;
    Waits& operator=(const Waits&) = delete;

    // The process stops: it may try once more whatever it was told.
    void hurry(Caller caller) { hurried_.insert(caller); }
    void note(const Sent& sent, const Reply& reply);  // The reply's headers arrive.
    void check(const Sent& sent);                     // The request leaves.

  private:
    struct Hold {
        base::Steady since{}, until{};
    };

    const base::Loop& loop_;
    Referee& referee_;
    std::map<std::pair<Caller, Place>, Hold> held_;
    std::map<std::pair<Caller, std::string>, base::Steady> not_again_until_;
    std::set<Caller> hurried_;
};

}  // namespace simulation
