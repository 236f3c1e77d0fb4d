#include "auth/personas/visits.hpp"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "auth/options.hpp"
#include "auth/personas/reap.hpp"
#include "auth/personas/slots.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view lock_visit = R"(
select user_id, status, attempt, slot, started_at, end_hash
from auth.persona_visits where tick_id = $1 for update)";

constexpr std::string_view count_visit_rows = R"(
select
    (select count(*) from auth.persona_actions where persona_id = $1 and tick_id = $2) as actions,
    (select count(*) from auth.persona_feedback
        where persona_id = $1 and tick_id = $2) as ratings)";

// A lost visit keeps its status, its reason and its end; everything else is worth knowing.
constexpr std::string_view store_visit_end = R"(
update auth.persona_visits set
    status = case when status = 'lost' then status else $2 end,
    ended_at = case when status = 'lost' then ended_at else $3::timestamptz end,
    reason = case when status = 'lost' then reason else $4 end,
    error_source = case when status = 'lost' then error_source else $5 end,
    turns = $6::integer, tool_calls = $7::integer, tokens_input = $8::bigint,
    tokens_output = $9::bigint, tokens_cache_write = $10::bigint, tokens_cache_read = $11::bigint,
    cost_usd = $12::numeric, model = $13, product_name = $14, product_version = $15,
    summary = $16, end_hash = $17, handed_back = status <> 'lost' and $18::boolean
where tick_id = $1
returning status)";

// "partial" means exactly: stopped early and left action rows. The rows know better than the
// runner.
std::string_view visit_status(const catalog::VisitEnd& end, bool acted) {
    if (end.status == catalog::VisitEnd::Status::finished) return word_of(end.status);
    return word_of(acted ? catalog::VisitEnd::Status::partial : catalog::VisitEnd::Status::failed);
}

base::SqlParams visit_end_params(const std::string& visit_id, const catalog::VisitEnd& end,
                                 std::string_view status, bool handed_back, std::string_view hash,
                                 base::Moment now) {
    return {visit_id,
            status,
            now,
            base::clean_utf8(end.reason),
            word_of(end.source),
            end.turns,
            end.tool_calls,
            end.tokens.input,
            end.tokens.output,
            end.tokens.cache_write,
            end.tokens.cache_read,
            end.cost_usd,
            base::clean_utf8(end.model),
            base::clean_utf8(end.product_name),
            base::clean_utf8(end.product_version),
            base::clean_utf8(end.summary),
            hash,
            handed_back};
}

FinishAnswer finish_in(base::Transaction& transaction, const std::string& visit_id,
                       const catalog::VisitEnd& end, base::Moment now, const VisitRules& rules) {
    using Outcome = FinishAnswer::Outcome;
    const auto row = transaction.run(lock_visit, {visit_id}).first();
    if (!row) return {};
    const std::string status = row->text("status");
    const std::string hash = base::to_hex(base::sha256(base::to_text(catalog::to_json(end))));
    const bool lost = status == "lost";
    if (!row->is_null("end_hash")) {
        const bool same = row->text("end_hash") == hash;
        return {.outcome = lost   ? Outcome::lost
                           : same ? Outcome::applied
                                  : Outcome::differing,
                .status = status};
    }
    const std::string user_id = row->text("user_id");
    const auto rows = transaction.run(count_visit_rows, {user_id, visit_id})[0];
    const std::int64_t actions = rows.integer("actions");
    const std::int64_t ratings = rows.integer("ratings");
    if (actions < end.actions || ratings < end.ratings) {
        return {.outcome = Outcome::incomplete,
                .status = status,
                .actions_missing = std::max<std::int64_t>(0, end.actions - actions),
                .ratings_missing = std::max<std::int64_t>(0, end.ratings - ratings)};
    }
    const bool handed_back = end.handed_back && actions == 0;
    const auto stored = transaction.run(
        store_visit_end,
        visit_end_params(visit_id, end, visit_status(end, actions > 0), handed_back, hash, now));
    if (!lost) {
        const bool was_her_day = end.status == catalog::VisitEnd::Status::finished || actions > 0;
        settle(transaction,
               {{.user_id = user_id,
                 .attempt = static_cast<int>(row->integer("attempt")),
                 .slot = row->moment("slot"),
                 .started_at = row->moment("started_at"),
                 .was_her_day = was_her_day,
                 .handed_back = handed_back,
                 .not_before = handed_back ? end.not_before : std::nullopt}},
               now, rules);
    }
    return {.outcome = lost ? Outcome::lost : Outcome::applied, .status = stored[0].text("status")};
}

}  // namespace

VisitRules visit_rules(const Options& options) {
    return {
        .zone = options.timezone, .spread = options.spread, .visit_max = options.visit_deadline};
}

Visits::Visits(base::Postgres& database, VisitRules rules)
    : database_(database), rules_(std::move(rules)) {}

FinishAnswer Visits::finish(const std::string& visit_id, const catalog::VisitEnd& end,
                            base::Moment now) {
    Reaped reaped;
    const FinishAnswer answer = database_.transact([&](base::Transaction& transaction) {
        // A runner whose lease ran out has lost its visits, whoever asks first.
        reaped = reap(transaction, now, rules_);
        return finish_in(transaction, visit_id, end, now, rules_);
    });
    reaped.log();
    return answer;
}

}  // namespace auth
