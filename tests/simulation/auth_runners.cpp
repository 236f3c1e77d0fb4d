// Runners: their heartbeats, their deaths, and the day's money that each of them may hold.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/auth_service.hpp"

namespace simulation {

namespace {

using base::Json;

constexpr std::chrono::minutes deadline_grace{5};

}  // namespace

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
        return beat_answer(known->second, body);
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
    return beat_answer(runners_.at(id), body);
}

Reply AuthService::beat_answer(KnownRunner& runner, const Json& body) {
    runner.heartbeat_at = now();
    Json answer{{"ok", true}};
    if (body.contains("spending")) share_out(runner, body.at("spending"), answer);
    return Reply::json(answer);
}

// --- the day's money ----------------------------------------------------------------------------

double AuthService::spent_by(const std::string& persona,
                             const std::optional<base::Moment>& since) const {
    double usd = 0;
    for (const auto& [id, visit] : visits_) {
        const bool counts = since && visit.persona == persona && visit.started_at >= *since;
        if (counts) usd += visit.told_usd;
    }
    return usd;
}

// What a runner's visits have told of since then, and of that what came after its last heartbeat.
AuthService::Told AuthService::told_of(const KnownRunner& runner, base::Moment since) const {
    Told told;
    for (const auto& [id, visit] : visits_) {
        if (visit.runner != runner.id || visit.started_at < since) continue;
        told.usd += visit.told_usd;
        if (visit.told_at > runner.heartbeat_at) told.usd_after += visit.told_usd;
    }
    return told;
}

// What a dead one held counts until the next one of its node has said what was left to it.
double AuthService::held_by(const KnownRunner& runner, base::Moment since) const {
    if (runner.open_since < since) return 0;
    if (!runner.dead) return runner.open_usd;
    const bool is_succeeded = std::any_of(runners_.begin(), runners_.end(), [&](const auto& item) {
        const KnownRunner& next = item.second;
        return next.node == runner.node && !next.dead && next.open_since >= since;
    });
    if (is_succeeded) return 0;
    return std::max(0.0, runner.open_usd - told_of(runner, since).usd_after);
}

void AuthService::share_out(KnownRunner& runner, const Json& spending, Json& answer) {
    const base::Moment since =
        base::from_iso(spending.at("since").get<std::string>()).value_or(base::Moment{});
    const double open = spending.at("openUsd");
    const int number = spending.value("number", 0);
    const bool is_newest = number == 0 || number > runner.open_number;
    if (is_newest) {
        runner.open_usd = open;
        runner.open_since = since;
        runner.open_number = number;
    }
    double elsewhere = 0;
    for (const auto& [id, other] : runners_) {
        if (id != runner.id) elsewhere += told_of(other, since).usd + held_by(other, since);
    }
    if (profile_.sabotage == Sabotage::grants_to_each) elsewhere = 0;
    answer["spentElsewhereUsd"] = elsewhere;
    if (!spending.contains("limitUsd") || !is_newest) return;
    const double left =
        spending.at("limitUsd").get<double>() - elsewhere - told_of(runner, since).usd;
    const double wanted = std::max(spending.at("wantUsd").get<double>(), open);
    runner.open_usd = std::max(open, std::min(wanted, left));
    answer["grantedUsd"] = runner.open_usd;
}

}  // namespace simulation
