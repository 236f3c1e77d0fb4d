// Who may be taken on a visit, and what the end of one means for her slots.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/auth_service.hpp"

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

constexpr int attempts_per_slot_max = 3;
constexpr int crashes_per_slot_max = 3;
constexpr std::chrono::hours outside_rhythm{1};
constexpr std::chrono::seconds retry_wait_min{30};

}  // namespace

bool AuthService::may_be_taken(const KnownPersona& persona, bool everybody,
                               const std::optional<base::Moment>& idle_since) const {
    if (persona.deleted) return false;
    if (is_held(persona) && profile_.sabotage != Sabotage::ignores_holds) return false;
    const bool shares = profile_.sabotage == Sabotage::two_visits_at_once ||
                        profile_.sabotage == Sabotage::takes_visits_away;
    if (!shares && running_visit_of(persona.id)) return false;
    if (!everybody) {
        const bool early = profile_.sabotage == Sabotage::takes_early;
        if (persona.next_due > now() + (early ? 10min : 0min)) return false;
        const bool day_off = !catalog::due_if_idle_since(persona.cadence, now());
        if (day_off) return false;
    }
    if (!idle_since) return true;
    return std::none_of(visits_.begin(), visits_.end(), [&](const auto& item) {
        return item.second.persona == persona.id && item.second.started_at >= *idle_since;
    });
}

void AuthService::take(KnownPersona& persona, const Claim& claim, std::vector<std::string>& taken) {
    if (!claim.everybody && persona.not_before && now() < *persona.not_before) {
        referee_.fail(Invariant::not_due_at_once,
                      persona.name + " is taken again at once after a day that went wrong");
    }
    persona.not_before.reset();
    if (profile_.sabotage == Sabotage::takes_visits_away) {
        for (auto& [id, other] : visits_) {
            if (other.persona == persona.id && other.running()) end(other, "lost");
        }
    }
    KnownVisit visit;
    visit.id = dice_.random().uuid();
    visit.persona = persona.id;
    visit.runner = claim.runner;
    visit.spent_since = claim.spent_since;
    visit.spent_before = spent_by(persona.id, claim.spent_since);
    visit.started_at = now();
    visit.deadline = now() + profile_.visit_max;
    const bool is_late = persona.retry_slot || persona.next_due <= now();
    if (persona.retry_slot) {
        visit.slot = *persona.retry_slot;
        visit.attempt = persona.retry_attempt;
    } else {
        const bool early = profile_.sabotage == Sabotage::takes_early && !claim.everybody;
        visit.slot = is_late || early ? persona.next_due : now();
    }
    // One late visit; the slots behind it are given up.
    if (is_late) {
        for (base::Moment slot =
                 persona.following_slot.value_or(catalog::next_slot(persona.cadence, visit.slot));
             slot <= now(); slot = catalog::next_slot(persona.cadence, slot)) {
            skip(persona, slot, "missed");
        }
    }
    const bool in_rhythm = persona.next_due <= now() && now() - persona.next_due <= outside_rhythm;
    persona.next_due =
        in_rhythm ? catalog::next_slot(persona.cadence, now()) : slot_limit(persona, now());
    persona.retry_slot.reset();
    persona.following_slot.reset();
    if (profile_.sabotage == Sabotage::two_visits_at_once) persona.next_due = now();
    if (profile_.sabotage == Sabotage::takes_visits_away) persona.next_due = now() + 1s;
    if (profile_.sabotage == Sabotage::leaves_out_slots) persona.next_due += 72h;
    trace_.add("auth: visit {} of {} attempt {}", visit.id, persona.name, visit.attempt);
    taken.push_back(visit.id);
    const auto [place, fresh] = visits_.emplace(visit.id, std::move(visit));
    note(place->second);
    if (on_taken) on_taken(place->second);
}

Json AuthService::claimed(const std::vector<std::string>& visit_ids) const {
    Json visits = Json::array();
    for (const std::string& id : visit_ids) {
        const KnownVisit& visit = visits_.at(id);
        const KnownPersona& persona = personas_.at(visit.persona);
        if (persona.deleted) continue;
        Json last_active;
        if (persona.last_active) last_active = base::to_iso(*persona.last_active);
        const bool forgets = profile_.sabotage == Sabotage::forgets_the_spent;
        visits.push_back({{"tickId", id},
                          {"attempt", visit.attempt},
                          {"deadline", base::to_iso(visit.deadline)},
                          {"spentUsd", forgets ? 0 : spent_by(persona.id, visit.spent_since)},
                          {"persona",
                           {{"userId", persona.id},
                            {"email", persona.email},
                            {"name", persona.name},
                            {"archetype", "test"},
                            {"systemPrompt", "Du bist " + persona.name + "."},
                            {"moduleMix", {{"todo", 0.5}, {"notes", 0.3}, {"mood", 0.2}}},
                            {"tickCadence", catalog::word_of(persona.cadence)},
                            {"lastActiveAt", last_active}}}});
    }
    return Json{{"visits", std::move(visits)}, {"serverTime", base::to_iso(now())}};
}

Reply AuthService::claim(const Json& body) {
    reap();
    const auto moment_in = [&body](const char* name) {
        return body.contains(name) ? base::from_iso(body.at(name).get<std::string>())
                                   : std::nullopt;
    };
    const Claim claim{.runner = body.at("runnerId"),
                      .everybody = body.contains("due"),
                      .idle_since = moment_in("idleSince"),
                      .spent_since = moment_in("spentSince")};
    if (!is_alive(claim.runner)) return auth_refusal(410, "this runner is dead", "GONE");
    const auto limit = body.at("limit").get<std::size_t>();
    if (limit < 1 || limit > static_cast<std::size_t>(profile_.concurrency)) {
        referee_.fail(Invariant::nothing_unbounded, fmt::format("a claim of {} visits", limit));
    }
    const auto [memory, fresh] =
        claims_.try_emplace({claim.runner, body.at("requestId").get<std::string>()});
    if (!fresh) return Reply::json(claimed(memory->second));
    std::vector<KnownPersona*> candidates = candidates_for(claim);
    if (candidates.size() > limit) candidates.resize(limit);
    for (KnownPersona* persona : candidates) take(*persona, claim, memory->second);
    return Reply::json(claimed(memory->second));
}

// The longest due first.
std::vector<KnownPersona*> AuthService::candidates_for(const Claim& claim) {
    std::vector<KnownPersona*> candidates;
    if (profile_.sabotage == Sabotage::hands_out_nobody) return candidates;
    for (auto& [id, persona] : personas_) {
        if (!may_be_taken(persona, claim.everybody, claim.idle_since)) continue;
        if (persona.retry_slot && has_lived(persona, *persona.retry_slot)) {
            // The rows of a lost attempt arrived meanwhile: it was her day.
            persona.next_due = persona.following_slot.value_or(now());
            persona.retry_slot.reset();
            persona.following_slot.reset();
            persona.not_before.reset();
            if (!may_be_taken(persona, claim.everybody, claim.idle_since)) continue;
        }
        candidates.push_back(&persona);
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const KnownPersona* left, const KnownPersona* right) {
                  return std::tie(left->next_due, left->id) < std::tie(right->next_due, right->id);
              });
    return candidates;
}

void AuthService::end(KnownVisit& visit, const std::string& status) {
    trace_.add("auth: visit {} {}", visit.id, status);
    visit.status = status;
    visit.ended_at = now();
    note(visit);
    if (++visit.ends > 1) {
        referee_.fail(
            Invariant::one_end_per_visit,
            fmt::format("visit {} ends for the {}th time, as {}", visit.id, visit.ends, status));
    }
}

void AuthService::settle(const KnownVisit& visit, bool was_her_day) {
    KnownPersona& persona = personas_.at(visit.persona);
    if (visit.crashed && ++persona.crashes[visit.slot] >= crashes_per_slot_max) {
        trace_.add("auth: {} is in quarantine", persona.name);
        persona.quarantined = true;
    }
    if (was_her_day) {
        persona.last_active =
            std::max(persona.last_active.value_or(visit.started_at), visit.started_at);
        if (profile_.sabotage == Sabotage::gives_up_lived) skip(persona, visit.slot, "missed");
        return;
    }
    persona.not_before = now() + retry_wait_min;
    news_.personas.push_back(persona.id);
    if (has_lived(persona, visit.slot)) return;  // An earlier attempt, whose rows came late.
    if (profile_.sabotage == Sabotage::due_again_at_once) {
        persona.next_due = now();
        return;
    }
    if (persona.quarantined) return skip(persona, visit.slot, "quarantined");
    const bool is_last = visit.attempt >= attempts_per_slot_max;
    if (is_last && profile_.sabotage != Sabotage::tries_for_ever) {
        return skip(persona, visit.slot, "attempts_exhausted");
    }
    try_again(persona, visit, now() + retry_wait_min + dice_.time(0s, 5min * visit.attempt),
              is_last ? 1 : visit.attempt + 1);
}

void AuthService::try_again(KnownPersona& persona, const KnownVisit& visit, base::Moment at,
                            int attempt) {
    if (persona.next_due <= at) return skip(persona, visit.slot, "next_slot_first");
    persona.following_slot = persona.next_due;
    persona.next_due = at;
    persona.retry_slot = visit.slot;
    persona.retry_attempt = attempt;
}

void AuthService::skip(const KnownPersona& persona, base::Moment slot, std::string_view reason) {
    trace_.add("auth: slot of {} given up, {}", persona.name, reason);
    if (profile_.sabotage == Sabotage::forgets_skipped) return;
    ledger_.push_back({persona.id, slot, std::string(reason)});
}

bool AuthService::has_lived(const KnownPersona& persona, base::Moment slot) const {
    return std::any_of(visits_.begin(), visits_.end(), [&](const auto& item) {
        const KnownVisit& visit = item.second;
        return visit.persona == persona.id && visit.slot == slot && !visit.actions.empty();
    });
}

base::Moment AuthService::slot_limit(const KnownPersona& persona, base::Moment slot) {
    const base::Moment later = catalog::next_slot(persona.cadence, slot) + persona.delay;
    if (catalog::due_if_idle_since(persona.cadence, later)) return later;
    return catalog::next_slot(persona.cadence, later - 24h);  // Carried into a weekend.
}

}  // namespace simulation
