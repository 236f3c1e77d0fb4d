// What runners tell of visits: rows, and how they ended.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/auth_service.hpp"

namespace simulation {

namespace {

using base::Json;

constexpr std::size_t action_rows_max = 500, rating_rows_max = 100;  // Of one request.

bool has_score(const Json& row) {
    const auto score = row.find("rating");
    return score != row.end() && score->is_number_integer() && *score >= 1 && *score <= 5;
}

// The member that is longer than the contract allows; empty: none is.
std::string too_long_in(const Json& row) {
    constexpr std::pair<const char*, std::size_t> limits[] = {
        {"module", 64},   {"toolName", 128}, {"inputHash", 128}, {"errorMessage", 1'000},
        {"notes", 2'000}, {"reason", 1'000}, {"summary", 4'000}, {"model", 128}};
    for (const auto& [name, most] : limits) {
        const auto member = row.find(name);
        if (member == row.end() || !member->is_string()) continue;
        if (member->get_ref<const std::string&>().size() > most) return name;
    }
    return {};
}

}  // namespace

void AuthService::check_sizes(const Json& rows, std::size_t rows_max) {
    if (rows.size() > rows_max) {
        referee_.fail(Invariant::nothing_unbounded, fmt::format("{} rows at once", rows.size()));
    }
    for (const Json& row : rows) {
        const std::string name = too_long_in(row);
        if (!name.empty()) {
            referee_.fail(Invariant::nothing_unbounded, "a row whose " + name + " is too long");
        }
    }
}

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
    const bool disowns = profile_.sabotage == Sabotage::disowns_personas;
    if (disowns || !personas_.contains(persona) || personas_.at(persona).deleted) {
        return auth_refusal(404, "Persona not found", "persona_unknown");
    }
    Json rows = body.at("actions");
    for (Json& row : rows) {
        const bool pads = profile_.sabotage == Sabotage::hears_long_rows;
        if (profile_.sabotage == Sabotage::hears_strange_rows) row["tickId"] = "nobody's";
        if (pads) row["errorMessage"] = row.value("errorMessage", "") + std::string(1'001, '.');
    }
    if (profile_.sabotage == Sabotage::hears_many_rows) rows.insert(rows.end(), 501, Json(rows[0]));
    check_sizes(rows, action_rows_max);
    int known = 0, differing = 0, all = 0;
    for (const Json& row : rows) {
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
            news_.rows.emplace_back(visit->first, seq);
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
    Json rows = body.at("feedback");
    for (Json& row : rows) {
        if (profile_.sabotage == Sabotage::loses_evidence) row.erase("evidence");
        if (profile_.sabotage == Sabotage::loses_scores) row["rating"] = nullptr;
        if (profile_.sabotage == Sabotage::hears_strange_ratings) row["tickId"] = "nobody's";
    }
    check_sizes(rows, rating_rows_max);
    int known = 0, differing = 0, all = 0;
    for (const Json& row : rows) {
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
            news_.ratings.emplace_back(visit->first, place->first);
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

void AuthService::hear_end(KnownVisit& visit, const Json& body, Caller caller) {
    if (profile_.sabotage == Sabotage::loses_end_texts) return;
    visit.end_text = base::to_text(body);
    visit.said_status = body.at("status");
    visit.reason = body.value("reason", "");
    visit.source = body.value("errorSource", "");
    visit.told_usd = body.at("costUsd").is_number() ? body.at("costUsd").get<double>() : 0;
    visit.told_by = caller;
    visit.told_at = now();
    if (profile_.sabotage == Sabotage::loses_sources) visit.source.clear();
    if (profile_.sabotage == Sabotage::invents_sources) visit.source = "infra";
    const bool failed = visit.said_status != "finished";
    if (profile_.sabotage == Sabotage::hears_other_waits && failed) visit.reason = "login: no";
    if (profile_.sabotage == Sabotage::hears_lost_leases && failed) visit.reason = "no heartbeat";
    if (profile_.sabotage == Sabotage::blames_another && !visit.source.empty()) {
        visit.source = visit.source == "model" ? "product" : "model";
    }
    news_.told.push_back(visit.id);
}

Reply AuthService::finish(const std::string& visit_id, const Json& body, Caller caller) {
    reap();
    check_sizes(Json::array({body}), 1);
    const bool mishears = profile_.sabotage == Sabotage::hears_strange_ends;
    const auto found = visits_.find(mishears ? "nobody's" : visit_id);
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
    hear_end(visit, body, caller);
    if (lost) return Reply::json({{"ok", true}, {"applied", false}});
    if (profile_.sabotage == Sabotage::forgets_ends) return Reply::json({{"ok", true}});
    const bool acted = !visit.actions.empty();
    const std::string said = body.at("status");
    const bool handed_back = body.value("handedBack", false) && !acted;
    end(visit, said == "finished" ? said : acted ? "partial" : "failed");
    if (handed_back) {
        visit.handed_back = true;
        const auto told = body.contains("notBefore")
                              ? base::from_iso(body.at("notBefore").get<std::string>())
                              : std::nullopt;
        try_again(personas_.at(visit.persona), visit, std::max(now(), told.value_or(now())),
                  visit.attempt);
    } else {
        settle(visit, said == "finished" || acted);
    }
    if (profile_.sabotage == Sabotage::ends_twice) end(visit, "lost");
    return Reply::json({{"ok", true}, {"applied", true}});
}

}  // namespace simulation
