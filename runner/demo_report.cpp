#include "runner/demo_report.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace runner {

namespace {

using base::Json;

constexpr std::string_view visits_of_the_day = R"(
    select v.visit, v.persona, v.archetype, v.status, v.turns, v.actions_ok, v.actions_error,
        v.actions_unknown, v.ratings, v.ratings_unrated, v.cost_usd, v.seconds, v.reason,
        v.tokens_input + v.tokens_cache_write + v.tokens_cache_read as tokens_in, v.tokens_output,
        (select count(distinct a.module) from ops.actions a where a.visit = v.visit) as modules
    from ops.visits v order by v.started_at, v.persona)";

constexpr std::string_view modules_of_the_day = R"(
    select module, n, mean_rating, unparsed, refused, missing
    from ops.module_ratings order by module)";

constexpr std::string_view rows_of_the_day = R"(
    select (select count(*) from ops.visits) as visits,
        (select count(*) from ops.actions) as actions,
        (select count(*) from ops.ratings) as ratings,
        (select count(*) from ops.ratings where status = 'rated') as rated,
        (select count(distinct module) from ops.actions) as modules)";

Json visit_json(const base::SqlRow& row) {
    const auto number = [&row](std::string_view column) {
        const auto value = row.integer_or_none(column);
        return value ? Json(*value) : Json();
    };
    const auto real = [&row](std::string_view column) {
        const auto value = row.number_or_none(column);
        return value ? Json(*value) : Json();
    };
    return Json{{"visit", row.text("visit")},
                {"persona", row.text("persona")},
                {"archetype", row.text("archetype")},
                {"status", row.text("status")},
                {"reason", row.text_or_none("reason").value_or("")},
                {"turns", number("turns")},
                {"toolCallsOk", number("actions_ok")},
                {"toolCallsError", number("actions_error")},
                {"toolCallsUnknown", number("actions_unknown")},
                {"modules", number("modules")},
                {"ratings", number("ratings")},
                {"ratingsWithoutScore", number("ratings_unrated")},
                {"tokensIn", number("tokens_in")},
                {"tokensOut", number("tokens_output")},
                {"costUsd", real("cost_usd")},
                {"seconds", real("seconds")}};
}

// Text of a cell; "–" for null.
std::string cell_text(const Json& value, int decimals = -1) {
    if (value.is_null()) return "–";
    if (value.is_string()) return value.get<std::string>();
    if (decimals >= 0) return fmt::format("{:.{}f}", value.get<double>(), decimals);
    return value.dump();
}

// A model without a price is unpriced, not free; a visit that has not ended has no cost yet.
std::string cost_text(const Json& visit) {
    const bool ended = !visit.at("tokensOut").is_null();
    if (ended && visit.at("costUsd").is_null()) return "unpriced";
    return cell_text(visit.at("costUsd"), 4);
}

// Characters, not bytes: names may carry umlauts.
std::size_t cell_width(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string table_text(const std::vector<std::vector<std::string>>& rows,
                       std::size_t text_columns) {
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], cell_width(row[i]));
    }
    std::string text;
    for (std::size_t line = 0; line < rows.size(); ++line) {
        for (std::size_t i = 0; i < rows[line].size(); ++i) {
            const std::string pad(widths[i] - cell_width(rows[line][i]), ' ');
            text += i < text_columns ? rows[line][i] + pad : pad + rows[line][i];
            text += i + 1 < rows[line].size() ? "  " : "\n";
        }
        if (line == 0) {
            std::size_t width = 2 * (widths.size() - 1);
            for (const std::size_t one : widths) width += one;
            text += std::string(width, '-') + "\n";
        }
    }
    return text;
}

}  // namespace

Json read_day(base::Postgres& ops) {
    return ops.transact([](base::Transaction& transaction) {
        Json day{{"personas", Json::array()}, {"modules", Json::array()}};
        for (const base::SqlRow& row : transaction.run(visits_of_the_day))
            day["personas"].push_back(visit_json(row));
        for (const base::SqlRow& row : transaction.run(modules_of_the_day)) {
            const auto mean = row.number_or_none("mean_rating");
            day["modules"].push_back({{"module", row.text("module")},
                                      {"n", row.integer("n")},
                                      {"meanRating", mean ? Json(*mean) : Json()},
                                      {"unparsed", row.integer("unparsed")},
                                      {"refused", row.integer("refused")},
                                      {"missing", row.integer("missing")}});
        }
        const base::SqlRow rows = transaction.run(rows_of_the_day)[0];
        day["rows"] = {{"persona_visits", rows.integer("visits")},
                       {"persona_actions", rows.integer("actions")},
                       {"persona_feedback", rows.integer("ratings")}};
        day["totals"] = {{"toolCalls", rows.integer("actions")},
                         {"modules", rows.integer("modules")},
                         {"ratings", rows.integer("rated")}};
        return day;
    });
}

std::string day_tables(const Json& day) {
    std::vector<std::vector<std::string>> personas{{"persona", "archetype", "status",
                                                    "calls ok/error", "modules", "ratings", "turns",
                                                    "tokens in", "out", "cost $", "seconds"}};
    for (const Json& visit : day.at("personas")) {
        const std::int64_t errors = visit.at("toolCallsError").get<std::int64_t>() +
                                    visit.at("toolCallsUnknown").get<std::int64_t>();
        personas.push_back({cell_text(visit.at("persona")), cell_text(visit.at("archetype")),
                            cell_text(visit.at("status")),
                            fmt::format("{}/{}", cell_text(visit.at("toolCallsOk")), errors),
                            cell_text(visit.at("modules")), cell_text(visit.at("ratings")),
                            cell_text(visit.at("turns")), cell_text(visit.at("tokensIn")),
                            cell_text(visit.at("tokensOut")), cost_text(visit),
                            cell_text(visit.at("seconds"), 1)});
    }
    std::vector<std::vector<std::string>> modules{
        {"module", "n", "mean rating", "unparsed", "refused", "missing"}};
    for (const Json& module : day.at("modules")) {
        modules.push_back({cell_text(module.at("module")), cell_text(module.at("n")),
                           cell_text(module.at("meanRating"), 2), cell_text(module.at("unparsed")),
                           cell_text(module.at("refused")), cell_text(module.at("missing"))});
    }
    return table_text(personas, 3) + "\n" + table_text(modules, 1);
}

}  // namespace runner
