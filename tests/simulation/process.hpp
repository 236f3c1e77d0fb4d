// One life of a runner process: the real outbound half, as the daemon builds it, over the simulated
// wire, disk and clock. Destroying it in the middle of anything is its death.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/group.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/notify.hpp"
#include "base/random.hpp"
#include "base/worker.hpp"
#include "clients/auth.hpp"
#include "clients/claude.hpp"
#include "clients/mcp.hpp"
#include "runner/budget.hpp"
#include "runner/lease.hpp"
#include "runner/logins.hpp"
#include "runner/outbox.hpp"
#include "runner/scheduler.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/profile.hpp"

namespace simulation {

class Process {
  public:
    Process(base::Loop& loop, const Profile& profile, Network& network, Disks& disks,
            Caller caller);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    Caller caller() const { return caller_; }

    // SIGTERM: a second one skips the grace.
    void terminate();
    // Until the process has ended in good order or has died.
    base::Task<void> until_over();
    bool is_over() const { return over_ || dead_; }

    // From here on it has no effect on anything; whoever owns it destroys it soon.
    void die();
    bool is_dead() const { return dead_; }

    runner::Scheduler& scheduler() { return scheduler_; }
    const runner::Scheduler& scheduler() const { return scheduler_; }
    const runner::Outbox& outbox() const { return outbox_; }

  private:
    base::Task<void> live();
    base::Task<void> deliver_once_registered();

    base::Loop& loop_;
    const Profile& profile_;
    Network& network_;
    Disks& disks_;
    const Caller caller_;
    bool dead_ = false, over_ = false;
    int signals_ = 0;

    base::Metrics metrics_;
    base::Notify notify_;
    base::Random random_;
    base::Http http_;
    base::Worker disk_;
    clients::Auth auth_;
    clients::Claude claude_;
    clients::Mcp mcp_;
    const catalog::Prices prices_;
    runner::Outbox outbox_;
    runner::Lease lease_;
    runner::Logins logins_;
    std::unique_ptr<runner::Budget> budget_;  // Null: no limit is set.
    runner::Scheduler scheduler_;
    base::Gate changed_;
    base::Group background_;
};

}  // namespace simulation
