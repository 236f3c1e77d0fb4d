// A whole simulated world: nodes with runner processes, far ends, a time of unrest in which the
// dice do harm, then calm, in which everything must come to rest.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/group.hpp"
#include "base/loop.hpp"
#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/blame.hpp"
#include "tests/simulation/checks.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/money.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/product.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"
#include "tests/simulation/talks.hpp"
#include "tests/simulation/trace.hpp"

namespace simulation {

struct Outcome {
    std::uint64_t hash = 0;
    std::size_t events = 0;
    std::vector<Violation> violations;
    std::vector<std::string> recent;  // The end of the trace, as it was at the first violation.
    // What happened, so that a world in which nothing happened is noticed.
    int visits = 0, finished = 0, lost = 0, calls = 0, ratings = 0, lives = 0;
};

class World {
  public:
    // `enough`: the world ends early when a violation is as wanted.
    using Wanted = std::function<bool(const Violation&)>;
    World(const Profile& profile, bool print, Wanted enough = {});
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    Outcome run();

  private:
    struct Node {
        int number = 0;
        int life = 0;
        std::unique_ptr<Process> process;
    };

    base::Task<void> history();
    base::Task<void> stand_still();
    base::Task<void> keep_node(Node& node);
    base::Task<void> unrest(double per_hour, void (World::*harm)());
    base::Task<void> end_harm(base::Duration after, std::function<void()> end);
    void harm_for(base::Duration span, std::function<void()> end);
    void do_crash();
    void do_stop();
    void do_auth_outage();
    void do_delivery_outage();
    void do_product_outage();
    void do_model_outage();
    void do_disk_full();
    void do_partition();
    void do_orphaning();
    void do_everybody();
    void do_clock_step();
    void do_deletion();
    void do_pause();
    void do_release();
    Node* some_process();
    void kill(Caller caller);

    bool is_at_rest() const;
    std::string restlessness() const;
    void leaves(const Sent& sent);
    const KnownVisit* visit_of(const Sent& sent, const std::string& body) const;
    void check(bool has_timer);
    void keep_first_trouble();

    const Profile profile_;
    const Wanted enough_;
    std::size_t seen_ = 0;  // Violations that were not enough.
    DrivenClock clock_;
    Trace trace_;
    Referee referee_;
    Dice dice_;
    base::Loop loop_;
    Disks disks_;
    Network network_;
    AuthService auth_;
    Product product_;
    Talks talks_;
    Blame blame_;
    Money money_;
    Model model_;
    Holds holds_;
    Checks checks_;
    std::vector<std::unique_ptr<Node>> nodes_;
    bool ending_ = false;
    std::vector<const Process*> living_;
    std::vector<std::string> first_trouble_;
    base::Gate asleep_;  // Nobody wakes it.
    base::Group harms_;
    base::Group keepers_;
};

// For people: what happened before the first violation, all violations, and the command that plays
// the seed again.
std::string report_of(const Profile& profile, const Outcome& outcome, std::string_view program);

// Runs one seed.
Outcome run_world(const Profile& profile, bool print = false, World::Wanted enough = {});

}  // namespace simulation
