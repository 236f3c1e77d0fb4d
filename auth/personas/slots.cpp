#include "auth/personas/slots.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "auth/personas/holds.hpp"
#include "auth/personas/visits.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr std::string_view set_last_active = R"(
update auth.personas p set last_active_at = greatest(p.last_active_at, n.started_at)
from unnest($1::text[], $2::timestamptz[]) as n (user_id, started_at)
where p.user_id = n.user_id)";

// Answers those who have their retry; for the others the next slot comes first.
constexpr std::string_view schedule_retries = R"(
update auth.personas p
set following_slot = p.next_due_at, next_due_at = n.retry_at, retry_slot = n.slot,
    retry_attempt = n.attempt
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::integer[])
    as n (user_id, retry_at, slot, attempt)
where p.user_id = n.user_id and p.next_due_at > n.retry_at
returning p.user_id)";

constexpr std::string_view insert_skipped_slots = R"(
insert into auth.skipped_slots (user_id, slot, slots, reason, attempts, given_up_at)
select n.user_id, n.slot, n.slots, n.reason, n.attempts, $6::timestamptz
from unnest($1::text[], $2::timestamptz[], $3::integer[], $4::text[], $5::integer[])
    as n (user_id, slot, slots, reason, attempts)
on conflict do nothing)";

constexpr std::string_view insert_retried_slot = R"(
insert into auth.skipped_slots (user_id, slot, slots, reason, attempts, given_up_at)
select user_id, retry_slot, 1, $2, greatest(retry_attempt - 1, 0), $3::timestamptz
from auth.personas p where user_id = $1 and retry_slot is not null and not exists (
    select from auth.persona_visits v
    join auth.persona_actions a on a.persona_id = v.user_id and a.tick_id = v.tick_id
    where v.user_id = p.user_id and v.slot = p.retry_slot)
on conflict do nothing)";

// Whoever notes late rows holds the persona's row until they can be seen.
constexpr std::string_view lock_schedules = R"(
select user_id from auth.personas where user_id = any($1::text[])
order by user_id for no key update)";

constexpr std::string_view lived_slots = R"(
select n.user_id, n.slot from unnest($1::text[], $2::timestamptz[]) as n (user_id, slot)
where exists (
    select from auth.persona_visits v
    join auth.persona_actions a on a.persona_id = v.user_id and a.tick_id = v.tick_id
    where v.user_id = n.user_id and v.slot = n.slot))";

// The visits are known to be hers: her id beside theirs would have all visits of hers read.
constexpr std::string_view note_late_activity = R"(
update auth.personas set last_active_at = greatest(last_active_at, (
    select max(v.started_at) from auth.persona_visits v
    where v.tick_id = any($2::text[]) and v.status <> 'running'))
where user_id = $1)";

constexpr std::string_view take_back_skipped_slots = R"(
delete from auth.skipped_slots s
where s.user_id = $1 and s.slots = 1 and s.slot in (
    select v.slot from auth.persona_visits v where v.tick_id = any($2::text[])))";

// Lateness that is no longer a busy runner's but a stop's.
constexpr std::chrono::hours outside_rhythm{1};

double slots_random01() {
    const std::string bytes = base::random_bytes(sizeof(std::uint64_t));
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return static_cast<double>(number >> 11) * 0x1.0p-53;
}

std::string slot_text(base::Moment moment) {
    return *base::SqlParam(moment).text();
}

// Later by her delay; a weekdays slot that the delay carries into the weekend moves to Monday.
base::Moment delayed_slot(catalog::Cadence cadence, std::string_view email, base::Moment slot,
                          const VisitRules& rules) {
    const base::Moment later = slot + start_delay(email, rules.spread);
    if (catalog::due_if_idle_since(cadence, later, rules.zone)) return later;
    return catalog::next_slot(cadence, later - std::chrono::hours(24), rules.zone);
}

struct RetryColumns {
    std::vector<std::string> users, moments, slots, attempts;
};

// Who of them gets her retry.
std::vector<std::string> run_retries(base::Transaction& transaction,
                                     const std::vector<const EndedAttempt*>& attempts,
                                     base::Moment now, const VisitRules& rules) {
    if (attempts.empty()) return {};
    RetryColumns columns;
    for (const EndedAttempt* attempt : attempts) {
        const base::Moment retry_at =
            attempt->handed_back
                ? std::max(now, attempt->not_before.value_or(now))
                : now + wait_before_attempt(rules, attempt->attempt, slots_random01());
        columns.users.push_back(attempt->user_id);
        columns.moments.push_back(slot_text(retry_at));
        columns.slots.push_back(slot_text(attempt->slot));
        columns.attempts.push_back(
            std::to_string(attempt->attempt + (attempt->handed_back ? 0 : 1)));
    }
    std::vector<std::string> scheduled;
    for (const base::SqlRow row : transaction.run(
             schedule_retries,
             {base::SqlParam::array(columns.users), base::SqlParam::array(columns.moments),
              base::SqlParam::array(columns.slots), base::SqlParam::array(columns.attempts)})) {
        scheduled.push_back(row.text("user_id"));
    }
    return scheduled;
}

void note_days(base::Transaction& transaction, const std::vector<EndedAttempt>& attempts) {
    std::vector<std::string> users, starts;
    for (const EndedAttempt& attempt : attempts) {
        if (!attempt.was_her_day) continue;
        users.push_back(attempt.user_id);
        starts.push_back(slot_text(attempt.started_at));
    }
    if (users.empty()) return;
    transaction.run(set_last_active, {base::SqlParam::array(users), base::SqlParam::array(starts)});
}

// The slots of ended attempts that an earlier attempt lived after all: its rows came late.
std::set<std::pair<std::string, base::Moment>> read_lived_slots(
    base::Transaction& transaction, const std::vector<EndedAttempt>& attempts) {
    std::vector<std::string> users, slots;
    for (const EndedAttempt& attempt : attempts) {
        if (attempt.was_her_day) continue;
        users.push_back(attempt.user_id);
        slots.push_back(slot_text(attempt.slot));
    }
    std::set<std::pair<std::string, base::Moment>> lived;
    if (users.empty()) return lived;
    transaction.run(lock_schedules, {base::SqlParam::array(users)});
    for (const base::SqlRow row : transaction.run(
             lived_slots, {base::SqlParam::array(users), base::SqlParam::array(slots)})) {
        lived.emplace(row.text("user_id"), row.moment("slot"));
    }
    return lived;
}

GivenUp skipped_attempt(const EndedAttempt& attempt, std::string_view reason) {
    return {.user_id = attempt.user_id,
            .slot = attempt.slot,
            .reason = reason,
            .attempts = attempt.attempt - (attempt.handed_back ? 1 : 0)};
}

}  // namespace

std::chrono::milliseconds wait_before_attempt(const VisitRules& rules, int attempt,
                                              double random01) {
    const auto doubled = rules.retry_wait_base * (1LL << std::clamp(attempt - 1, 0, 10));
    const std::chrono::milliseconds floor = rules.retry_wait_min;
    const std::chrono::milliseconds ceiling = std::max(floor, std::chrono::milliseconds(doubled));
    const double span = static_cast<double>((ceiling - floor).count());
    return floor + std::chrono::milliseconds(
                       static_cast<std::int64_t>(std::clamp(random01, 0.0, 1.0) * span));
}

std::chrono::milliseconds start_delay(std::string_view email, std::chrono::seconds spread) {
    const std::string digest = base::sha256(email);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        number = number << 8 | static_cast<unsigned char>(digest[i]);
    }
    const double share = static_cast<double>(number >> 11) * 0x1.0p-53;
    const std::chrono::milliseconds whole = spread;
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(share * static_cast<double>(whole.count())));
}

base::Moment first_slot(catalog::Cadence cadence, std::string_view email, base::Moment now,
                        const VisitRules& rules) {
    const bool works_today = catalog::due_if_idle_since(cadence, now, rules.zone).has_value();
    const base::Moment slot =
        works_today ? now : catalog::next_slot(cadence, now - std::chrono::hours(24), rules.zone);
    return delayed_slot(cadence, email, slot, rules);
}

base::Moment slot_after(catalog::Cadence cadence, std::string_view email, base::Moment due,
                        base::Moment started, const VisitRules& rules) {
    const base::Moment next = catalog::next_slot(cadence, started, rules.zone);
    const bool in_rhythm = started >= due && started - due <= outside_rhythm;
    return in_rhythm ? next : delayed_slot(cadence, email, next, rules);
}

std::vector<GivenUp> slots_until(catalog::Cadence cadence, const std::string& user_id,
                                 base::Moment first, base::Moment now, const VisitRules& rules) {
    std::vector<GivenUp> slots;
    for (base::Moment slot = first; slot <= now;
         slot = catalog::next_slot(cadence, slot, rules.zone)) {
        slots.push_back({.user_id = user_id, .slot = slot});
    }
    if (slots.size() <= skipped_slots_max) return slots;
    const std::size_t folded = slots.size() - skipped_slots_max;
    slots.front().slots = static_cast<std::int64_t>(folded) + 1;
    slots.erase(slots.begin() + 1, slots.begin() + 1 + static_cast<std::ptrdiff_t>(folded));
    return slots;
}

void skip_slots(base::Transaction& transaction, const std::vector<GivenUp>& slots,
                base::Moment now) {
    if (slots.empty()) return;
    std::vector<std::string> users, moments, counts, reasons, attempts;
    for (const GivenUp& slot : slots) {
        users.push_back(slot.user_id);
        moments.push_back(slot_text(slot.slot));
        counts.push_back(std::to_string(slot.slots));
        reasons.emplace_back(slot.reason);
        attempts.push_back(std::to_string(slot.attempts));
    }
    transaction.run(insert_skipped_slots,
                    {base::SqlParam::array(users), base::SqlParam::array(moments),
                     base::SqlParam::array(counts), base::SqlParam::array(reasons),
                     base::SqlParam::array(attempts), now});
}

void skip_retried_slot(base::Transaction& transaction, const std::string& user_id,
                       std::string_view reason, base::Moment now) {
    transaction.run(insert_retried_slot, {user_id, reason, now});
}

void note_late_rows(base::Transaction& transaction, const std::string& user_id,
                    const std::set<std::string>& visit_ids) {
    const std::vector<std::string> ids(visit_ids.begin(), visit_ids.end());
    transaction.run(note_late_activity, {user_id, base::SqlParam::array(ids)});
    transaction.run(take_back_skipped_slots, {user_id, base::SqlParam::array(ids)});
}

std::vector<std::string> settle(base::Transaction& transaction,
                                const std::vector<EndedAttempt>& attempts, base::Moment now,
                                const VisitRules& rules) {
    const Quarantined quarantined = quarantine_crashing(transaction, attempts, now, rules);
    note_days(transaction, attempts);
    const auto lived = read_lived_slots(transaction, attempts);
    std::vector<GivenUp> skipped;
    std::vector<const EndedAttempt*> to_retry;
    for (const EndedAttempt& attempt : attempts) {
        if (attempt.was_her_day || lived.contains({attempt.user_id, attempt.slot})) continue;
        if (quarantined.users.contains(attempt.user_id)) {
            skipped.push_back(skipped_attempt(attempt, "quarantined"));
        } else if (attempt.attempt < rules.attempts_max || attempt.handed_back) {
            to_retry.push_back(&attempt);
        } else {
            skipped.push_back(skipped_attempt(attempt, "attempts_exhausted"));
        }
    }
    const std::vector<std::string> scheduled = run_retries(transaction, to_retry, now, rules);
    const std::set<std::string> with_retry(scheduled.begin(), scheduled.end());
    for (const EndedAttempt* attempt : to_retry) {
        if (with_retry.contains(attempt->user_id)) continue;
        skipped.push_back(
            skipped_attempt(*attempt, attempt->not_before ? "budget" : "next_slot_first"));
    }
    skip_slots(transaction, skipped, now);
    return quarantined.emails;
}

}  // namespace auth
