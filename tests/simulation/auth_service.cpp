#include "tests/simulation/auth_service.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "catalog/password.hpp"

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

}  // namespace

Reply auth_refusal(int status, const std::string& why, const std::string& code) {
    Json body{{"error", why}};
    if (!code.empty()) body["code"] = code;
    return Reply::json(body, status);
}

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
    return moment_at(clock_.steady());
}

base::Moment AuthService::moment_at(base::Steady steady) const {
    // Its own wall clock, that nobody steps.
    const auto passed =
        std::chrono::floor<std::chrono::microseconds>(steady - base::Steady{std::chrono::hours{1}});
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
    news_.personas.push_back(id);
}

Reply AuthService::serve(const base::HttpRequest& request, Caller caller) {
    std::string path = path_of(request);
    if (profile_.sabotage == Sabotage::mishears_paths && path.ends_with("/finish")) path += "ed";
    const std::vector<std::string_view> parts = base::split(path, '/');
    const Json body =
        request.body.empty() ? Json() : base::parse_json(request.body.text(), "request");
    if (path.starts_with("/api/v1/internal/") && header_of(request, "x-service-key") != "key") {
        referee_.fail(Invariant::writers_are_proven, "no service key with " + path);
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
        return finish(std::string(parts[5]), body, caller);
    }
    if (path == "/api/v1/auth/login") return log_in(body);
    if (path == "/api/v1/auth/refresh") return refresh(body);
    if (path == "/api/auth/organization/list") return spaces(request);
    referee_.fail(Invariant::nothing_unknown, request.method + " " + path);
    return auth_refusal(404, "no such call");
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
        news_.personas.push_back(id);
        released.push_back(id);
    }
    return released;
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
    const bool loses = profile_.sabotage == Sabotage::loses_sessions;
    const std::string session = (loses ? "sitting-" : "session-") + persona.id;
    const bool confused = profile_.sabotage == Sabotage::confuses_tokens;
    const std::string& holder = confused ? personas_.begin()->first : persona.id;
    return Json{{"user", {{"id", persona.id}, {"email", persona.email}}},
                {"token", session},
                {"refreshToken", session},
                {"accessToken", access_token(holder)}};
}

Reply AuthService::log_in(const Json& body) {
    const std::string email = body.at("email");
    const bool mistakes = profile_.sabotage == Sabotage::mistakes_passwords;
    const base::Secret secret{mistakes ? "another" : "seed"};
    const base::Secret password = catalog::password_of(email, secret);
    if (body.at("password") != password.reveal()) {
        referee_.fail(Invariant::writers_are_proven, email + " comes with a wrong password");
        return auth_refusal(401, "wrong address or password");
    }
    const KnownPersona* persona = persona_of_email(email);
    if (!persona) return auth_refusal(401, "wrong address or password");
    return Reply::json(login_answer(*persona));
}

Reply AuthService::refresh(const Json& body) {
    const std::string session = body.at("refreshToken");
    const std::string id = session.substr(std::min<std::size_t>(8, session.size()));
    const auto found = personas_.find(id);
    if (found == personas_.end() || !session.starts_with("session-")) {
        referee_.fail(Invariant::writers_are_proven, "a session that nobody was given");
        return auth_refusal(401, "no session");
    }
    if (found->second.deleted) return auth_refusal(401, "no session");
    return Reply::json(login_answer(found->second));
}

Reply AuthService::spaces(const base::HttpRequest& request) {
    std::string bearer = header_of(request, "authorization");
    bearer.erase(0, std::min<std::size_t>(7, bearer.size()));
    const Token owner = token(bearer);
    if (owner.persona.empty()) {
        referee_.fail(Invariant::writers_are_proven, "spaces are asked for without a token");
    }
    if (!owner.valid) return auth_refusal(401, "the token is over");
    return Reply::json(Json::array({{{"id", "space-" + owner.persona},
                                     {"name", owner.persona},
                                     {"slug", owner.persona},
                                     {"metadata", {{"type", "personal"}}}}}));
}

}  // namespace simulation
