// What visits may spend: each of them, each persona a day, all daemons together a day. Before a
// request leaves, the most that it can cost is reserved; its real cost takes that place afterwards.
// So what is spent stays below each limit, however many visits run at once.
//
//   reserve ─► granted ─► request ─► spend(real cost) ─► settle
//      ├─► wait: requests under way are in the way; they will cost less. Ask again at changed().
//      └─► refused: it would not fit even then
//
// A visit belongs, with all its cost, to the day on which it started, in the personas' zone. What
// other daemons spent, and this one before its restart, comes with each heartbeat: with several
// daemons a limit of the day may be passed by what the others reserve between two heartbeats.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "clients/auth.hpp"

namespace runner {

struct BudgetLimits {  // USD; 0: none.
    double visit = 0, persona_day = 0, day = 0;
    bool any() const { return visit > 0 || persona_day > 0 || day > 0; }
};

// Resource of the loop thread.
class Budget {
  public:
    enum class Verdict { granted, wait, refused };
    struct Answer {
        Verdict verdict = Verdict::granted;
        std::string reason;  // When refused, naming the setting.
    };

    Budget(base::Loop& loop, BudgetLimits limits, std::string zone, base::Metrics& metrics);
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    // `persona_spent`: what she has spent today already.
    void open(const std::string& visit, const std::string& runner_id, base::Moment started_at,
              double persona_spent);
    // A visit of an earlier process or runner id that is still to be delivered.
    void adopt(const std::string& visit, base::Moment started_at, double spent);

    // For her next request; a visit has one under way at most. `keep`: as well for the rating at
    // the end, until released; only both together are granted.
    Answer reserve(const std::string& visit, double usd, double keep = 0);
    void release_rating(const std::string& visit);
    // false: another request of the same size would not fit any more.
    bool spend(const std::string& visit, double usd);
    void settle(const std::string& visit);  // The request has ended.
    void close(const std::string& visit);   // No more requests; harmless twice.

    base::Gate& changed() { return changed_; }

    base::Moment today() const { return day_of(loop_.clock().now()); }  // Its start.
    // Why no visit may start; empty: they may.
    std::string stop_reason() const;
    base::Json status() const;

    // For the heartbeat. `is_waiting`: the visit's end is not yet confirmed.
    clients::DaySpend report(const std::string& runner_id,
                             const std::function<bool(const std::string&)>& is_waiting);
    // Its answer: what others than this runner id spent and reserved on that day.
    // Nothing: the service does not know; then only what this process spends counts.
    void hear(const clients::DaySpend& reported, std::optional<double> elsewhere);

  private:
    struct Entry {
        base::Moment day;
        std::string runner_id;
        double persona_spent = 0;
        double spent = 0, kept = 0, under_way = 0;
        bool closed = false;
        bool is_reported = false;  // The next answer contains it.
    };
    struct Day {
        double spent = 0, kept = 0, under_way = 0, elsewhere = 0;
        double refused = 0;    // The newest request that did not fit.
        double confirmed = 0;  // Of spent: of visits that were forgotten here.
        double fixed() const { return spent + kept + elsewhere; }
    };

    Entry& entry_of(const std::string& visit);
    Answer answer(const Entry& entry, double usd);
    Answer refuse(const char* setting, double limit, double used, double usd);
    bool is_used_up(const Day& day) const;
    base::Moment day_of(base::Moment moment) const;
    void show();

    base::Loop& loop_;
    const BudgetLimits limits_;
    const std::string zone_;
    base::Metrics& metrics_;
    base::Gate changed_;
    std::map<std::string, Entry> entries_;
    std::map<base::Moment, Day> days_;  // The newest few.
    std::string runner_id_;             // Of the last report.
    bool is_alone_ = false;             // The service does not tell of others.
    std::string heard_id_;              // Of the last report that was answered.
    base::Gauge& spent_;
    base::Gauge& reserved_;
    base::Gauge& elsewhere_;
    base::Gauge& stopped_;
};

}  // namespace runner
