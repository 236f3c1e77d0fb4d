#include "auth/personas/visits.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <nlohmann/json.hpp>

#include "auth/options.hpp"
#include "auth/personas/personas.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

// Rows that another reaper holds are its business: skipping them keeps heartbeats from waiting.
constexpr std::string_view bury_expired_runners = R"(
update auth.runners set dead = true
where runner_id in (
    select runner_id from auth.runners
    where not dead and lease_until < $1::timestamptz
    order by runner_id limit 1000 for update skip locked))";

constexpr std::string_view abandoned_visits = R"(
select v.tick_id, v.user_id, v.attempt, v.slot, v.started_at,
    r.runner_id is null or r.dead as runner_gone,
    exists (select from auth.persona_actions a
        where a.persona_id = v.user_id and a.tick_id = v.tick_id) as acted
from auth.persona_visits v
left join auth.runners r on r.runner_id = v.runner_id
where v.status = 'running'
    and (v.deadline < $1::timestamptz or r.runner_id is null or r.dead)
order by v.tick_id limit 1000
for update of v skip locked)";

constexpr std::string_view mark_visit_lost = R"(
update auth.persona_visits
set status = 'lost', ended_at = $2::timestamptz, reason = $3, error_source = 'infra'
where tick_id = $1)";

constexpr std::string_view set_last_active = R"(
update auth.personas set last_active_at = greatest(last_active_at, $2::timestamptz)
where user_id = $1)";

constexpr std::string_view schedule_retry = R"(
update auth.personas
set next_due_at = $2::timestamptz, retry_slot = $3::timestamptz, retry_attempt = $4::integer
where user_id = $1 and next_due_at > $2::timestamptz)";

// Until the claim commits, nobody may declare the runner dead.
constexpr std::string_view lock_living_runner = R"(
select runner_id from auth.runners
where runner_id = $1 and not dead and lease_until >= $2::timestamptz
for share)";

constexpr std::string_view insert_claim_once = R"(
insert into auth.claims (runner_id, request_id, created_at)
values ($1, $2, $3::timestamptz) on conflict do nothing)";

constexpr std::string_view forget_old_claims = R"(
delete from auth.claims where (runner_id, request_id) in (
    select runner_id, request_id from auth.claims where created_at < $1::timestamptz
    order by created_at limit 200 for update skip locked))";

// $2: everybody, due or not; $3: today is a working day. Statements are planned with their values,
// so each form walks its own index over next_due_at. acted_at: a retry that is due although an
// earlier attempt of its slot left rows, which arrived after it was lost.
constexpr std::string_view lock_candidates = R"(
select p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at, p.next_due_at, p.retry_slot, p.retry_attempt,
    (select max(v.started_at) from auth.persona_visits v
        where v.user_id = p.user_id and v.slot = p.retry_slot and exists (
            select from auth.persona_actions a
            where a.persona_id = v.user_id and a.tick_id = v.tick_id)) as acted_at
from auth.personas p
join auth.users u on u.id = p.user_id
where ($2::boolean or p.next_due_at <= $1::timestamptz)
    and ($2::boolean or $3::boolean or p.tick_cadence <> 'weekdays')
    and u.deleted_at is null
    and not exists (select from auth.persona_visits v
        where v.user_id = p.user_id and v.status = 'running')
    and ($5::timestamptz is null or not exists (select from auth.persona_visits v
        where v.user_id = p.user_id and v.started_at >= $5::timestamptz))
order by p.next_due_at, p.user_id
limit $4::integer
for update of p skip locked)";

// The unique index has the last word when two claims for everybody meet.
constexpr std::string_view insert_visits = R"(
insert into auth.persona_visits
    (tick_id, user_id, attempt, slot, runner_id, request_id, started_at, deadline)
select n.tick_id, n.user_id, n.attempt, n.slot, $5, $6, $7::timestamptz, $8::timestamptz
from unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[])
    as n (tick_id, user_id, attempt, slot)
on conflict (user_id) where status = 'running' do nothing
returning tick_id)";

constexpr std::string_view move_to_next_slot = R"(
update auth.personas p
set next_due_at = n.next_due_at, retry_slot = null, retry_attempt = null
from unnest($1::text[], $2::timestamptz[]) as n (user_id, next_due_at)
where p.user_id = n.user_id)";

constexpr std::string_view visits_of_claim = R"(
select v.tick_id, v.attempt, v.slot, v.started_at, v.deadline,
    p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at
from auth.persona_visits v
join auth.personas p on p.user_id = v.user_id
join auth.users u on u.id = v.user_id
where v.runner_id = $1 and v.request_id = $2
order by v.slot, v.user_id)";

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

double visit_random01() {
    const std::string bytes = base::random_bytes(sizeof(std::uint64_t));
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return static_cast<double>(number >> 11) * 0x1.0p-53;
}

struct VisitsToClaim {
    std::vector<std::string> ids, users, attempts, slots, next_slots;
};

std::string visit_moment_text(base::Moment moment) {
    return *base::SqlParam(moment).text();
}

// The slot that a visit claimed at `now` serves, and its number within that slot.
std::pair<base::Moment, int> visit_slot(const base::SqlRow& row, base::Moment now) {
    const auto retry_slot = row.moment_or_none("retry_slot");
    if (retry_slot && row.is_null("acted_at")) {
        return {*retry_slot, static_cast<int>(row.integer("retry_attempt"))};
    }
    const base::Moment due = row.moment("next_due_at");
    return {!retry_slot && due <= now ? due : now, 1};
}

// Her day of this slot was lived after all: it counts, and the retry is off.
void skip_lived_slot(base::Transaction& transaction, const base::SqlRow& row,
                     const VisitRules& rules) {
    const catalog::Persona persona = persona_of(row);
    const base::Moment started = row.moment("acted_at");
    const base::Moment next = catalog::next_slot(persona.cadence, started, rules.zone);
    transaction.run(set_last_active, {persona.user_id, started});
    const std::vector<std::string> users{persona.user_id};
    const std::vector<std::string> slots{visit_moment_text(next)};
    transaction.run(move_to_next_slot,
                    {base::SqlParam::array(users), base::SqlParam::array(slots)});
}

struct ClaimRound {
    std::size_t made = 0;     // Visits written.
    std::size_t skipped = 0;  // Candidates whose day was lived already.
};

ClaimRound run_claim_round(base::Transaction& transaction, const Claim& claim, int limit,
                           base::Moment now, const VisitRules& rules) {
    const bool working_day =
        catalog::due_if_idle_since(catalog::Cadence::weekdays, now, rules.zone).has_value();
    VisitsToClaim wanted;
    ClaimRound round;
    for (const base::SqlRow row : transaction.run(
             lock_candidates, {now, claim.everybody, working_day, limit, claim.idle_since})) {
        if (!claim.everybody && !row.is_null("acted_at")) {
            skip_lived_slot(transaction, row, rules);
            ++round.skipped;
            continue;
        }
        const catalog::Persona persona = persona_of(row);
        const auto [slot, attempt] = visit_slot(row, now);
        wanted.ids.push_back(base::random_uuid());
        wanted.users.push_back(persona.user_id);
        wanted.attempts.push_back(std::to_string(attempt));
        wanted.slots.push_back(visit_moment_text(slot));
        wanted.next_slots.push_back(
            visit_moment_text(catalog::next_slot(persona.cadence, now, rules.zone)));
    }
    if (wanted.ids.empty()) return round;
    round.made =
        transaction
            .run(insert_visits,
                 {base::SqlParam::array(wanted.ids), base::SqlParam::array(wanted.users),
                  base::SqlParam::array(wanted.attempts), base::SqlParam::array(wanted.slots),
                  claim.runner_id, claim.request_id, now, now + rules.visit_max})
            .size();
    transaction.run(move_to_next_slot, {base::SqlParam::array(wanted.users),
                                        base::SqlParam::array(wanted.next_slots)});
    return round;
}

std::vector<ClaimedVisit> read_claimed_visits(base::Transaction& transaction, const Claim& claim) {
    std::vector<ClaimedVisit> visits;
    for (const base::SqlRow row :
         transaction.run(visits_of_claim, {claim.runner_id, claim.request_id})) {
        visits.push_back({.visit_id = row.text("tick_id"),
                          .attempt = static_cast<int>(row.integer("attempt")),
                          .slot = row.moment("slot"),
                          .started_at = row.moment("started_at"),
                          .deadline = row.moment("deadline"),
                          .persona = persona_of(row)});
    }
    return visits;
}

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
    const int attempt = static_cast<int>(row->integer("attempt"));
    const base::Moment slot = row->moment("slot");
    if (!lost && handed_back) {
        transaction.run(schedule_retry, {user_id, now, slot, attempt});
    } else if (!lost) {
        const bool was_her_day = end.status == catalog::VisitEnd::Status::finished || actions > 0;
        settle(transaction,
               {.user_id = user_id,
                .attempt = attempt,
                .slot = slot,
                .started_at = row->moment("started_at")},
               was_her_day, now, rules);
    }
    return {.outcome = lost ? Outcome::lost : Outcome::applied, .status = stored[0].text("status")};
}

}  // namespace

VisitRules visit_rules(const Options& options) {
    return {.zone = options.timezone, .visit_max = options.visit_deadline};
}

std::chrono::milliseconds wait_before_attempt(const VisitRules& rules, int attempt,
                                              double random01) {
    base::require(attempt >= 1, "attempts are counted from one");
    const auto doubled = rules.retry_wait_base * (1LL << std::min(attempt - 1, 10));
    const std::chrono::milliseconds floor = rules.retry_wait_min;
    const std::chrono::milliseconds ceiling = std::max(floor, std::chrono::milliseconds(doubled));
    const double span = static_cast<double>((ceiling - floor).count());
    return floor + std::chrono::milliseconds(
                       static_cast<std::int64_t>(std::clamp(random01, 0.0, 1.0) * span));
}

void settle(base::Transaction& transaction, const VisitAttempt& visit, bool was_her_day,
            base::Moment now, const VisitRules& rules) {
    if (was_her_day) {
        transaction.run(set_last_active, {visit.user_id, visit.started_at});
    } else if (visit.attempt < rules.attempts_max) {
        const base::Moment retry_at =
            now + wait_before_attempt(rules, visit.attempt, visit_random01());
        transaction.run(schedule_retry, {visit.user_id, retry_at, visit.slot, visit.attempt + 1});
    }
}

std::size_t reap(base::Transaction& transaction, base::Moment now, const VisitRules& rules) {
    transaction.run(bury_expired_runners, {now});
    const base::SqlRows abandoned = transaction.run(abandoned_visits, {now - rules.grace});
    for (const base::SqlRow row : abandoned) {
        const std::string_view reason =
            row.flag("runner_gone") ? "runner_gone" : "deadline_exceeded";
        transaction.run(mark_visit_lost, {row.text("tick_id"), now, reason});
        settle(transaction,
               {.user_id = row.text("user_id"),
                .attempt = static_cast<int>(row.integer("attempt")),
                .slot = row.moment("slot"),
                .started_at = row.moment("started_at")},
               row.flag("acted"), now, rules);
    }
    return abandoned.size();
}

Visits::Visits(base::Postgres& database, VisitRules rules)
    : database_(database), rules_(std::move(rules)) {}

std::optional<std::vector<ClaimedVisit>> Visits::claim(const Claim& claim, base::Moment now) {
    std::size_t lost = 0;
    auto visits = database_.transact(
        [&](base::Transaction& transaction) -> std::optional<std::vector<ClaimedVisit>> {
            lost = reap(transaction, now, rules_);
            if (transaction.run(lock_living_runner, {claim.runner_id, now}).empty()) {
                return std::nullopt;
            }
            transaction.run(forget_old_claims, {now - rules_.claims_kept});
            const auto inserted =
                transaction.run(insert_claim_once, {claim.runner_id, claim.request_id, now});
            if (inserted.affected() == 1) {
                int wanted = claim.limit;
                // Skipping lived slots frees places; two more rounds fill them.
                for (int round = 0; round < 3 && wanted > 0; ++round) {
                    const ClaimRound done =
                        run_claim_round(transaction, claim, wanted, now, rules_);
                    wanted -= static_cast<int>(done.made);
                    if (done.skipped == 0) break;
                }
            }
            return read_claimed_visits(transaction, claim);
        });
    if (lost > 0) base::log_warning("visits lost", {{"count", lost}});
    return visits;
}

FinishAnswer Visits::finish(const std::string& visit_id, const catalog::VisitEnd& end,
                            base::Moment now) {
    return database_.transact([&](base::Transaction& transaction) {
        // A runner whose lease ran out has lost its visits, whoever asks first.
        reap(transaction, now, rules_);
        return finish_in(transaction, visit_id, end, now, rules_);
    });
}

}  // namespace auth
