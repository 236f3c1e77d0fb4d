// The claim: who is due gets a visit, and what came before it is settled in the same transaction.
#include <algorithm>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "auth/personas/holds.hpp"
#include "auth/personas/personas.hpp"
#include "auth/personas/reap.hpp"
#include "auth/personas/slots.hpp"
#include "auth/personas/visits.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

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

// $2: everybody, due or not; $3: today is a working day; $6: paused archetypes. Statements are
// planned with their values, so each form walks its own index over next_due_at. acted_at: a retry
// that is due although an earlier attempt of its slot left rows, which arrived after it was lost.
constexpr std::string_view lock_candidates = R"(
select p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at, p.next_due_at, p.retry_slot, p.retry_attempt, p.following_slot,
    (select max(v.started_at) from auth.persona_visits v
        where v.user_id = p.user_id and v.slot = p.retry_slot and exists (
            select from auth.persona_actions a
            where a.persona_id = v.user_id and a.tick_id = v.tick_id)) as acted_at
from auth.personas p
join auth.users u on u.id = p.user_id
where ($2::boolean or p.next_due_at <= $1::timestamptz)
    and ($2::boolean or $3::boolean or p.tick_cadence <> 'weekdays')
    and u.deleted_at is null
    and p.archetype <> all($6::text[])
    and not exists (select from auth.holds h
        where h.user_id = p.user_id and h.until is null and h.scope = 'persona')
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
returning user_id)";

constexpr std::string_view move_to_next_slot = R"(
update auth.personas p
set next_due_at = n.next_due_at, retry_slot = null, retry_attempt = null, following_slot = null
from unnest($1::text[], $2::timestamptz[]) as n (user_id, next_due_at)
where p.user_id = n.user_id)";

constexpr std::string_view note_lived_slot = R"(
update auth.personas
set last_active_at = greatest(last_active_at, $2::timestamptz), next_due_at = $3::timestamptz,
    retry_slot = null, retry_attempt = null, following_slot = null
where user_id = $1)";

constexpr std::string_view visits_of_claim = R"(
select v.tick_id, v.attempt, v.slot, v.started_at, v.deadline,
    p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at
from auth.persona_visits v
join auth.personas p on p.user_id = v.user_id
join auth.users u on u.id = v.user_id
where v.runner_id = $1 and v.request_id = $2
order by v.slot, v.user_id)";

std::string claim_moment_text(base::Moment moment) {
    return *base::SqlParam(moment).text();
}

// A persona whose row the claim has locked, and the visit she is to get.
struct Candidate {
    catalog::Persona persona;
    base::Moment due;
    std::optional<base::Moment> retry_slot, following_slot;
    std::optional<base::Moment> acted_at;  // The retried slot was lived after all, then.
    base::Moment slot;                     // That the visit serves …
    int attempt = 1;                       // … and its number within that slot.
};

Candidate candidate_of(const base::SqlRow& row, base::Moment now) {
    Candidate candidate{.persona = persona_of(row),
                        .due = row.moment("next_due_at"),
                        .retry_slot = row.moment_or_none("retry_slot"),
                        .following_slot = row.moment_or_none("following_slot"),
                        .acted_at = row.moment_or_none("acted_at")};
    if (candidate.retry_slot && !candidate.acted_at) {
        candidate.slot = *candidate.retry_slot;
        candidate.attempt = static_cast<int>(row.integer("retry_attempt"));
    } else {
        candidate.slot = !candidate.retry_slot && candidate.due <= now ? candidate.due : now;
    }
    return candidate;
}

// Her slots that came before `now` and that no visit serves: one late visit, not one for each.
std::vector<GivenUp> slots_behind(const Candidate& candidate, base::Moment now,
                                  const VisitRules& rules) {
    const catalog::Cadence cadence = candidate.persona.cadence;
    if (!candidate.retry_slot && candidate.due > now) return {};
    const base::Moment served = candidate.retry_slot.value_or(candidate.due);
    const base::Moment first =
        candidate.following_slot.value_or(catalog::next_slot(cadence, served, rules.zone));
    return slots_until(cadence, candidate.persona.user_id, first, now, rules);
}

// Her day of this slot was lived after all: it counts, and the retry is off.
void skip_lived_slot(base::Transaction& transaction, const Candidate& candidate,
                     const VisitRules& rules) {
    const catalog::Persona& persona = candidate.persona;
    const base::Moment next = catalog::next_slot(persona.cadence, *candidate.acted_at, rules.zone);
    transaction.run(note_lived_slot, {persona.user_id, *candidate.acted_at, next});
}

// Writes the visits; leaves in `candidates` those who got one.
void insert_claimed(base::Transaction& transaction, const Claim& claim,
                    std::vector<Candidate>& candidates, base::Moment now, const VisitRules& rules) {
    std::vector<std::string> ids, users, attempts, slots;
    for (const Candidate& candidate : candidates) {
        ids.push_back(base::random_uuid());
        users.push_back(candidate.persona.user_id);
        attempts.push_back(std::to_string(candidate.attempt));
        slots.push_back(claim_moment_text(candidate.slot));
    }
    std::set<std::string> inserted;
    for (const base::SqlRow row : transaction.run(
             insert_visits, {base::SqlParam::array(ids), base::SqlParam::array(users),
                             base::SqlParam::array(attempts), base::SqlParam::array(slots),
                             claim.runner_id, claim.request_id, now, now + rules.visit_max})) {
        inserted.insert(row.text("user_id"));
    }
    std::erase_if(candidates, [&](const Candidate& candidate) {
        return !inserted.contains(candidate.persona.user_id);
    });
}

// Moves them to their next slots and writes down the slots that this skips.
void move_claimed(base::Transaction& transaction, const std::vector<Candidate>& candidates,
                  base::Moment now, const VisitRules& rules) {
    std::vector<std::string> users, next_slots;
    std::vector<GivenUp> given_up;
    for (const Candidate& candidate : candidates) {
        const catalog::Persona& persona = candidate.persona;
        users.push_back(persona.user_id);
        next_slots.push_back(claim_moment_text(
            slot_after(persona.cadence, persona.email, candidate.due, now, rules)));
        const auto behind = slots_behind(candidate, now, rules);
        given_up.insert(given_up.end(), behind.begin(), behind.end());
    }
    name_reasons(transaction, given_up);
    skip_slots(transaction, given_up, now);
    transaction.run(move_to_next_slot,
                    {base::SqlParam::array(users), base::SqlParam::array(next_slots)});
}

struct ClaimRound {
    std::size_t made = 0;     // Visits written.
    std::size_t skipped = 0;  // Candidates whose day was lived already.
};

ClaimRound run_claim_round(base::Transaction& transaction, const Claim& claim, int limit,
                           const WidePauses& pauses, base::Moment now, const VisitRules& rules) {
    const bool working_day =
        catalog::due_if_idle_since(catalog::Cadence::weekdays, now, rules.zone).has_value();
    std::vector<Candidate> candidates;
    ClaimRound round;
    for (const base::SqlRow row : transaction.run(
             lock_candidates, {now, claim.everybody, working_day, limit, claim.idle_since,
                               base::SqlParam::array(pauses.archetypes)})) {
        Candidate candidate = candidate_of(row, now);
        if (!claim.everybody && candidate.acted_at) {
            skip_lived_slot(transaction, candidate, rules);
            ++round.skipped;
            continue;
        }
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) return round;
    insert_claimed(transaction, claim, candidates, now, rules);
    round.made = candidates.size();
    if (!candidates.empty()) move_claimed(transaction, candidates, now, rules);
    return round;
}

void claim_new(base::Transaction& transaction, const Claim& claim, base::Moment now,
               const VisitRules& rules) {
    const WidePauses pauses = wide_pauses(transaction);
    if (pauses.everybody) return;
    int wanted = claim.limit;
    // Skipping lived slots frees places; two more rounds fill them.
    for (int round = 0; round < 3 && wanted > 0; ++round) {
        const ClaimRound done = run_claim_round(transaction, claim, wanted, pauses, now, rules);
        wanted -= static_cast<int>(done.made);
        if (done.skipped == 0) break;
    }
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

}  // namespace

std::optional<std::vector<ClaimedVisit>> Visits::claim(const Claim& claim, base::Moment now) {
    Reaped reaped;
    auto visits = database_.transact(
        [&](base::Transaction& transaction) -> std::optional<std::vector<ClaimedVisit>> {
            reaped = reap(transaction, now, rules_);
            if (transaction.run(lock_living_runner, {claim.runner_id, now}).empty()) {
                return std::nullopt;
            }
            transaction.run(forget_old_claims, {now - rules_.claims_kept});
            const auto inserted =
                transaction.run(insert_claim_once, {claim.runner_id, claim.request_id, now});
            if (inserted.affected() == 1) claim_new(transaction, claim, now, rules_);
            return read_claimed_visits(transaction, claim);
        });
    reaped.log();
    return visits;
}

}  // namespace auth
