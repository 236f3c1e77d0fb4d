#include "runner/forecast_verb.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/postgres.hpp"
#include "catalog/prices.hpp"
#include "runner/database.hpp"
#include "runner/forecast.hpp"

namespace runner {

namespace {

constexpr std::string_view past_visits = R"(
select count(*) as visits, avg(turns) as turns, avg(cost_usd) as usd from ops.visits
where status in ('finished', 'partial') and cost_usd is not null and model = $1
    and started_at > now() - interval '30 days')";

// Of the last 30 days; nothing without a database or without visits of this model in it.
std::optional<MeasuredVisits> measured_visits(const Config& config) {
    try {
        const Database database(config, Database::Use::visit);
        base::Postgres ops({.url = database.ops_url(), .connections_max = 1});
        return ops.transact([&](base::Transaction& transaction) -> std::optional<MeasuredVisits> {
            const base::SqlRow row = transaction.run(past_visits, {config.model})[0];
            if (row.integer("visits") == 0) return std::nullopt;
            return MeasuredVisits{.visits = row.integer("visits"),
                                  .turns = row.number_or_none("turns").value_or(0),
                                  .cost_usd = row.number("usd")};
        });
    } catch (const base::Failure& failure) {
        // Before the first seed there is none: then a visit is assumed, and the output says so.
        base::log_debug("no past visits", {{"reason", failure.what()}});
    }
    return std::nullopt;
}

}  // namespace

int run_forecast(const Config& config) {
    const catalog::Prices prices = catalog::load_prices(config.prices_file);
    const catalog::Catalog catalog = config.catalog_file.empty()
                                         ? catalog::shipped_catalog()
                                         : catalog::load_catalog(config.catalog_file);
    ForecastQuestion question{.model = config.model,
                              .rating_model = config.rating_model,
                              .days = config.days,
                              .now = base::SystemClock().now(),
                              .measured = measured_visits(config),
                              .budget_day_usd = config.budget_day_usd};
    question.shape.turns = std::min(question.shape.turns, config.turns_max);
    const base::Json answer = forecast(question, catalog, prices);
    fmt::print("{}", config.json ? answer.dump(2) + "\n" : forecast_text(answer));
    return 0;
}

}  // namespace runner
