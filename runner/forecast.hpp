// What a catalog would cost before anybody is seeded: cadences times the cost of a visit, at list
// prices. A visit is assumed, or the mean of past ones. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "catalog/catalog.hpp"
#include "catalog/prices.hpp"

namespace runner {

// A visit as it is assumed, in tokens: each turn sends what the turn before sent, its reply and the
// tools' results.
struct VisitShape {
    int turns = 6;
    int first_prompt = 7'000;     // Tools, persona, the day's first words.
    int growth_per_turn = 1'900;  // Reply and results.
    int output_per_turn = 400;
    int rating_prompt = 3'500;
    int rating_output = 400;
};

// The mean of past visits.
struct MeasuredVisits {
    std::int64_t visits = 0;
    double turns = 0;
    double cost_usd = 0;
};

struct ForecastQuestion {
    std::string model, rating_model;
    int days = 30;
    base::Moment now{};
    VisitShape shape;
    std::optional<MeasuredVisits> measured;
    double budget_day_usd = 0;  // 0: none.
};

// USD of one visit; nothing when a model has no price.
std::optional<double> visit_cost(const ForecastQuestion& question, const catalog::Prices& prices,
                                 bool cached);

base::Json forecast(const ForecastQuestion& question, const catalog::Catalog& catalog,
                    const catalog::Prices& prices);
std::string forecast_text(const base::Json& forecast);

}  // namespace runner
