#include "auth/personas/reap.hpp"

#include <string_view>

#include "auth/personas/slots.hpp"
#include "auth/personas/visits.hpp"
#include "base/log.hpp"
#include "catalog/persona.hpp"

namespace auth {

namespace {

// Rows that another reaper holds are its business: skipping them keeps heartbeats from waiting.
constexpr std::string_view bury_expired_runners = R"(
update auth.runners set dead = true
where runner_id in (
    select runner_id from auth.runners
    where not dead and lease_until < $1::timestamptz
    order by runner_id limit 1000 for update skip locked))";

// Hops from runner to runner in the index of running visits: as many steps as runners, not visits.
constexpr std::string_view gone_holders = R"(
with recursive holders (runner_id) as (
    (select v.runner_id from auth.persona_visits v
        where v.status = 'running' order by v.runner_id limit 1)
    union all
    select (select v.runner_id from auth.persona_visits v
        where v.status = 'running' and v.runner_id > h.runner_id order by v.runner_id limit 1)
    from holders h where h.runner_id is not null)
select h.runner_id from holders h
left join auth.runners r on r.runner_id = h.runner_id
where h.runner_id is not null and (r.runner_id is null or r.dead))";

constexpr std::string_view orphaned_visits = R"(
select tick_id from auth.persona_visits
where status = 'running' and runner_id = any($1::text[])
limit 5000 for update skip locked)";

constexpr std::string_view overdue_visits = R"(
select tick_id from auth.persona_visits
where status = 'running' and deadline < $1::timestamptz
limit 5000 for update skip locked)";

constexpr std::string_view mark_visits_lost = R"(
update auth.persona_visits v
set status = 'lost', ended_at = $2::timestamptz, reason = $3, error_source = 'infra'
where v.tick_id = any($1::text[])
returning v.user_id, v.attempt, v.slot, v.started_at,
    exists (select from auth.persona_actions a
        where a.persona_id = v.user_id and a.tick_id = v.tick_id) as acted)";

constexpr std::size_t reap_pages_max = 20;
constexpr std::size_t reap_page = 5000;  // As in the statements.

Reaped lose_visits(base::Transaction& transaction, const base::SqlRows& visits,
                   std::string_view reason, base::Moment now, const VisitRules& rules) {
    Reaped reaped;
    if (visits.empty()) return reaped;
    std::vector<std::string> ids;
    for (const base::SqlRow row : visits) ids.push_back(row.text("tick_id"));
    std::vector<EndedAttempt> attempts;
    for (const base::SqlRow row :
         transaction.run(mark_visits_lost, {base::SqlParam::array(ids), now, reason})) {
        attempts.push_back({.user_id = row.text("user_id"),
                            .attempt = static_cast<int>(row.integer("attempt")),
                            .slot = row.moment("slot"),
                            .started_at = row.moment("started_at"),
                            .was_her_day = row.flag("acted"),
                            .crashed = reason == crash_reason});
    }
    reaped.lost = attempts.size();
    reaped.quarantined = settle(transaction, attempts, now, rules);
    return reaped;
}

}  // namespace

void Reaped::add(const Reaped& more) {
    lost += more.lost;
    quarantined.insert(quarantined.end(), more.quarantined.begin(), more.quarantined.end());
}

void Reaped::log() const {
    if (lost > 0) base::log_warning("visits lost", {{"count", lost}});
    for (const std::string& email : quarantined) {
        base::log_error("persona quarantined",
                        {{"persona", catalog::short_name(email)},
                         {"reason",
                          "her slot lost its runner three times; look at what killed it, "
                          "then: persona-runner persona resume " +
                              email}});
    }
}

Reaped reap(base::Transaction& transaction, base::Moment now, const VisitRules& rules) {
    Reaped reaped;
    transaction.run(bury_expired_runners, {now});
    std::vector<std::string> gone;
    for (const base::SqlRow row : transaction.run(gone_holders)) {
        gone.push_back(row.text("runner_id"));
    }
    for (std::size_t page = 0; page < reap_pages_max && !gone.empty(); ++page) {
        const auto visits = transaction.run(orphaned_visits, {base::SqlParam::array(gone)});
        reaped.add(lose_visits(transaction, visits, crash_reason, now, rules));
        if (visits.size() < reap_page) break;
    }
    for (std::size_t page = 0; page < reap_pages_max; ++page) {
        const auto visits = transaction.run(overdue_visits, {now - rules.grace});
        reaped.add(lose_visits(transaction, visits, "deadline_exceeded", now, rules));
        if (visits.size() < reap_page) break;
    }
    return reaped;
}

}  // namespace auth
