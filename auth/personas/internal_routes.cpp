#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/personas/database_time.hpp"
#include "auth/personas/personas.hpp"
#include "auth/personas/records.hpp"
#include "auth/personas/routes.hpp"
#include "auth/personas/runners.hpp"
#include "auth/personas/spending.hpp"
#include "base/failure.hpp"
#include "base/metrics.hpp"

namespace auth {

namespace {

constexpr std::size_t runner_id_bytes_max = 128;

base::ServerResponse runner_is_dead() {
    return base::ServerResponse::json(
        {{"error",
          "this runner is unknown or its lease ran out; drop its visits and register under a new "
          "runnerId by heartbeat"},
         {"code", "RUNNER_DEAD"}},
        410);
}

base::Json claimed_json(const ClaimedVisit& visit) {
    base::Json json = base::Json::object();
    json["tickId"] = visit.visit_id;
    json["attempt"] = visit.attempt;
    json["slot"] = base::to_iso(visit.slot);
    json["startedAt"] = base::to_iso(visit.started_at);
    json["deadline"] = base::to_iso(visit.deadline);
    json["persona"] = catalog::to_json(visit.persona);
    return json;
}

base::ServerResponse stored_response(const Stored& stored) {
    base::Json json = base::Json::object();
    json["ok"] = true;
    json["written"] = stored.written;
    json["inserted"] = stored.inserted;
    json["known"] = stored.known;
    json["differing"] = stored.differing;
    return base::ServerResponse::json(json);
}

// Reads a batch. That its persona is unknown counts before what is wrong with her rows, but only a
// wrong batch needs a look of its own: storing finds it out by itself.
template <class Read>
auto read_batch(Records& records, const std::string& user_id, Read read) {
    try {
        return read();
    } catch (const base::Failure&) {
        // Thrown on unless something comes before it.
        records.require_persona(user_id);
        throw;
    }
}

// The one list of a batch.
const base::Json& rows_of(const base::Json& body, std::string_view name, std::size_t rows_max) {
    const base::Fields fields(body);
    fields.only({&name, 1});
    return fields.array(name, rows_max);
}

std::optional<base::Moment> moment_or_none(const base::Fields& fields, std::string_view name) {
    const auto text = fields.text_or_none(name, 64);
    if (!text) return std::nullopt;
    const auto moment = base::from_iso(*text);
    if (!moment) fields.fail(name, "a time like 2026-11-21T09:30:00.000Z");
    return moment;
}

Claim claim_of(const base::Json& body) {
    static constexpr std::string_view all[] = {"all"};
    static constexpr std::string_view known[] = {"runnerId", "requestId", "limit",
                                                 "due",      "idleSince", "spentSince"};
    const base::Fields fields(body);
    fields.only(known);
    Claim claim;
    claim.runner_id = fields.text("runnerId", 1, runner_id_bytes_max);
    claim.request_id = fields.text("requestId", 1, runner_id_bytes_max);
    claim.limit = static_cast<int>(fields.integer("limit", 1, claim_limit_max));
    claim.everybody = fields.word_or_none("due", all).has_value();
    claim.idle_since = moment_or_none(fields, "idleSince");
    return claim;
}

// "spending" of a heartbeat: what its runner tells the others about the money of a day.
std::optional<Spending::Report> spending_of(const base::Fields& heartbeat) {
    if (!heartbeat.has("spending")) return std::nullopt;
    static constexpr std::string_view known[] = {"since", "openUsd", "wantUsd", "limitUsd",
                                                 "number"};
    constexpr double usd_max = 1e9;
    const base::Fields fields(heartbeat.object("spending"), "spending");
    fields.only(known);
    Spending::Report spending{.open_usd = fields.number("openUsd", 0, usd_max)};
    spending.limit_usd = fields.number_or_none("limitUsd", 0, usd_max);
    if (spending.limit_usd) {
        spending.want_usd = fields.number("wantUsd", 0, usd_max);
        spending.number = fields.integer("number", 1, INT64_MAX);
    }
    const auto since = moment_or_none(fields, "since");
    if (!since) fields.fail("since", "the start of the day");
    spending.since = *since;
    return spending;
}

// "spentSince": each visit says what its persona has spent since then.
void add_spent(base::Json& visits, const std::vector<ClaimedVisit>& claimed, base::Moment since,
               base::Postgres& database) {
    std::vector<std::string> user_ids;
    for (const ClaimedVisit& visit : claimed) user_ids.push_back(visit.persona.user_id);
    const std::map<std::string, double> spent = Spending(database).of_personas(user_ids, since);
    for (std::size_t i = 0; i < claimed.size(); ++i) {
        const auto found = spent.find(user_ids[i]);
        visits[i]["spentUsd"] = found == spent.end() ? 0.0 : found->second;
    }
}

}  // namespace

base::ServerResponse list_due_personas(const ServiceCaller&, const Context& context,
                                       const base::ServerRequest&) {
    const base::Moment now = context.time.now();
    Personas personas(context.database, visit_rules(context.options));
    base::Json json = base::Json::object();
    json["personas"] = base::Json::array();
    for (const catalog::Persona& persona : personas.due(now)) {
        base::Json row = catalog::to_json(persona);
        if (!persona.last_active_at) row["lastActiveAt"] = nullptr;
        json["personas"].push_back(row);
    }
    json["serverTime"] = base::to_iso(now);
    return base::ServerResponse::json(json);
}

base::ServerResponse claim_due_personas(const ServiceCaller&, const Context& context,
                                        const base::ServerRequest& request) {
    const base::Json body = request.json();
    const Claim claim = claim_of(body);
    const auto spent_since = moment_or_none(base::Fields(body), "spentSince");
    const base::Moment now = context.time.now();
    Visits visits(context.database, visit_rules(context.options));
    const auto claimed = visits.claim(claim, now);
    if (!claimed) return runner_is_dead();
    base::Json json = base::Json::object();
    json["visits"] = base::Json::array();
    for (const ClaimedVisit& visit : *claimed) json["visits"].push_back(claimed_json(visit));
    if (spent_since) add_spent(json["visits"], *claimed, *spent_since, context.database);
    json["serverTime"] = base::to_iso(now);
    return base::ServerResponse::json(json);
}

base::ServerResponse store_actions(const ServiceCaller&, const Context& context,
                                   const base::ServerRequest& request) {
    const std::string user_id = request.param("id");
    Records records(context.database, visit_rules(context.options));
    const auto actions = read_batch(records, user_id, [&] {
        const base::Json body = request.json();
        const base::Json& rows = rows_of(body, "actions", catalog::actions_per_batch_max);
        std::vector<catalog::Action> read;
        read.reserve(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            read.push_back(catalog::action_from_json(rows[i], "actions[" + std::to_string(i) + "]",
                                                     catalog::UnknownFields::refused));
        }
        return read;
    });
    return stored_response(records.store_actions(user_id, actions, context.time.now()));
}

base::ServerResponse store_feedback(const ServiceCaller&, const Context& context,
                                    const base::ServerRequest& request) {
    const std::string user_id = request.param("id");
    Records records(context.database, visit_rules(context.options));
    bool from_visits = false;
    const auto ratings = read_batch(records, user_id, [&] {
        const base::Json body = request.json();
        const base::Json& rows = rows_of(body, "feedback", catalog::ratings_per_batch_max);
        std::vector<catalog::Rating> read;
        read.reserve(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            read.push_back(catalog::rating_from_json(rows[i], "feedback[" + std::to_string(i) + "]",
                                                     catalog::UnknownFields::refused));
            from_visits = from_visits || rows[i].contains("status");
        }
        return read;
    });
    return stored_response(
        records.store_ratings(user_id, ratings, from_visits, context.time.now()));
}

base::ServerResponse heartbeat_runner(const ServiceCaller&, const Context& context,
                                      const base::ServerRequest& request) {
    const base::Json body = request.json();
    const base::Fields fields(body);
    static constexpr std::string_view known[] = {"runnerId", "node", "leaseSeconds", "spending"};
    fields.only(known);
    const Heartbeat heartbeat{.runner_id = fields.text("runnerId", 1, runner_id_bytes_max),
                              .node = fields.text("node", 1, runner_id_bytes_max),
                              .lease = std::chrono::seconds(fields.integer(
                                  "leaseSeconds", lease_seconds_min, lease_seconds_max))};
    const std::optional<Spending::Report> spending = spending_of(fields);
    const base::Moment now = context.time.now();
    Runners runners(context.database, visit_rules(context.options));
    if (runners.heartbeat(heartbeat, now) == Runners::Answer::dead) return runner_is_dead();
    base::Json json = base::Json::object();
    json["ok"] = true;
    json["leaseUntil"] = base::to_iso(now + heartbeat.lease);
    if (spending) {
        const Spending::Answer answer =
            Spending(context.database).exchange(heartbeat.runner_id, *spending);
        json["spentElsewhereUsd"] = answer.elsewhere_usd;
        if (answer.granted_usd) json["grantedUsd"] = *answer.granted_usd;
    }
    json["serverTime"] = base::to_iso(now);
    return base::ServerResponse::json(json);
}

base::ServerResponse finish_visit(const ServiceCaller&, const Context& context,
                                  const base::ServerRequest& request) {
    using Outcome = FinishAnswer::Outcome;
    const base::Json body = request.json();
    const catalog::VisitEnd end =
        catalog::visit_end_from_json(body, catalog::UnknownFields::refused);
    Visits visits(context.database, visit_rules(context.options));
    const FinishAnswer answer = visits.finish(request.param("tickId"), end, context.time.now());
    base::Json json = base::Json::object();
    switch (answer.outcome) {
        case Outcome::missing:
            throw base::Failure(base::Failure::Kind::missing,
                                "there is no such visit; its persona was deleted", "visit_unknown");
        case Outcome::incomplete:
            json["error"] = "rows of the visit are missing; deliver them, then finish again";
            json["code"] = "incomplete";
            json["missing"]["actions"] = answer.actions_missing;
            json["missing"]["ratings"] = answer.ratings_missing;
            return base::ServerResponse::json(json, 409);
        case Outcome::lost:
        case Outcome::applied:
        case Outcome::differing: break;
    }
    json["ok"] = true;
    json["applied"] = answer.outcome != Outcome::lost;
    json["status"] = answer.status;
    json["differing"] = answer.outcome == Outcome::differing;
    return base::ServerResponse::json(json);
}

}  // namespace auth
