#include "tests/simulation/auth_service.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

constexpr std::chrono::minutes deadline_grace{5};
constexpr int attempts_per_slot_max = 3;
constexpr int crashes_per_slot_max = 3;
constexpr std::chrono::hours outside_rhythm{1};
constexpr std::chrono::seconds retry_wait_min{30};

Reply auth_refusal(int status, const std::string& why, const std::string& code = {}) {
    Json body{{"error", why}};
    if (!code.empty()) body["code"] = code;
    return Reply::json(body, status);
}

bool has_score(const Json& row) {
    const auto score = row.find("rating");
    return score != row.end() && score->is_number_integer() && *score >= 1 && *score <= 5;
}

}  // namespace

AuthService::AuthService(const DrivenClock& clock, const Profile& profile, Trace& trace,
                         Referee& referee)
    : clock_(clock), profile_(profile), trace_(trace), referee_(referee), dice_(profile.seed, 3) {
    static constexpr const char* names[] = {"anna", "ben", "cleo", "dora", "emil", "frida"};
    static constexpr catalog::Cadence cadences[] = {
        catalog::Cadence::hourly, catalog::Cadence::hourly, catalog::Cadence::daily,
        catalog::Cadence::weekdays};
    for (int i = 0; i < profile.personas; ++i) {
        KnownPersona persona;
        persona.name = names[i % std::size(names)];
        persona.id = "user-" + persona.name;
        persona.email = "persona." + persona.name + "@mana.test";
        persona.cadence = dice_.pick(cadences);
        persona.next_due = now() + dice_.time(0s, 20min);
        persona.delay = dice_.time(0s, profile.spread);
        personas_.emplace(persona.id, std::move(persona));
    }
}

base::Moment AuthService::now() const {
    // Its own wall clock, that nobody steps.
    const auto passed = std::chrono::floor<std::chrono::microseconds>(
        clock_.steady() - base::Steady{std::chrono::hours{1}});
    return profile_.begin + passed + profile_.auth_skew;
}

const KnownVisit* AuthService::visit(const std::string& id) const {
    const auto found = visits_.find(id);
    return found == visits_.end() ? nullptr : &found->second;
}

bool AuthService::is_alive(const std::string& runner_id) const {
    const auto found = runners_.find(runner_id);
    return found != runners_.end() && !found->second.dead && found->second.lease_until >= now();
}

const KnownVisit* AuthService::running_visit_of(const std::string& persona) const {
    for (const auto& [id, visit] : visits_) {
        if (visit.persona == persona && visit.running()) return &visit;
    }
    return nullptr;
}

std::optional<base::Moment> AuthService::lease_of(Caller caller) const {
    std::optional<base::Moment> until;
    for (const auto& [id, runner] : runners_) {
        if (runner.caller != caller || runner.dead) continue;
        until = std::max(until.value_or(runner.lease_until), runner.lease_until);
    }
    return until;
}

const KnownVisit* AuthService::latest_visit_of(Caller caller,
                                               const std::string& persona_name) const {
    const KnownVisit* latest = nullptr;
    for (const auto& [id, visit] : visits_) {
        if (visit.persona != "user-" + persona_name || caller_of(visit.runner) != caller) continue;
        if (latest == nullptr || visit.started_at > latest->started_at) latest = &visit;
    }
    return latest;
}

std::size_t AuthService::running() const {
    return static_cast<std::size_t>(std::count_if(
        visits_.begin(), visits_.end(), [](const auto& item) { return item.second.running(); }));
}

std::vector<std::string> AuthService::overdue(std::chrono::minutes patience) const {
    std::vector<std::string> names;
    for (const auto& [id, persona] : personas_) {
        if (persona.next_due + patience < now() && may_be_taken(persona, false, std::nullopt)) {
            names.push_back(persona.name);
        }
    }
    return names;
}

void AuthService::delete_persona(const std::string& id) {
    KnownPersona& persona = personas_.at(id);
    persona.deleted = true;
    for (auto& [visit_id, visit] : visits_) {
        if (visit.persona == id && visit.running()) end(visit, "deleted");
    }
}

Reply AuthService::serve(const base::HttpRequest& request, Caller caller) {
    std::string path = path_of(request);
    if (profile_.sabotage == Sabotage::mishears_paths && path.ends_with("/finish")) path += "ed";
    const std::vector<std::string_view> parts = base::split(path, '/');
    const Json body =
        request.body.empty() ? Json() : base::parse_json(request.body.text(), "request");
    if (path.starts_with("/api/v1/internal/") && header_of(request, "x-service-key") != "key") {
        return auth_refusal(401, "no service key");
    }
    if (path == "/api/v1/internal/runners/heartbeat") return heartbeat(body, caller);
    if (path == "/api/v1/internal/personas/due") return claim(body);
    if (path.starts_with("/api/v1/internal/personas/") && path.ends_with("/actions")) {
        return actions(std::string(parts[5]), body);
    }
    if (path.starts_with("/api/v1/internal/personas/") && path.ends_with("/feedback")) {
        return feedback(std::string(parts[5]), body);
    }
    if (path.starts_with("/api/v1/internal/visits/") && path.ends_with("/finish")) {
        return finish(std::string(parts[5]), body);
    }
    if (path == "/api/v1/auth/login") return log_in(body);
    if (path == "/api/v1/auth/refresh") return refresh(body);
    if (path == "/api/auth/organization/list") return spaces(request);
    referee_.fail(Invariant::nothing_unknown, request.method + " " + path);
    return auth_refusal(404, "no such call");
}

// --- runners ------------------------------------------------------------------------------------

void AuthService::reap() {
    for (auto& [id, runner] : runners_) {
        if (!runner.dead && runner.lease_until < now()) {
            runner.dead = true;
            trace_.add("auth: {} is dead", id);
        }
    }
    for (auto& [id, visit] : visits_) {
        if (!visit.running()) continue;
        const auto runner = runners_.find(visit.runner);
        const bool gone = runner == runners_.end() || runner->second.dead;
        if (!gone && visit.deadline + deadline_grace >= now()) continue;
        if (profile_.sabotage == Sabotage::forgets_ends && !visit.end_text.empty()) continue;
        visit.crashed = gone;
        end(visit, "lost");
        settle(visit, !visit.actions.empty());
    }
}

Reply AuthService::heartbeat(const Json& body, Caller caller) {
    reap();
    const std::string id = body.at("runnerId");
    const std::string node = body.at("node");
    std::chrono::seconds lease{body.at("leaseSeconds").get<std::int64_t>()};
    if (profile_.sabotage == Sabotage::short_leases) lease /= 12;
    const auto known = runners_.find(id);
    if (known != runners_.end()) {
        if (known->second.dead) return auth_refusal(410, "this runner is dead", "GONE");
        known->second.lease_until = now() + lease;
        return Reply::json({{"ok", true}});
    }
    for (auto& [other, runner] : runners_) {
        if (runner.node == node && !runner.dead) {
            runner.dead = true;
            trace_.add("auth: {} is dead, its node has a new runner", other);
        }
    }
    runners_[id] = {.id = id, .node = node, .caller = caller, .lease_until = now() + lease};
    trace_.add("auth: runner {} of {} registered", id, node);
    reap();
    return Reply::json({{"ok", true}});
}

// --- visits -------------------------------------------------------------------------------------

bool AuthService::may_be_taken(const KnownPersona& persona, bool everybody,
                               const std::optional<base::Moment>& idle_since) const {
    if (persona.deleted) return false;
    if (is_held(persona) && profile_.sabotage != Sabotage::ignores_holds) return false;
    if (profile_.sabotage != Sabotage::two_visits_at_once && running_visit_of(persona.id)) {
        return false;
    }
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

void AuthService::take(KnownPersona& persona, const std::string& runner,
                       std::vector<std::string>& taken, bool everybody) {
    if (!everybody && persona.not_before && now() < *persona.not_before) {
        referee_.fail(Invariant::not_due_at_once,
                      persona.name + " is taken again at once after a day that went wrong");
    }
    persona.not_before.reset();
    KnownVisit visit;
    visit.id = dice_.random().uuid();
    visit.persona = persona.id;
    visit.runner = runner;
    visit.started_at = now();
    visit.deadline = now() + profile_.visit_max;
    const bool is_late = persona.retry_slot || persona.next_due <= now();
    if (persona.retry_slot) {
        visit.slot = *persona.retry_slot;
        visit.attempt = persona.retry_attempt;
    } else {
        const bool early = profile_.sabotage == Sabotage::takes_early && !everybody;
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
    trace_.add("auth: visit {} of {} attempt {}", visit.id, persona.name, visit.attempt);
    taken.push_back(visit.id);
    const auto [place, fresh] = visits_.emplace(visit.id, std::move(visit));
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
        visits.push_back({{"tickId", id},
                          {"attempt", visit.attempt},
                          {"deadline", base::to_iso(visit.deadline)},
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
    const std::string runner = body.at("runnerId");
    if (!is_alive(runner)) return auth_refusal(410, "this runner is dead", "GONE");
    const auto [memory, fresh] =
        claims_.try_emplace({runner, body.at("requestId").get<std::string>()});
    if (!fresh) return Reply::json(claimed(memory->second));
    const bool everybody = body.contains("due");
    std::optional<base::Moment> idle_since;
    if (body.contains("idleSince")) {
        idle_since = base::from_iso(body.at("idleSince").get<std::string>());
    }
    std::vector<KnownPersona*> candidates;
    for (auto& [id, persona] : personas_) {
        if (!may_be_taken(persona, everybody, idle_since)) continue;
        if (persona.retry_slot && has_lived(persona, *persona.retry_slot)) {
            // The rows of a lost attempt arrived meanwhile: it was her day.
            persona.next_due = persona.following_slot.value_or(now());
            persona.retry_slot.reset();
            persona.following_slot.reset();
            if (!may_be_taken(persona, everybody, idle_since)) continue;
        }
        candidates.push_back(&persona);
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const KnownPersona* left, const KnownPersona* right) {
                  return std::tie(left->next_due, left->id) < std::tie(right->next_due, right->id);
              });
    const auto limit = body.at("limit").get<std::size_t>();
    if (candidates.size() > limit) candidates.resize(limit);
    for (KnownPersona* persona : candidates) take(*persona, runner, memory->second, everybody);
    return Reply::json(claimed(memory->second));
}

void AuthService::end(KnownVisit& visit, const std::string& status) {
    trace_.add("auth: visit {} {}", visit.id, status);
    visit.status = status;
    visit.ended_at = now();
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

// --- holds --------------------------------------------------------------------------------------

bool AuthService::is_held(const KnownPersona& persona) const {
    return all_paused_ || persona.paused || persona.quarantined;
}

void AuthService::pause(const std::string& id) {
    (id.empty() ? all_paused_ : personas_.at(id).paused) = true;
}

void AuthService::resume(const std::string& id) {
    (id.empty() ? all_paused_ : personas_.at(id).paused) = false;
}

std::vector<std::string> AuthService::release_quarantined() {
    std::vector<std::string> released;
    for (auto& [id, persona] : personas_) {
        if (!std::exchange(persona.quarantined, false)) continue;
        persona.crashes.clear();
        released.push_back(id);
    }
    return released;
}

// --- rows ---------------------------------------------------------------------------------------

// A slot that was lived was not given up, whenever that is known.
void AuthService::note_late_row(const KnownVisit& visit) {
    if (visit.running()) return;
    KnownPersona& persona = personas_.at(visit.persona);
    persona.last_active =
        std::max(persona.last_active.value_or(visit.started_at), visit.started_at);
    std::erase_if(ledger_, [&](const SkippedSlot& skipped) {
        return skipped.persona == visit.persona && skipped.slot == visit.slot;
    });
}

Reply AuthService::actions(const std::string& persona, const Json& body) {
    if (!personas_.contains(persona) || personas_.at(persona).deleted) {
        return auth_refusal(404, "Persona not found", "persona_unknown");
    }
    int known = 0, differing = 0, all = 0;
    for (const Json& row : body.at("actions")) {
        ++all;
        const auto visit = visits_.find(row.at("tickId").get<std::string>());
        if (visit == visits_.end() || visit->second.persona != persona) {
            referee_.fail(Invariant::nothing_unknown, "an action row of a visit that is not hers");
            return auth_refusal(400, "unknown visit");
        }
        const int seq = row.at("seq");
        if (profile_.sabotage == Sabotage::forgets_rows && seq == 2) continue;
        if (profile_.sabotage == Sabotage::refuses_for_ever) return auth_refusal(503, "never");
        const auto [place, fresh] = visit->second.actions.emplace(seq, row);
        if (fresh) {
            trace_.add("auth: row {}/{} {} {}", visit->first, seq,
                       row.at("toolName").get<std::string>(), row.at("outcome").get<std::string>());
            note_late_row(visit->second);
            continue;
        }
        ++known;
        if (place->second != row) ++differing;
    }
    return Reply::json({{"ok", true},
                        {"written", all},
                        {"inserted", all - known},
                        {"known", known},
                        {"differing", differing}});
}

Reply AuthService::feedback(const std::string& persona, const Json& body) {
    if (!personas_.contains(persona) || personas_.at(persona).deleted) {
        return auth_refusal(404, "Persona not found", "persona_unknown");
    }
    int known = 0, differing = 0, all = 0;
    for (const Json& row : body.at("feedback")) {
        ++all;
        const auto visit = visits_.find(row.at("tickId").get<std::string>());
        if (visit == visits_.end() || visit->second.persona != persona) {
            referee_.fail(Invariant::nothing_unknown, "a rating of a visit that is not hers");
            return auth_refusal(400, "unknown visit");
        }
        const bool rated = row.at("status") == "rated";
        if (rated != has_score(row) || (!rated && !row.at("rating").is_null())) {
            referee_.fail(Invariant::ratings_are_answers,
                          "a rating with status " + base::to_text(row));
            return auth_refusal(400, "status and rating contradict each other");
        }
        const auto [place, fresh] =
            visit->second.ratings.emplace(row.at("module").get<std::string>(), row);
        if (!fresh) ++known;
        if (place->second != row) ++differing;
        if (fresh) {
            trace_.add("auth: rating {} {} {}", visit->first, row.at("module").get<std::string>(),
                       row.at("status").get<std::string>());
        }
    }
    return Reply::json({{"ok", true},
                        {"written", all},
                        {"inserted", all - known},
                        {"known", known},
                        {"differing", differing}});
}

Reply AuthService::finish(const std::string& visit_id, const Json& body) {
    reap();
    const auto found = visits_.find(visit_id);
    if (found == visits_.end()) {
        referee_.fail(Invariant::nothing_unknown, "the end of a visit that nobody claimed");
        return auth_refusal(404, "no such visit", "visit_unknown");
    }
    KnownVisit& visit = found->second;
    if (visit.status == "deleted") return auth_refusal(404, "no such visit", "visit_unknown");
    const std::string text = base::to_text(body);
    const bool lost = visit.status == "lost";
    if (!visit.end_text.empty()) {
        return Reply::json(
            {{"ok", true}, {"applied", !lost}, {"differing", text != visit.end_text}});
    }
    const Json& counts = body.at("counts");
    const bool whole = visit.actions.size() >= counts.at("actions").get<std::size_t>() &&
                       visit.ratings.size() >= counts.at("ratings").get<std::size_t>();
    if (!whole && profile_.sabotage != Sabotage::forgets_rows) {
        trace_.add("auth: end of {} is incomplete", visit_id);
        return auth_refusal(409, "rows are missing", "incomplete");
    }
    if (profile_.sabotage != Sabotage::loses_end_texts) visit.end_text = text;
    if (lost) return Reply::json({{"ok", true}, {"applied", false}});
    if (profile_.sabotage == Sabotage::forgets_ends) return Reply::json({{"ok", true}});
    const bool acted = !visit.actions.empty();
    const std::string said = body.at("status");
    const bool handed_back = body.value("handedBack", false) && !acted;
    end(visit, said == "finished" ? said : acted ? "partial" : "failed");
    if (handed_back) {
        visit.handed_back = true;
        try_again(personas_.at(visit.persona), visit, now(), visit.attempt);
    } else {
        settle(visit, said == "finished" || acted);
    }
    if (profile_.sabotage == Sabotage::ends_twice) end(visit, "lost");
    return Reply::json({{"ok", true}, {"applied", true}});
}

// --- logins -------------------------------------------------------------------------------------

KnownPersona* AuthService::persona_of_email(const std::string& email) {
    for (auto& [id, persona] : personas_) {
        if (persona.email == email && !persona.deleted) return &persona;
    }
    return nullptr;
}

std::string AuthService::access_token(const std::string& persona) const {
    const auto until =
        std::chrono::floor<std::chrono::seconds>(now() + profile_.token_life).time_since_epoch();
    const Json claims{{"sub", persona}, {"exp", until.count()}};
    return "head." + base::to_base64url(base::to_text(claims)) + ".sign";
}

AuthService::Token AuthService::token(const std::string& bearer) const {
    const std::vector<std::string_view> parts = base::split(bearer, '.');
    if (parts.size() != 3) return {};
    const auto claims = base::try_parse_json(base::from_base64url(parts[1]).value_or(""));
    if (!claims) return {};
    const base::Moment until{std::chrono::seconds{claims->at("exp").get<std::int64_t>()}};
    return {claims->at("sub"), now() < until};
}

Json AuthService::login_answer(const KnownPersona& persona) const {
    const std::string session = "session-" + persona.id;
    return Json{{"user", {{"id", persona.id}, {"email", persona.email}}},
                {"token", session},
                {"refreshToken", session},
                {"accessToken", access_token(persona.id)}};
}

Reply AuthService::log_in(const Json& body) {
    const KnownPersona* persona = persona_of_email(body.at("email"));
    if (!persona) return auth_refusal(401, "wrong address or password");
    return Reply::json(login_answer(*persona));
}

Reply AuthService::refresh(const Json& body) {
    const std::string session = body.at("refreshToken");
    const std::string id = session.substr(std::min<std::size_t>(8, session.size()));
    const auto found = personas_.find(id);
    if (found == personas_.end() || found->second.deleted) return auth_refusal(401, "no session");
    return Reply::json(login_answer(found->second));
}

Reply AuthService::spaces(const base::HttpRequest& request) {
    std::string bearer = header_of(request, "authorization");
    bearer.erase(0, std::min<std::size_t>(7, bearer.size()));
    const Token owner = token(bearer);
    if (!owner.valid) return auth_refusal(401, "the token is over");
    return Reply::json(Json::array({{{"id", "space-" + owner.persona},
                                     {"name", owner.persona},
                                     {"slug", owner.persona},
                                     {"metadata", {{"type", "personal"}}}}}));
}

}  // namespace simulation
