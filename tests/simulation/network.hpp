// The wire of the simulated world: base::HttpTransport for each runner process, faults by dice, far
// ends as plain functions. An exchange goes on without its process: a request that was on its way
// when the process died or gave up may still arrive (at once) or not, but no answer comes back.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/group.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/sabotage.hpp"
#include "tests/simulation/waits.hpp"

namespace simulation {

struct Exchange;

class Network {
  public:
    Network(base::Loop& loop, const Profile& profile, Trace& trace, Referee& referee);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    ~Network();

    void connect(Place place, FarEnd& far_end) { far_ends_[index(place)] = &far_end; }
    // A new process's end of the wire. It lives as long as the process.
    std::unique_ptr<base::HttpTransport> transport(Caller caller);

    // The process is dead: whatever it asks from here on goes nowhere.
    void silence(Caller caller) { dead_[caller] = true; }
    // Called when a tool call leaves, with the time it may take.
    std::function<void(Caller, base::Duration)> before_call;
    // Called when any request leaves its process, and when that process has done with it.
    std::function<void(const Sent&)> on_leaving;
    std::function<void(const Sent&, const Met&)> on_over;
    std::function<void(Caller)> crash;  // Called when the dice say that the process dies here.

    void set_calm(bool calm) { calm_ = calm; }
    bool calm() const { return calm_; }
    // Until then nothing reaches the place.
    void outage(Place place, base::Steady until) { down_until_[index(place)] = until; }
    // Until then the auth service answers everything but rows and ends.
    void refuse_deliveries(base::Steady until) { no_deliveries_until_ = until; }
    // Until then nothing of the node reaches anything.
    void partition(int node, base::Steady until) { cut_off_until_[node] = until; }
    // Until then nothing of the node reaches the auth service.
    void orphan(int node, base::Steady until) { orphan_until_[node] = until; }
    // The process stops: it may try once more whatever it was told to wait.
    void hurry(Caller caller) { waits_.hurry(caller); }
    std::size_t active() const { return active_; }
    int open_of(Caller caller) const {  // Requests that the process waits for.
        const auto found = open_.find(caller);
        return found == open_.end() ? 0 : found->second;
    }

  private:
    friend class SimulatedTransport;
    struct Plan;
    static std::size_t index(Place place) { return static_cast<std::size_t>(place); }

    std::shared_ptr<Exchange> start(Caller caller, base::HttpRequest request);
    void leave(Exchange& exchange);  // Its process does not wait any more.
    base::Task<void> carry(std::shared_ptr<Exchange> exchange, Plan plan);
    base::Task<void> bring_back(std::shared_ptr<Exchange> exchange, Plan plan, Reply reply);
    Plan plan_for(const Exchange& exchange);
    Reply arrive(Exchange& exchange);
    bool is_dead(Caller caller) const { return dead_.contains(caller); }
    bool crashed_here(const Exchange& exchange, const char* where);

    base::Loop& loop_;
    const Profile& profile_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::array<FarEnd*, 3> far_ends_{};
    std::array<base::Steady, 3> down_until_{};
    base::Steady no_deliveries_until_{};
    std::map<int, base::Steady> cut_off_until_, orphan_until_;
    std::map<Caller, bool> dead_;
    Waits waits_;
    std::map<Caller, int> open_;
    bool calm_ = false;
    std::size_t active_ = 0;
    int next_number_ = 1;
    base::Gate never_;
    base::Group carriers_;
};

}  // namespace simulation
