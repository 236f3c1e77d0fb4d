#include "auth/personas/holds.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "auth/personas/reap.hpp"
#include "auth/personas/visits.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

// Changes of holds take turns, so that "paused since" and "not paused" are the last word.
constexpr std::string_view take_holds_turn =
    "select pg_advisory_xact_lock(hashtextextended('auth.holds', 0))";

constexpr std::string_view open_wide_pauses = R"(
select scope, archetype from auth.holds where until is null and scope <> 'persona')";

constexpr std::string_view quarantine_crashed = R"(
with crashed as (
    insert into auth.holds (cause, scope, user_id, slot, since)
    select 'quarantined', 'persona', n.user_id, n.slot, $3::timestamptz
    from unnest($1::text[], $2::timestamptz[]) as n (user_id, slot)
    where (select count(*) from auth.persona_visits v
        where v.user_id = n.user_id and v.slot = n.slot and v.status = 'lost' and v.reason = $4)
        >= $5::integer
    on conflict do nothing
    returning user_id)
select c.user_id, u.email from crashed c join auth.users u on u.id = c.user_id)";

// $2: the earliest slot in question.
constexpr std::string_view holds_of_users = R"(
select p.user_id, h.cause, h.since, h.until
from unnest($1::text[]) as n (user_id)
join auth.personas p on p.user_id = n.user_id
join auth.holds h on h.scope = 'all' or h.archetype = p.archetype or h.user_id = p.user_id
where h.until is null or h.until > $2::timestamptz
order by p.user_id, h.since, h.hold_id)";

constexpr std::string_view persona_by_address = R"(
select p.user_id, p.archetype, p.next_due_at
from auth.personas p join auth.users u on u.id = p.user_id
where u.email = $1 and u.deleted_at is null)";

constexpr std::string_view archetype_exists =
    "select 1 from auth.personas where archetype = $1 limit 1";

// Hops through the index, one step per archetype.
constexpr std::string_view some_archetypes = R"(
with recursive kinds (archetype, n) as (
    (select archetype, 1 from auth.personas order by archetype limit 1)
    union all
    select (select p.archetype from auth.personas p
        where p.archetype > k.archetype order by p.archetype limit 1), k.n + 1
    from kinds k where k.archetype is not null and k.n < 10)
select archetype from kinds where archetype is not null)";

constexpr std::string_view open_pause_of = R"(
select since from auth.holds
where until is null and cause = 'paused' and scope = $1
    and archetype is not distinct from $2 and user_id is not distinct from $3)";

constexpr std::string_view open_pause = R"(
insert into auth.holds (cause, scope, archetype, user_id, since)
values ('paused', $1, $2, $3, $4::timestamptz))";

constexpr std::string_view close_pause = R"(
update auth.holds set until = greatest(since, $4::timestamptz)
where until is null and cause = 'paused' and scope = $1
    and archetype is not distinct from $2 and user_id is not distinct from $3)";

constexpr std::string_view close_quarantine = R"(
update auth.holds set until = greatest(since, $2::timestamptz)
where until is null and cause = 'quarantined' and scope = 'persona' and user_id = $1)";

// What else keeps her away, the nearest first.
constexpr std::string_view other_holds = R"(
select cause, scope, archetype from auth.holds
where until is null and (scope = 'all' or archetype = $1 or user_id = $2)
order by scope desc, cause)";

constexpr std::string_view open_holds = R"(
select h.cause, h.scope, h.archetype, u.email, h.slot, h.since
from auth.holds h left join auth.users u on u.id = h.user_id
where h.until is null and h.cause = $1
order by case when h.cause = 'paused' then h.since end, h.since desc, h.hold_id
limit $2::bigint)";

constexpr std::string_view count_standing = R"(
select count(*) filter (where cause = 'paused') as pauses,
    count(*) filter (where cause = 'quarantined') as quarantined,
    (select coalesce(sum(slots), 0)::bigint from auth.skipped_slots
        where given_up_at > $1::timestamptz) as skipped
from auth.holds where until is null)";

constexpr std::string_view latest_skipped = R"(
select u.email, s.slot, s.slots, s.reason, s.attempts, s.given_up_at
from auth.skipped_slots s join auth.users u on u.id = s.user_id
where s.given_up_at > $1::timestamptz
order by s.given_up_at desc, s.slot desc, s.user_id limit $2::bigint)";

struct HoldKey {
    std::string scope;
    std::optional<std::string> archetype, user_id;
    std::optional<std::string> kind;  // Her archetype, when it is about one persona.
    base::SqlParams params() const { return {scope, archetype, user_id}; }
};

base::SqlRow held_persona(base::Transaction& transaction, const std::string& email) {
    const auto row = transaction.run(persona_by_address, {email}).first();
    if (row) return *row;
    throw Failure(Failure::Kind::missing, "no persona has the address " + email, "PERSONA_UNKNOWN");
}

HoldKey hold_key(base::Transaction& transaction, const catalog::Whom& whom) {
    switch (whom.scope) {
        case catalog::Whom::Scope::all: return {.scope = "all"};
        case catalog::Whom::Scope::persona: {
            const base::SqlRow row = held_persona(transaction, whom.name);
            return {
                .scope = "persona", .user_id = row.text("user_id"), .kind = row.text("archetype")};
        }
        case catalog::Whom::Scope::archetype: break;
    }
    return {.scope = "archetype", .archetype = whom.name};
}

void require_archetype(base::Transaction& transaction, const std::string& archetype) {
    if (!transaction.run(archetype_exists, {archetype}).empty()) return;
    std::string known;
    for (const base::SqlRow row : transaction.run(some_archetypes)) {
        known += (known.empty() ? "" : ", ") + row.text("archetype");
    }
    throw Failure(Failure::Kind::missing,
                  "no persona has the archetype \"" + archetype + "\"; there are: " +
                      (known.empty() ? "none, since there is no persona" : known),
                  "ARCHETYPE_UNKNOWN");
}

// "; but archetype tester is paused": what the operator may have meant.
std::string words_of_other_holds(base::Transaction& transaction, const HoldKey& key) {
    const auto kind = key.archetype ? key.archetype : key.kind;
    std::string words;
    for (const base::SqlRow row : transaction.run(other_holds, {kind, key.user_id})) {
        const std::string scope = row.text("scope");
        words += words.empty() ? "; but " : ", ";
        words += scope == "all"         ? "everybody is "
                 : scope == "archetype" ? "archetype " + row.text("archetype") + " is "
                                        : "she is ";
        words += row.text("cause");
    }
    return words;
}

}  // namespace

WidePauses wide_pauses(base::Transaction& transaction) {
    WidePauses pauses;
    for (const base::SqlRow row : transaction.run(open_wide_pauses)) {
        if (row.text("scope") == "all") {
            pauses.everybody = true;
        } else {
            pauses.archetypes.push_back(row.text("archetype"));
        }
    }
    return pauses;
}

Quarantined quarantine_crashing(base::Transaction& transaction,
                                const std::vector<EndedAttempt>& attempts, base::Moment now,
                                const VisitRules& rules) {
    std::vector<std::string> users, slots;
    for (const EndedAttempt& attempt : attempts) {
        if (!attempt.crashed) continue;
        users.push_back(attempt.user_id);
        slots.push_back(*base::SqlParam(attempt.slot).text());
    }
    Quarantined quarantined;
    if (users.empty()) return quarantined;
    for (const base::SqlRow row : transaction.run(
             quarantine_crashed, {base::SqlParam::array(users), base::SqlParam::array(slots), now,
                                  crash_reason, rules.crashes_max})) {
        quarantined.users.insert(row.text("user_id"));
        quarantined.emails.push_back(row.text("email"));
    }
    return quarantined;
}

void name_reasons(base::Transaction& transaction, std::vector<GivenUp>& slots) {
    std::set<std::string> users;
    std::optional<base::Moment> earliest;
    for (const GivenUp& slot : slots) {
        if (!slot.reason.empty()) continue;
        users.insert(slot.user_id);
        earliest = earliest ? std::min(*earliest, slot.slot) : slot.slot;
    }
    if (users.empty()) return;
    struct Span {
        std::string_view cause;
        base::Moment since;
        std::optional<base::Moment> until;
    };
    std::map<std::string, std::vector<Span>> spans;
    const std::vector<std::string> list(users.begin(), users.end());
    for (const base::SqlRow row :
         transaction.run(holds_of_users, {base::SqlParam::array(list), *earliest})) {
        const bool paused = row.text("cause") == "paused";
        spans[row.text("user_id")].push_back({.cause = paused ? "paused" : "quarantined",
                                              .since = row.moment("since"),
                                              .until = row.moment_or_none("until")});
    }
    for (GivenUp& slot : slots) {
        if (!slot.reason.empty()) continue;
        slot.reason = "missed";
        for (const Span& span : spans[slot.user_id]) {
            if (slot.slot < span.since || (span.until && slot.slot >= *span.until)) continue;
            slot.reason = span.cause;
            break;
        }
    }
}

Holds::Holds(base::Postgres& database) : database_(database) {}

Holds::Paused Holds::pause(const catalog::Whom& whom, base::Moment now) {
    return database_.transact([&](base::Transaction& transaction) -> Paused {
        transaction.run(take_holds_turn);
        const HoldKey key = hold_key(transaction, whom);
        if (key.archetype) require_archetype(transaction, *key.archetype);
        const auto open = transaction.run(open_pause_of, key.params()).first();
        if (open) return {.changed = false, .since = open->moment("since")};
        base::SqlParams params = key.params();
        params.emplace_back(now);
        transaction.run(open_pause, params);
        return {.changed = true, .since = now};
    });
}

void Holds::resume(const catalog::Whom& whom, base::Moment now) {
    database_.transact([&](base::Transaction& transaction) {
        transaction.run(take_holds_turn);
        const HoldKey key = hold_key(transaction, whom);
        base::SqlParams params = key.params();
        params.emplace_back(now);
        if (transaction.run(close_pause, params).affected() > 0) return;
        // A pause may outlive the last persona of its archetype; without one the word is a typo.
        if (key.archetype) require_archetype(transaction, *key.archetype);
        throw Failure(
            Failure::Kind::conflict,
            catalog::to_text(whom) + " is not paused" + words_of_other_holds(transaction, key),
            "NOT_PAUSED");
    });
}

base::Moment Holds::release(const std::string& email, base::Moment now) {
    return database_.transact([&](base::Transaction& transaction) {
        transaction.run(take_holds_turn);
        const base::SqlRow row = held_persona(transaction, email);
        const std::string user_id = row.text("user_id");
        if (transaction.run(close_quarantine, {user_id, now}).affected() == 0) {
            const HoldKey key{
                .scope = "persona", .user_id = user_id, .kind = row.text("archetype")};
            throw Failure(Failure::Kind::conflict,
                          email + " is not quarantined" + words_of_other_holds(transaction, key),
                          "NOT_QUARANTINED");
        }
        return row.moment("next_due_at");
    });
}

catalog::Standing Holds::standing(base::Moment now) {
    const base::Moment since = now - std::chrono::hours(24);
    return database_.transact([&](base::Transaction& transaction) {
        catalog::Standing standing;
        const base::SqlRow counts = transaction.run(count_standing, {since})[0];
        standing.pauses_count = counts.integer("pauses");
        standing.quarantined_count = counts.integer("quarantined");
        standing.skipped_24h = counts.integer("skipped");
        const auto list_max = static_cast<std::int64_t>(catalog::standing_list_max);
        for (const base::SqlRow row : transaction.run(open_holds, {"paused", list_max})) {
            using Scope = catalog::Whom::Scope;
            const std::string scope = row.text("scope");
            catalog::Pause pause{.since = row.moment("since")};
            if (scope == "archetype") pause.whom = {Scope::archetype, row.text("archetype")};
            if (scope == "persona") pause.whom = {Scope::persona, row.text("email")};
            standing.pauses.push_back(std::move(pause));
        }
        for (const base::SqlRow row : transaction.run(open_holds, {"quarantined", list_max})) {
            standing.quarantined.push_back({.email = row.text("email"),
                                            .slot = row.moment("slot"),
                                            .since = row.moment("since")});
        }
        const auto skipped_max = static_cast<std::int64_t>(catalog::standing_skipped_max);
        for (const base::SqlRow row : transaction.run(latest_skipped, {since, skipped_max})) {
            standing.skipped.push_back({.email = row.text("email"),
                                        .slot = row.moment("slot"),
                                        .slots = row.integer("slots"),
                                        .reason = row.text("reason"),
                                        .attempts = static_cast<int>(row.integer("attempts")),
                                        .given_up_at = row.moment("given_up_at")});
        }
        return standing;
    });
}

}  // namespace auth
