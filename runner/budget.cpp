#include "runner/budget.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "catalog/cadence.hpp"

namespace runner {

namespace {

constexpr std::size_t budget_days_max = 4;
constexpr double budget_rounding = 1e-9;  // Sums of fractions of a cent.

bool fits(double limit, double used, double usd = 0) {
    return limit <= 0 || used + usd <= limit + budget_rounding;
}

base::Gauge& budget_gauge(base::Metrics& metrics, const char* part) {
    return metrics.gauge("persona_budget_day_usd",
                         "Today's money by part: spent and reserved here, spent and reserved by "
                         "other daemons",
                         {{"part", part}});
}

}  // namespace

Budget::Budget(base::Loop& loop, BudgetLimits limits, std::string zone, base::Metrics& metrics)
    : loop_(loop),
      limits_(limits),
      zone_(std::move(zone)),
      metrics_(metrics),
      changed_(loop),
      spent_(budget_gauge(metrics, "spent")),
      reserved_(budget_gauge(metrics, "reserved")),
      elsewhere_(budget_gauge(metrics, "elsewhere")),
      stopped_(metrics.gauge("persona_budget_stopped", "1: the budget lets no visit start")) {}

base::Moment Budget::tomorrow() const {
    // Days have 23 to 25 hours, so this is always in the next one.
    return day_of(today() + std::chrono::hours(30));
}

base::Moment Budget::day_of(base::Moment moment) const {
    return catalog::day_start(moment, zone_);
}

Budget::Entry& Budget::entry_of(const std::string& visit) {
    const auto found = entries_.find(visit);
    base::require(found != entries_.end(), "a visit spends that was not opened");
    return found->second;
}

void Budget::open(const std::string& visit, const std::string& runner_id, base::Moment started_at,
                  double persona_spent) {
    entries_[visit] = {
        .day = day_of(started_at), .runner_id = runner_id, .persona_spent = persona_spent};
    days_.try_emplace(entries_[visit].day);
    while (days_.size() > budget_days_max) days_.erase(days_.begin());
}

void Budget::adopt(const std::string& visit, base::Moment started_at, double spent) {
    open(visit, {}, started_at, 0);
    spend(visit, spent);
    close(visit);
}

Budget::Answer Budget::refuse(Limit which, double limit, double used, double usd) {
    const char* const setting = which == Limit::visit         ? "BUDGET_VISIT_USD"
                                : which == Limit::persona_day ? "BUDGET_PERSONA_DAY_USD"
                                                              : "BUDGET_DAY_USD";
    metrics_
        .counter("persona_budget_refusals_total", "Requests that did not fit, by limit",
                 {{"limit", setting}})
        .add();
    return {Verdict::refused,
            fmt::format("{} is {:.4f} USD, {:.4f} is used and the next request may cost "
                        "{:.4f}",
                        setting, limit, used, usd),
            which};
}

Budget::Answer Budget::answer(Entry& entry, double usd) {
    const double own = entry.spent + entry.kept;
    if (!fits(limits_.visit, own, usd)) return refuse(Limit::visit, limits_.visit, own, usd);
    if (!fits(limits_.persona_day, entry.persona_spent + own, usd)) {
        return refuse(Limit::persona_day, limits_.persona_day, entry.persona_spent + own, usd);
    }
    if (limits_.day <= 0) return {};
    Day& day = days_[entry.day];
    Answer given = answer_of_day(entry, day, usd);
    if (given.verdict != Verdict::refused) return given;
    const bool was_used_up = is_used_up(day);
    day.refused = usd;
    given = refuse(Limit::day, limits_.day, day.fixed() + day.under_way, usd);
    if (is_granted_ && entry.day < today())
        given.reason += "; after midnight no more of the day before is granted";
    if (!was_used_up && is_used_up(day)) {
        base::log_error("budget of the day used up, no visit starts", {{"reason", given.reason}});
    }
    show();
    return given;
}

Budget::Answer Budget::answer_of_day(Entry& entry, Day& day, double usd) {
    const double most = is_granted_ ? day.held : limits_.day - day.elsewhere;
    if (day.own() + usd <= most + budget_rounding) return {};
    const bool may_ask = is_granted_ && entry.day >= today();
    if (may_ask && (!day.is_scarce || !entry.is_told || entry.wanted < usd)) {
        entry.wanted = usd;
        entry.is_told = false;
        if (ask_soon_) ask_soon_();
        return {.verdict = Verdict::wait};
    }
    const bool in_the_way =
        day.under_way > budget_rounding && day.spent + day.kept + usd <= most + budget_rounding;
    return {.verdict = in_the_way ? Verdict::wait : Verdict::refused};
}

Budget::Answer Budget::reserve(const std::string& visit, double usd, double keep) {
    Entry& entry = entry_of(visit);
    base::require(entry.under_way == 0, "a visit reserves twice");
    Answer given = answer(entry, usd + keep);
    if (given.verdict != Verdict::wait) entry.wanted = 0;
    if (given.verdict == Verdict::granted) {
        entry.next = usd;
        entry.under_way = usd;
        entry.kept += keep;
        days_[entry.day].under_way += usd;
        days_[entry.day].kept += keep;
        show();
    }
    return given;
}

void Budget::release_rating(const std::string& visit) {
    Entry& entry = entry_of(visit);
    days_[entry.day].kept -= entry.kept;
    entry.kept = 0;
}

bool Budget::spend(const std::string& visit, double usd) {
    Entry& entry = entry_of(visit);
    entry.spent += usd;
    Day& day = days_[entry.day];
    day.spent += usd;
    show();
    const double own = entry.spent + entry.kept + entry.under_way;
    const bool fits_day = limits_.day <= 0 || !is_granted_
                              ? fits(limits_.day, day.fixed() + day.under_way)
                              : day.own() <= day.held + budget_rounding;
    return fits(limits_.visit, own) && fits(limits_.persona_day, entry.persona_spent + own) &&
           fits_day;
}

void Budget::settle(const std::string& visit) {
    Entry& entry = entry_of(visit);
    days_[entry.day].under_way -= entry.under_way;
    entry.under_way = 0;
    show();
    changed_.notify();
}

void Budget::close(const std::string& visit) {
    const auto found = entries_.find(visit);
    if (found == entries_.end() || found->second.closed) return;
    found->second.closed = true;
    found->second.next = found->second.wanted = 0;
    release_rating(visit);
    settle(visit);
}

bool Budget::is_used_up(const Day& day) const {
    return limits_.day > 0 && day.refused > 0 &&
           day.fixed() + day.refused > limits_.day + budget_rounding;
}

void Budget::hear_least(double usd) {
    if (fits(limits_.visit, usd) || fits_no_visit()) return;
    too_small_ = {.day = today(), .usd = usd};
    base::log_error("budget of a visit too small for any, no visit starts",
                    {{"reason", stop_reason()}});
    show();
}

std::string Budget::stop_reason() const {
    if (fits_no_visit()) {
        return fmt::format(
            "budget: BUDGET_VISIT_USD is {:.4f} USD and a visit's first request, with its "
            "rating, may cost {:.4f}; set at least that and restart; else visits try again "
            "tomorrow",
            limits_.visit, too_small_->usd);
    }
    const auto found = days_.find(today());
    if (limits_.day <= 0) return {};
    const Day day = found == days_.end() ? Day{} : found->second;
    if (!is_used_up(day) && day.fixed() < limits_.day) return {};
    return fmt::format(
        "budget: BUDGET_DAY_USD is {:.4f} USD and {:.4f} is spent or held by visits that run; "
        "visits start again when enough of it comes back, or tomorrow",
        limits_.day, day.fixed());
}

base::Json Budget::status() const {
    const auto found = days_.find(today());
    const Day day = found == days_.end() ? Day{} : found->second;
    const auto limit = [](double usd) { return usd > 0 ? base::Json(usd) : base::Json(); };
    const std::string stopped = stop_reason();
    return {{"visitUsd", limit(limits_.visit)},
            {"personaDayUsd", limit(limits_.persona_day)},
            {"dayUsd", limit(limits_.day)},
            {"today",
             {{"spentUsd", day.spent},
              {"reservedUsd", std::max(0.0, day.kept + day.under_way)},
              {"heldUsd", is_granted_ ? base::Json(day.held) : base::Json()},
              {"elsewhereUsd", day.elsewhere}}},
            {"stopped", stopped.empty() ? base::Json() : base::Json(stopped)}};
}

clients::DaySpend Budget::report(const std::string& runner_id,
                                 const std::function<bool(const std::string&)>& is_waiting) {
    runner_id_ = runner_id;
    clients::DaySpend spend{.since = today()};
    for (auto at = entries_.begin(); at != entries_.end();) {
        Entry& entry = at->second;
        const bool confirmed = entry.closed && !is_waiting(at->first);
        if (confirmed && entry.runner_id == runner_id) {
            // Its cost stays in the day's sum; the service leaves it out of its answers.
            days_[entry.day].confirmed += entry.spent;
            at = entries_.erase(at);
            continue;
        }
        // Of an earlier runner id, so the answer to this report contains it.
        entry.is_reported = confirmed;
        entry.is_asked_for = entry.wanted > 0;
        if (entry.day == spend.since && !confirmed) {
            spend.open_usd += entry.spent + entry.kept + entry.under_way;
        }
        ++at;
    }
    spend.open_usd = std::max(0.0, spend.open_usd);  // Sums of fractions may end below zero.
    if (limits_.day <= 0) return spend;
    Day& day = days_[spend.since];
    reported_settled_ = day.own() - spend.open_usd;
    spend.number = ++reports_;
    spend.limit_usd = limits_.day;
    spend.want_usd = spend.open_usd + wanted_ahead(spend.since);
    // Of what was granted before, what nobody needs is given back: from now on, not only when the
    // answer comes.
    spend.open_usd = std::clamp(day.held - reported_settled_, spend.open_usd, spend.want_usd);
    day.held = spend.open_usd + reported_settled_;
    return spend;
}

// What the visits of that day wait for, or will ask for next.
double Budget::wanted_ahead(base::Moment day) const {
    double usd = 0;
    for (const auto& [visit, entry] : entries_) {
        if (entry.day == day && !entry.closed) usd += std::max(entry.wanted, entry.next);
    }
    return usd;
}

void Budget::hear(const clients::DaySpend& reported, std::optional<double> elsewhere,
                  std::optional<double> granted) {
    if (!elsewhere) {
        if (!std::exchange(is_alone_, true)) {
            base::log_warning("budget counts this daemon alone",
                              {{"reason", "the auth service does not say what others spent"}});
        }
        return;
    }
    Day& told = days_[reported.since];
    const double own_before = told.own();
    told.elsewhere = *elsewhere;
    if (heard_id_ != runner_id_) {
        // Under the new id the service counts what the old one did as somebody else's.
        for (auto& [start, day] : days_) day.spent -= std::exchange(day.confirmed, 0);
        heard_id_ = runner_id_;
    }
    for (auto at = entries_.begin(); at != entries_.end();) {
        if (at->second.is_reported) {
            days_[at->second.day].spent -= at->second.spent;
            at = entries_.erase(at);
        } else {
            ++at;
        }
    }
    is_granted_ = granted.has_value();
    // An answer that comes after midnight: meanwhile others may not be counted any more.
    if (granted && reported.since >= today()) {
        // What became somebody else's above is not held here any more.
        told.held = *granted + reported_settled_ - (own_before - told.own());
        told.is_scarce = *granted < reported.want_usd - budget_rounding;
        for (auto& [visit, entry] : entries_) entry.is_told = entry.is_asked_for;
    }
    show();
    changed_.notify();
}

void Budget::show() {
    const auto found = days_.find(today());
    const Day day = found == days_.end() ? Day{} : found->second;
    spent_.set(day.spent);
    reserved_.set(day.kept + day.under_way);
    elsewhere_.set(day.elsewhere);
    stopped_.set(stop_reason().empty() ? 0 : 1);
}

}  // namespace runner
