#include "auth/personas/spending.hpp"

#include <algorithm>
#include <string_view>

namespace auth {

namespace {

// Grants are made one after the other: each sees the one before.
constexpr std::string_view lock_grants =
    "select pg_advisory_xact_lock(hashtextextended('auth.spending', 0))";

constexpr std::string_view keep_open = R"(
update auth.runners set open_usd = $2::numeric, open_since = $3::timestamptz,
    open_seq = greatest(open_seq, $4::bigint)
where runner_id = $1 and ($4::bigint = 0 or open_seq < $4::bigint)
returning runner_id)";

constexpr std::string_view set_granted =
    "update auth.runners set open_usd = $2::numeric where runner_id = $1";

// What a dead runner held counts until the next one of its node, which delivers what it left, has
// reported; less what has arrived of it meanwhile.
constexpr std::string_view spent_and_held = R"(
with paid as (
    select v.runner_id, sum(v.cost_usd) as usd,
        sum(v.cost_usd) filter (where v.ended_at > r.heartbeat_at) as usd_since
    from auth.persona_visits v left join auth.runners r on r.runner_id = v.runner_id
    where v.started_at >= $2::timestamptz and v.cost_usd is not null
    group by v.runner_id),
held as (
    select case when r.dead then greatest(0, r.open_usd - coalesce(p.usd_since, 0))
        else r.open_usd end as usd
    from auth.runners r left join paid p on p.runner_id = r.runner_id
    where r.runner_id <> $1 and r.open_usd > 0 and r.open_since >= $2::timestamptz
        and (not r.dead or not exists (select from auth.runners next
            where next.node = r.node and not next.dead and next.open_since >= $2::timestamptz)))
select
    coalesce((select sum(usd) from paid where runner_id <> $1), 0)
        + coalesce((select sum(usd) from held), 0) as elsewhere,
    coalesce((select sum(usd) from paid where runner_id = $1), 0) as own)";

constexpr std::string_view spent_by_personas = R"(
select v.user_id, sum(v.cost_usd) as usd from auth.persona_visits v
where v.user_id = any($1::text[]) and v.started_at >= $2::timestamptz and v.cost_usd is not null
group by v.user_id)";

}  // namespace

Spending::Answer Spending::exchange(const std::string& runner_id, const Report& report) {
    return database_.transact([&](base::Transaction& transaction) {
        if (report.limit_usd) transaction.run(lock_grants);
        // Written first: it also says that the node's money is told of by this runner.
        const bool newest =
            !transaction.run(keep_open, {runner_id, report.open_usd, report.since, report.number})
                 .empty();
        const base::SqlRow sums = transaction.run(spent_and_held, {runner_id, report.since})[0];
        Answer answer{.elsewhere_usd = sums.number("elsewhere")};
        if (!report.limit_usd || !newest) return answer;
        const double left = *report.limit_usd - answer.elsewhere_usd - sums.number("own");
        const double wanted = std::max(report.want_usd.value_or(0), report.open_usd);
        answer.granted_usd = std::max(report.open_usd, std::min(wanted, left));
        transaction.run(set_granted, {runner_id, *answer.granted_usd});
        return answer;
    });
}

std::map<std::string, double> Spending::of_personas(const std::vector<std::string>& user_ids,
                                                    base::Moment since) {
    std::map<std::string, double> spent;
    database_.transact([&](base::Transaction& transaction) {
        for (const base::SqlRow& row :
             transaction.run(spent_by_personas, {base::SqlParam::array(user_ids), since})) {
            spent[row.text("user_id")] = row.number("usd");
        }
    });
    return spent;
}

}  // namespace auth
