#include "auth/personas/runners.hpp"

#include <string_view>
#include <utility>

#include "auth/personas/reap.hpp"

namespace auth {

namespace {

// A dead runner's row does not match, nor one whose lease ran out while somebody held the row back
// from the reaper, so nothing comes back for it.
constexpr std::string_view register_or_renew = R"(
insert into auth.runners as r (runner_id, node, lease_until, registered_at, heartbeat_at)
values ($1, $2, $3::timestamptz, $4::timestamptz, $4::timestamptz)
on conflict (runner_id) do update
set lease_until = excluded.lease_until, heartbeat_at = excluded.heartbeat_at
where not r.dead and r.lease_until >= excluded.heartbeat_at
returning registered_at = heartbeat_at as registered)";

constexpr std::string_view bury_earlier_runners = R"(
update auth.runners set dead = true
where node = $1 and runner_id <> $2 and not dead)";

// Visits keep the names of their runners, so old rows are of no further use.
constexpr std::string_view forget_dead_runners = R"(
delete from auth.runners where runner_id in (
    select runner_id from auth.runners where dead and heartbeat_at < $1::timestamptz
    order by heartbeat_at limit 100 for update skip locked))";

constexpr std::chrono::hours dead_runners_kept{24 * 30};

}  // namespace

Runners::Runners(base::Postgres& database, VisitRules rules)
    : database_(database), rules_(std::move(rules)) {}

Runners::Answer Runners::heartbeat(const Heartbeat& heartbeat, base::Moment now) {
    Reaped reaped;
    const Answer answer = database_.transact([&](base::Transaction& transaction) {
        reaped = reap(transaction, now, rules_);
        const auto row = transaction
                             .run(register_or_renew,
                                  {heartbeat.runner_id, heartbeat.node, now + heartbeat.lease, now})
                             .first();
        if (!row) return Answer::dead;
        if (row->flag("registered")) {
            transaction.run(bury_earlier_runners, {heartbeat.node, heartbeat.runner_id});
            reaped.add(reap(transaction, now, rules_));
            transaction.run(forget_dead_runners, {now - dead_runners_kept});
        }
        return Answer::alive;
    });
    reaped.log();
    return answer;
}

}  // namespace auth
