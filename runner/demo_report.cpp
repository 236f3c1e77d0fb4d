#include "runner/demo_report.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

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

using ReportCells = std::vector<std::string>;

struct ReportColumn {
    std::string heading, short_heading;
    bool is_text = false;  // Stands at the left of its column; numbers at the right.
    int dispensable = 0;   // The highest goes first where there is no room; 0 stays.
    ReportCells cells = {};
};

std::size_t column_width(const ReportColumn& column) {
    std::size_t width = base::characters(column.heading);
    for (const std::string& cell : column.cells) width = std::max(width, base::characters(cell));
    return width;
}

std::size_t table_width(const std::vector<ReportColumn>& table, std::size_t gap) {
    std::size_t width = gap * (table.size() - 1);
    for (const ReportColumn& column : table) width += column_width(column);
    return width;
}

// Makes the table fit; answers the gap between columns. What is left out is named in `missing`.
std::size_t fit_table(std::vector<ReportColumn>& table, std::size_t columns, ReportCells& missing) {
    constexpr std::size_t wide_gap = 2, narrow_gap = 1;
    if (columns == 0 || table_width(table, wide_gap) <= columns) return wide_gap;
    for (ReportColumn& column : table) column.heading = column.short_heading;
    if (table_width(table, wide_gap) <= columns) return wide_gap;
    for (;;) {
        const std::size_t width = table_width(table, narrow_gap);
        if (width <= columns) break;
        const auto first = std::ranges::max_element(table, {}, &ReportColumn::dispensable);
        if (first->dispensable == 0) break;
        const std::size_t own = column_width(*first), over = width - columns;
        if (first->is_text && own >= base::characters(first->heading) + over) {
            for (std::string& cell : first->cells) cell = base::cut_characters(cell, own - over);
            break;
        }
        missing.push_back(first->heading);
        table.erase(first);
    }
    return narrow_gap;
}

std::string table_text(std::vector<ReportColumn> table, std::size_t columns) {
    ReportCells missing;
    const std::string gap(fit_table(table, columns, missing), ' ');
    const auto line_of = [&](const auto& cell_of) {
        std::string line;
        for (const ReportColumn& column : table) {
            const std::string cell = cell_of(column);
            const std::string pad(column_width(column) - base::characters(cell), ' ');
            line += (line.empty() ? "" : gap) + (column.is_text ? cell + pad : pad + cell);
        }
        return line + "\n";
    };
    std::string text = line_of([](const ReportColumn& column) { return column.heading; });
    text += std::string(table_width(table, gap.size()), '-') + "\n";
    for (std::size_t i = 0; i < table.front().cells.size(); ++i) {
        text += line_of([i](const ReportColumn& column) { return column.cells[i]; });
    }
    if (!missing.empty()) {
        text += base::cut_characters(fmt::format("(too narrow for: {})", fmt::join(missing, ", ")),
                                     columns) +
                "\n";
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

std::string day_tables(const Json& day, std::size_t columns) {
    std::vector<ReportColumn> personas{
        {"persona", "persona", true},  {"archetype", "archetype", true, 9},
        {"status", "status", true, 4}, {"calls ok/error", "ok/err"},
        {"modules", "mods", false, 6}, {"ratings", "rate", false, 3},
        {"turns", "turn", false, 5},   {"tokens in", "in", false, 7},
        {"out", "out", false, 8},      {"cost $", "cost $", false, 1},
        {"seconds", "sec", false, 2}};
    for (const Json& visit : day.at("personas")) {
        const std::int64_t errors = visit.at("toolCallsError").get<std::int64_t>() +
                                    visit.at("toolCallsUnknown").get<std::int64_t>();
        const ReportCells cells{cell_text(visit.at("persona")),
                                cell_text(visit.at("archetype")),
                                cell_text(visit.at("status")),
                                fmt::format("{}/{}", cell_text(visit.at("toolCallsOk")), errors),
                                cell_text(visit.at("modules")),
                                cell_text(visit.at("ratings")),
                                cell_text(visit.at("turns")),
                                cell_text(visit.at("tokensIn")),
                                cell_text(visit.at("tokensOut")),
                                cost_text(visit),
                                cell_text(visit.at("seconds"), 1)};
        for (std::size_t i = 0; i < cells.size(); ++i) personas[i].cells.push_back(cells[i]);
    }
    std::vector<ReportColumn> modules{
        {"module", "module", true},       {"n", "n"},
        {"mean rating", "mean rating"},   {"unparsed", "unparsed", false, 3},
        {"refused", "refused", false, 2}, {"missing", "missing", false, 1}};
    for (const Json& module : day.at("modules")) {
        const ReportCells cells{
            cell_text(module.at("module")),        cell_text(module.at("n")),
            cell_text(module.at("meanRating"), 2), cell_text(module.at("unparsed")),
            cell_text(module.at("refused")),       cell_text(module.at("missing"))};
        for (std::size_t i = 0; i < cells.size(); ++i) modules[i].cells.push_back(cells[i]);
    }
    return table_text(std::move(personas), columns) + "\n" +
           table_text(std::move(modules), columns);
}

}  // namespace runner
