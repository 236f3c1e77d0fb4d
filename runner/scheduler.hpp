// The tick: claim who is due, run visits, at most so many at once.
//
//   timer or POST /diag/tick ─► pass: wait for a free place ─► claim ─► start visits ─► … until
//   nothing
//                                     is due ─► pass ends           (visits outlive the pass)
//
// One pass at a time (the in-flight guard); a tick asked for meanwhile waits for it and runs its
// own. A visit that fails, passes its deadline or loses the lease is closed in the outbox with its
// reason; it never takes another one with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/group.hpp"
#include "base/json.hpp"
#include "runner/ramp.hpp"
#include "runner/visit.hpp"
#include "runner/visit_metrics.hpp"

namespace runner {

struct ScheduleOptions {
    std::chrono::milliseconds tick_interval{60'000};
    int concurrency_max = 2;   // A ceiling.
    int entering_max = 128;    // Of them, those that log in and open their tools.
    int starts_at_once = 128;  // So many begin without a wait; see Ramp.
    bool paused = false;       // RUNNER_PAUSED: no timer ticks; /diag/tick still works.
};

struct TickRequest {
    bool everybody = false;  // due:"all"
    // Called on the loop when every visit that this tick started has ended.
    std::function<void(const struct TickReport&)> done;
};

struct TickReport {
    int due = 0;  // Visits claimed and started.
    int ran = 0;  // Of them, those that reached their end.
    std::vector<std::pair<std::string, std::string>> failed;  // Persona -> error.
    std::string
        trouble;  // Why the pass stopped early (the auth service is down …); empty when well.
    std::chrono::milliseconds took{0};
};

base::Json to_json(
    const TickReport& report);  // {due, ranSuccessfully, failed:[{persona, error}], …}

// Resource of the loop thread.
class Scheduler {
  public:
    Scheduler(Services services, ScheduleOptions schedule, VisitOptions visits);
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    ~Scheduler();

    // Timer ticks for ever; owned by a Group.
    base::Task<void> run();
    bool tick(TickRequest request);  // false: too many wait for their turn already.

    // No visit starts any more; running ones go on.
    void stop_claiming();
    base::Task<bool> drained(base::Duration limit);  // Until no visit runs; false: out of time.
    // Drops every running visit and closes it in the outbox. Not from inside a visit.
    void drop_visits(const std::string& reason) { end_visits(reason, false); }
    // The same for a stopping daemon: the service takes visits without actions back unused.
    void hand_back_visits(const std::string& reason) { end_visits(reason, true); }

    std::size_t running() const { return active_.size(); }
    // Why the model or the budget lets no visit start; empty: it does.
    std::string model_stop() const { return services_.claude.traffic().stop_reason(); }
    // Lifts the model's stop by hand and looks who is due. Why it had stopped; empty: it had not.
    std::string resume_model();
    std::string budget_stop() const {
        return services_.budget ? services_.budget->stop_reason() : std::string();
    }
    bool budget_fits_no_visit() const {
        return services_.budget && services_.budget->fits_no_visit();
    }
    base::Json status() const;  // For /status: running visits, last tick.
    const std::optional<base::Moment>& last_tick() const { return last_tick_; }

  private:
    struct Tick;
    using TickPointer = std::shared_ptr<Tick>;

    base::Task<void> pass(TickPointer tick);
    base::Task<void> guarded_pass(TickPointer tick);
    int free_places() const;
    base::Task<void> until_place();
    std::optional<base::Moment> budget_day() const;
    void refuse_start_while_stopped() const;  // Throws Failure::unavailable with the reason.
    base::Task<std::size_t> claim_some(TickPointer tick, int places);
    base::Task<void> run_visit(std::string visit_id, TickPointer tick);
    void end_visits(const std::string& reason, bool handed_back);
    void settle(Visit& visit, const TickPointer& tick, const std::string& error,
                catalog::VisitEnd::Source source);
    void finish_if_done(const TickPointer& tick);

    Services services_;
    const ScheduleOptions schedule_;
    const VisitOptions visit_options_;
    VisitMetrics visit_metrics_;
    std::map<std::string, std::unique_ptr<Visit>> active_;
    std::map<std::string, TickPointer> tick_of_;
    int entering_ = 0;  // Visits that are not inside yet.
    Ramp ramp_;
    base::Gate changed_;
    base::Group passes_;
    base::Group visits_;
    bool passing_ = false;
    bool claiming_ = true;
    std::optional<base::Moment> last_tick_;
    struct ClaimName {
        std::string runner_id, request_id;
    };
    std::optional<ClaimName> unanswered_claim_;
    std::optional<TickReport> last_report_;
    TickPointer newest_tick_;  // That began; null: none yet.
};

}  // namespace runner
