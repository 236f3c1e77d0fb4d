#include "auth/personas/spending.hpp"

#include <string_view>

namespace auth {

namespace {

constexpr std::string_view keep_open = R"(
update auth.runners set open_usd = $2::numeric, open_since = $3::timestamptz
where runner_id = $1)";

constexpr std::string_view spent_elsewhere = R"(
select
    coalesce((select sum(v.cost_usd) from auth.persona_visits v
        where v.started_at >= $2::timestamptz and v.cost_usd is not null
            and v.runner_id <> $1), 0)
    + coalesce((select sum(r.open_usd) from auth.runners r
        where not r.dead and r.runner_id <> $1 and r.open_since >= $2::timestamptz), 0) as usd)";

constexpr std::string_view spent_by_personas = R"(
select v.user_id, sum(v.cost_usd) as usd from auth.persona_visits v
where v.user_id = any($1::text[]) and v.started_at >= $2::timestamptz and v.cost_usd is not null
group by v.user_id)";

}  // namespace

double Spending::exchange(const std::string& runner_id, base::Moment since, double open_usd) {
    return database_.transact([&](base::Transaction& transaction) {
        transaction.run(keep_open, {runner_id, open_usd, since});
        return transaction.run(spent_elsewhere, {runner_id, since})[0].number("usd");
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
