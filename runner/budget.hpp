// What visits may spend: each of them, each persona a day, all daemons together a day. Before a
// request leaves, the most that it can cost is reserved; its real cost takes that place afterwards.
// So what is spent stays below each limit, however many visits run at once.
//
//   reserve ─► granted ─► request ─► spend(real cost) ─► settle
//      ├─► wait: requests under way are in the way, they will cost less; or more of the day's
//      │         money is asked for. Ask again at changed().
//      └─► refused: it would not fit even then
//
// A visit belongs, with all its cost, to the day on which it started, in the personas' zone. The
// day's limit is one for all daemons: each holds a part of it that the auth service granted, spends
// no more than that, and asks for the next requests of its visits ahead, with each heartbeat and
// whenever it is short. What a heartbeat does not need any more it gives back. Visits that run past
// midnight finish on what was granted for their day until then, one request ahead each: no more of
// that day is granted, so its limit holds.
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
    enum class Limit { visit, persona_day, day };
    struct Answer {
        Verdict verdict = Verdict::granted;
        std::string reason;  // When refused, naming the setting.
        Limit limit = Limit::visit;
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
    // Called when visits wait for money that a report must ask for, as soon as may be.
    void on_short(std::function<void()> ask_soon) { ask_soon_ = std::move(ask_soon); }

    // What any visit's first request and its rating may cost at least, when a visit could not ask
    // once. More than the limit of a visit: no visit starts until the day ends.
    void hear_least(double usd);
    bool fits_no_visit() const { return too_small_ && too_small_->day == today(); }

    base::Moment today() const { return day_of(loop_.clock().now()); }  // Its start.
    base::Moment tomorrow() const;
    // Why no visit may start; empty: they may.
    std::string stop_reason() const;
    base::Json status() const;

    // For the heartbeat. `is_waiting`: the visit's end is not yet confirmed.
    clients::DaySpend report(const std::string& runner_id,
                             const std::function<bool(const std::string&)>& is_waiting);
    // The answer to the newest report: what others than this runner id spent and hold of that day,
    // and what this one may hold. Nothing: the service does not know; without `granted` the limit
    // is kept by what is known of the others, without `elsewhere` by what this process spends.
    void hear(const clients::DaySpend& reported, std::optional<double> elsewhere,
              std::optional<double> granted = std::nullopt);

  private:
    struct Entry {
        base::Moment day;
        std::string runner_id;
        double persona_spent = 0;
        double spent = 0, kept = 0, under_way = 0;
        double next = 0;            // What her next request may cost, to be asked for ahead.
        double wanted = 0;          // What she waits for.
        bool is_asked_for = false;  // The newest report asks for it …
        bool is_told = false;       // … and was answered.
        bool closed = false;
        bool is_reported = false;  // The next answer contains it.
    };
    struct Day {
        double spent = 0, kept = 0, under_way = 0, elsewhere = 0;
        double refused = 0;      // The newest request that did not fit.
        double confirmed = 0;    // Of spent: of visits that were forgotten here.
        double held = 0;         // Most that may be spent and reserved here.
        bool is_scarce = false;  // The newest answer granted less than was wanted.
        double fixed() const { return spent + kept + elsewhere; }
        double own() const { return spent + kept + under_way; }
    };

    Entry& entry_of(const std::string& visit);
    Answer answer(Entry& entry, double usd);
    Answer answer_of_day(Entry& entry, Day& day, double usd);
    Answer refuse(Limit which, double limit, double used, double usd);
    double wanted_ahead(base::Moment day) const;
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
    bool is_granted_ = false;           // The service grants what may be held.
    struct TooSmall {
        base::Moment day;
        double usd = 0;
    };
    std::optional<TooSmall> too_small_;  // The limit of a visit, for what one needs.
    std::int64_t reports_ = 0;
    double reported_settled_ = 0;  // Of the newest report's day: spent, but in no visit of it.
    std::function<void()> ask_soon_;
    std::string heard_id_;  // Of the last report that was answered.
    base::Gauge& spent_;
    base::Gauge& reserved_;
    base::Gauge& elsewhere_;
    base::Gauge& stopped_;
};

}  // namespace runner
