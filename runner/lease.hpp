// The runner's right to run visits: registered with the auth service, renewed by heartbeats, and
// given up by ourselves before the service could think us dead.
//
//   keep() ── register ──► held ── heartbeat every 10 s ──► held …
//                │           │ no answer until ends_at: expired (visits are dropped), goes on
//                trying │           └ 410: gone; visits are dropped, a new runner id registers └ no
//                answer: not held, no visit starts
//
// ends_at = (monotonic time of *sending* the last acknowledged heartbeat) + lease: whatever the
// network did to the answer, the service's own clock started later than that.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"

namespace clients {
class Auth;
struct DaySpend;
}  // namespace clients

namespace runner {

class Budget;
class Outbox;

struct LeaseOptions {
    std::string node;  // Of the state directory: registering it declares its earlier runners dead.
    std::chrono::seconds length{60};
    std::chrono::milliseconds heartbeat_every{10'000};
    std::chrono::milliseconds retry_every{2'000};  // While the service does not answer.
};

// Resource of the loop thread.
class Lease {
  public:
    Lease(base::Loop& loop, clients::Auth& auth, LeaseOptions options, base::Metrics& metrics,
          base::Random& random);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // Registers and renews for ever; owned by a Group. `lost` is called (on the loop, outside any
    // visit) each time a held lease ended, with the reason.
    // `unsupported`: the service has no such call (it was never held); nothing more is tried.
    base::Task<void> keep(std::function<void(std::string)> lost,
                          std::function<void(std::string)> unsupported = {});

    // Heartbeats carry the day's money then, and bring what the others spent and what may be held
    // here; when the budget is short one comes at once. Before keep(); outlives the visits.
    void share(Budget& budget, const Outbox& outbox);

    bool is_held() const;
    // A step that takes at most `limit` ends while the lease still holds.
    bool covers(base::Duration limit) const;
    base::Steady ends_at() const { return ends_at_; }
    const std::string& runner_id() const { return runner_id_; }
    const std::string& last_error() const { return last_error_; }

    // Someone else (a claim) was told 410: the next round registers anew.
    void revoke(const std::string& reason);
    base::Task<void> until_held();
    base::Task<void> until_covers(base::Duration limit);

  private:
    base::Task<bool> beat();
    base::Task<void> until_asked();
    std::optional<clients::DaySpend> spending();
    void end(const std::string& reason);
    void renew_id();

    base::Loop& loop_;
    clients::Auth& auth_;
    const LeaseOptions options_;
    Budget* budget_ = nullptr;
    const Outbox* outbox_ = nullptr;
    base::Random& random_;
    base::Counter& losses_;
    base::Gate changed_;
    base::Gate asked_gate_;
    bool asked_ = false;  // The budget wants a heartbeat before its time.
    std::function<void(std::string)> lost_;
    std::string runner_id_;
    base::Steady ends_at_{};
    bool held_ = false;
    bool was_ever_held_ = false;
    bool unsupported_ = false;
    std::string last_error_;
};

}  // namespace runner
