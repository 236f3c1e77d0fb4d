// What a catalog would cost: arithmetic that can be done by hand, and what it says of itself.
#include "runner/forecast.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using catalog::Cadence;
using runner::ForecastQuestion;
using testing::HasSubstr;
using testing::Not;

catalog::Catalog forecast_catalog(std::initializer_list<Cadence> cadences) {
    catalog::Catalog catalog;
    for (const Cadence cadence : cadences) {
        catalog.personas.emplace_back();
        catalog.personas.back().cadence = cadence;
    }
    return catalog;
}

ForecastQuestion forecast_question() {
    return {.model = "claude-sonnet-5-5",
            .rating_model = "claude-haiku-5-5",
            .now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};
}

TEST(Forecast, AVisitCostsWhatItsTurnsCost) {
    const catalog::Prices prices = catalog::shipped_prices();
    // 16,500 tokens written, 54,000 read, 2,400 of reply; 3,500 and 400 for the rating.
    const double rating = (3'500 * 0.1 + 400 * 0.5) / 1e6;
    EXPECT_NEAR(*runner::visit_cost(forecast_question(), prices, true),
                (16'500 * 2.5 + 54'000 * 0.1 + 2'400 * 10) / 1e6 + rating, 1e-9);
    EXPECT_NEAR(*runner::visit_cost(forecast_question(), prices, false),
                (70'500 * 2 + 2'400 * 10) / 1e6 + rating, 1e-9);
}

TEST(Forecast, CadencesMakeTheDay) {
    const catalog::Prices prices = catalog::shipped_prices();
    const Json json = runner::forecast(
        forecast_question(),
        forecast_catalog({Cadence::hourly, Cadence::daily, Cadence::weekdays, Cadence::weekdays}),
        prices);
    EXPECT_EQ(json["cadences"], (Json{{"hourly", 1}, {"daily", 1}, {"weekdays", 2}}));
    EXPECT_DOUBLE_EQ(json["perDay"]["visits"].get<double>(), 24 + 1 + 10.0 / 7);
    EXPECT_NEAR(json["perMonth"]["usd"].get<double>(), 30 * json["perDay"]["usd"].get<double>(),
                1e-9);
    EXPECT_EQ(json["source"], "assumed");
    EXPECT_TRUE(json["measured"].is_null());
}

TEST(Forecast, PastVisitsTakeThePlaceOfTheAssumption) {
    ForecastQuestion question = forecast_question();
    question.measured = {.visits = 120, .turns = 4.5, .cost_usd = 0.02};
    question.days = 7;
    question.budget_day_usd = 0.01;
    const Json json =
        runner::forecast(question, forecast_catalog({Cadence::daily}), catalog::shipped_prices());
    EXPECT_EQ(json["source"], "measured");
    EXPECT_NEAR(json["total"]["usd"].get<double>(), 0.14, 1e-9);
    const std::string text = runner::forecast_text(json);
    EXPECT_THAT(text, HasSubstr("mean of 120 past ones: 4.5 turns"));
    EXPECT_THAT(text, HasSubstr("7 days"));
    EXPECT_THAT(text, HasSubstr("BUDGET_DAY_USD is 0.01"));
}

TEST(Forecast, SaysWhatItAssumesAndWhatHasNoPrice) {
    ForecastQuestion question = forecast_question();
    const catalog::Catalog catalog = forecast_catalog({Cadence::daily});
    const std::string text =
        runner::forecast_text(runner::forecast(question, catalog, catalog::shipped_prices()));
    EXPECT_THAT(text, HasSubstr("6 turns"));
    EXPECT_THAT(text, HasSubstr("0.0712"));  // A visit.
    EXPECT_THAT(text, Not(HasSubstr("unpriced")));
    question.model = "somebody-elses-model";
    const Json unpriced = runner::forecast(question, catalog, catalog::shipped_prices());
    EXPECT_TRUE(unpriced["perDay"]["usd"].is_null());
    EXPECT_THAT(runner::forecast_text(unpriced), HasSubstr("unpriced"));
    EXPECT_THAT(runner::forecast_text(unpriced), HasSubstr("PERSONA_PRICES"));
}

}  // namespace
