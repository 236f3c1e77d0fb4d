// Rows, ratings and ends against what was really done and said.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/checks.hpp"

namespace simulation {

// rows(ok|error) within committed within rows(ok|error|unknown): the right half is checked when the
// end is told, the left half here. An error row that is no answer of the product says "not run".
// The module is the one that the product's tool belongs to.
void Checks::check_row(const KnownVisit& visit, int seq) {
    if (is_excused(visit)) return;
    const base::Json& row = visit.actions.at(seq);
    const auto call = parts_.product.committed().find({visit.id, seq});
    const bool executed = call != parts_.product.committed().end();
    const std::string outcome = row.at("outcome"), tool = row.at("toolName");
    const auto name = [&] { return fmt::format("row {}/{} is {}", visit.id, seq, outcome); };
    if (outcome == "ok" && !executed) {
        parts_.referee.fail(Invariant::rows_match_calls, name() + ", the call was never executed");
    }
    const std::string said = row.value("errorMessage", "");
    const bool says_executed = said.starts_with(Product::error_text);
    if (outcome == "error" && says_executed != executed) {
        parts_.referee.fail(
            Invariant::rows_match_calls,
            fmt::format("{} ({}), the call was {}executed", name(), said, executed ? "" : "not "));
    }
    if (!executed) return;
    const OfferedTool* known = parts_.product.tool(call->second.tool);
    if (known == nullptr || known->name != tool || row.at("module") != known->module) {
        parts_.referee.fail(Invariant::names_map_both_ways,
                            fmt::format("{} for {} in {}", name(), tool, row.value("module", "")));
    }
}

// The end is told: by then every executed call has its row, the question for ratings told of the
// same actions, and the failure is whose it is.
void Checks::check_told(const KnownVisit& visit) {
    parts_.money.told(visit);
    if (is_excused(visit)) return;
    parts_.blame.check(visit);
    const auto& committed = parts_.product.committed();
    auto call = committed.lower_bound({visit.id, 0});
    for (; call != committed.end() && call->first.first == visit.id; ++call) {
        if (visit.actions.contains(call->first.second)) continue;
        parts_.referee.fail(Invariant::rows_match_calls,
                            fmt::format("call {}/{} was executed, visit ended without its row",
                                        visit.id, call->first.second));
    }
    check_digest(visit);
}

void Checks::check_digest(const KnownVisit& visit) {
    const Talks::Day* day = parts_.talks.day(visit.id);
    if (day == nullptr || day->digest.empty()) return;
    const std::map<std::string, std::string> words{
        {"ok", "gelungen"}, {"error", "Fehler"}, {"unknown", "keine Antwort"}};
    const bool same =
        day->digest.size() == visit.actions.size() &&
        std::all_of(visit.actions.begin(), visit.actions.end(), [&](const auto& action) {
            const auto& [seq, row] = action;
            if (seq < 1 || static_cast<std::size_t>(seq) > day->digest.size()) return false;
            const Talks::Line& line = day->digest[static_cast<std::size_t>(seq - 1)];
            return row.at("toolName") == line.tool && row.at("module") == line.module &&
                   words.at(row.at("outcome")) == line.outcome;
        });
    if (!same) {
        parts_.referee.fail(Invariant::ratings_remember,
                            "the rows of visit " + visit.id + " are not what its rating was told");
    }
}

// Status, score and evidence are what one reply of the model said about that visit.
void Checks::check_rating(const KnownVisit& visit, const std::string& module) {
    if (is_excused(visit)) return;
    const base::Json& row = visit.ratings.at(module);
    const std::string status = row.at("status");
    if (status != "rated" && status != "refused") return;
    const std::vector<GivenScores>& given = parts_.model.given(visit.id);
    const auto said = std::find_if(given.begin(), given.end(), [&](const GivenScores& one) {
        if (status == "refused") return one.refused;
        const auto score = one.scores.find(module);
        return score != one.scores.end() && row.at("rating") == score->second;
    });
    if (said == given.end()) {
        parts_.referee.fail(
            Invariant::ratings_are_answers,
            fmt::format("{} in visit {} was never said: {}", module, visit.id, base::to_text(row)));
        return;
    }
    if (status != "rated") return;
    const auto evidence = row.value("evidence", std::vector<int>{});
    const bool named = std::any_of(said, given.end(), [&](const GivenScores& one) {
        const auto known = one.evidence.find(module);
        return known != one.evidence.end() && known->second == evidence;
    });
    if (!named) {
        parts_.referee.fail(Invariant::ratings_remember,
                            fmt::format("{} in visit {} rests on other actions than were named: {}",
                                        module, visit.id, base::to_text(row)));
    }
}

}  // namespace simulation
