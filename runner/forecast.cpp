#include "runner/forecast.hpp"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace runner {

namespace {

using base::Json;
using catalog::Cadence;

constexpr int forecast_month_days = 30;

double visits_per_day(Cadence cadence) {
    switch (cadence) {
        case Cadence::hourly: return 24;
        case Cadence::daily: return 1;
        case Cadence::weekdays: return 5.0 / 7;
    }
    base::unreachable("cadence");
}

Json usd_or_null(std::optional<double> usd, double times = 1) {
    return usd ? Json(*usd * times) : Json();
}

std::string usd_cell(const Json& usd, int decimals) {
    return usd.is_null() ? "unpriced" : fmt::format("{:.{}f}", usd.get<double>(), decimals);
}

}  // namespace

std::optional<double> visit_cost(const ForecastQuestion& question, const catalog::Prices& prices,
                                 bool cached) {
    const VisitShape& shape = question.shape;
    double sum = 0;
    std::int64_t before = 0, prompt = shape.first_prompt;
    for (int turn = 0; turn < shape.turns; ++turn) {
        catalog::TokenCounts tokens{.output = shape.output_per_turn};
        if (cached) {
            tokens.cache_read = before;
            tokens.cache_write = prompt - before;
        } else {
            tokens.input = prompt;
        }
        const auto cost = prices.cost(question.model, tokens, question.now);
        if (!cost) return std::nullopt;
        sum += *cost;
        before = prompt;
        prompt += shape.growth_per_turn;
    }
    const auto rating =
        prices.cost(question.rating_model,
                    {.input = shape.rating_prompt, .output = shape.rating_output}, question.now);
    if (!rating) return std::nullopt;
    return sum + *rating;
}

Json forecast(const ForecastQuestion& question, const catalog::Catalog& catalog,
              const catalog::Prices& prices) {
    std::map<Cadence, int> personas;
    double a_day = 0;
    for (const catalog::Persona& persona : catalog.personas) {
        ++personas[persona.cadence];
        a_day += visits_per_day(persona.cadence);
    }
    Json cadences = Json::object();
    for (const auto& [cadence, count] : personas) {
        cadences[std::string(catalog::word_of(cadence))] = count;
    }
    const auto cached = visit_cost(question, prices, true);
    const auto uncached = visit_cost(question, prices, false);
    const auto& measured = question.measured;
    const std::optional<double> expected = measured ? measured->cost_usd : cached;
    const auto span = [&](double days) {
        return Json{{"visits", a_day * days},
                    {"usd", usd_or_null(expected, a_day * days)},
                    {"uncachedUsd", usd_or_null(uncached, a_day * days)}};
    };
    const VisitShape& shape = question.shape;
    Json json{{"personas", catalog.personas.size()},
              {"cadences", std::move(cadences)},
              {"model", question.model},
              {"ratingModel", question.rating_model},
              {"pricesAsOf", prices.as_of()},
              {"source", measured ? "measured" : "assumed"},
              {"perVisit",
               {{"usd", usd_or_null(expected)},
                {"assumedCachedUsd", usd_or_null(cached)},
                {"assumedUncachedUsd", usd_or_null(uncached)}}},
              {"perDay", span(1)},
              {"perMonth", span(forecast_month_days)},
              {"days", question.days},
              {"total", span(question.days)},
              {"assumptions",
               {{"turns", shape.turns},
                {"firstPromptTokens", shape.first_prompt},
                {"growthPerTurnTokens", shape.growth_per_turn},
                {"outputPerTurnTokens", shape.output_per_turn},
                {"ratingPromptTokens", shape.rating_prompt},
                {"ratingOutputTokens", shape.rating_output}}}};
    json["measured"] = measured ? Json{{"visits", measured->visits},
                                       {"turns", measured->turns},
                                       {"usd", measured->cost_usd}}
                                : Json();
    json["budgetDayUsd"] = question.budget_day_usd > 0 ? Json(question.budget_day_usd) : Json();
    return json;
}

std::string forecast_text(const Json& forecast) {
    std::string cadences;
    for (const auto& [word, count] : forecast.at("cadences").items()) {
        cadences += fmt::format("{}{} {}", cadences.empty() ? "" : ", ", count.get<int>(), word);
    }
    const Json& shape = forecast.at("assumptions");
    const Json& measured = forecast.at("measured");
    std::string text = fmt::format("{} personas: {}\n{} lives the day, {} rates; prices as of {}\n",
                                   forecast.at("personas").get<int>(), cadences,
                                   forecast.at("model").get<std::string>(),
                                   forecast.at("ratingModel").get<std::string>(),
                                   forecast.at("pricesAsOf").get<std::string>());
    if (measured.is_null()) {
        text += fmt::format(
            "A visit is assumed: {} turns; the first sends {} tokens, each next {} more; {} tokens "
            "of reply a turn;\nthe rating {} in and {} out. No past visits were found.\n",
            shape.at("turns").get<int>(), shape.at("firstPromptTokens").get<int>(),
            shape.at("growthPerTurnTokens").get<int>(), shape.at("outputPerTurnTokens").get<int>(),
            shape.at("ratingPromptTokens").get<int>(), shape.at("ratingOutputTokens").get<int>());
    } else {
        text += fmt::format("A visit is the mean of {} past ones: {:.1f} turns.\n",
                            measured.at("visits").get<int>(), measured.at("turns").get<double>());
    }
    text += fmt::format("\n{:<12}{:>10}{:>14}{:>20}\n", "", "visits", "USD", "without cache USD");
    text += std::string(56, '-') + "\n";
    const auto line = [&text](const std::string& name, double visits, const Json& usd,
                              const Json& uncached, int decimals) {
        text += fmt::format("{:<12}{:>10.1f}{:>14}{:>20}\n", name, visits, usd_cell(usd, decimals),
                            usd_cell(uncached, decimals));
    };
    const Json& visit = forecast.at("perVisit");
    line("a visit", 1, visit.at("usd"), visit.at("assumedUncachedUsd"), 4);
    const auto span = [&](const std::string& name, const Json& values) {
        line(name, values.at("visits").get<double>(), values.at("usd"), values.at("uncachedUsd"),
             2);
    };
    span("a day", forecast.at("perDay"));
    span("30 days", forecast.at("perMonth"));
    const int days = forecast.at("days").get<int>();
    if (days != forecast_month_days) span(fmt::format("{} days", days), forecast.at("total"));
    const Json& day = forecast.at("perDay").at("usd");
    if (day.is_null()) {
        text += "\nA model without a price is unpriced, not free: name one in PERSONA_PRICES.\n";
    }
    const Json& budget = forecast.at("budgetDayUsd");
    if (!budget.is_null() && !day.is_null() && day.get<double>() > budget.get<double>()) {
        text += fmt::format("\nBUDGET_DAY_USD is {:.2f}: it ends such a day early.\n",
                            budget.get<double>());
    }
    return text;
}

}  // namespace runner
