// What a request costs: known rates, the dearer tier, dated ids, and models without a price.
#include "catalog/prices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using catalog::Prices;
using catalog::TokenCounts;
using testing::HasSubstr;

const char* const price_file = R"({"asOf":"2026-11-20","models":{
    "flat":{"input":2,"output":10,"cacheWrite":2.5,"cacheRead":0.1},
    "tiered":{"input":1,"output":1,"cacheWrite":1,"cacheRead":1,
              "above":{"promptTokens":1000,"input":5,"output":6,"cacheWrite":7,"cacheRead":8}}}})";

const base::Moment price_day = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};

std::string price_complaint(const std::string& text) {
    try {
        Prices(text, "prices.json");
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "no failure";
}

TEST(Prices, EachCounterHasItsRate) {
    const Prices prices(price_file, "prices.json");
    EXPECT_EQ(prices.as_of(), "2026-11-20");
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.input = 1'000'000}, price_day), 2);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.output = 1'000'000}, price_day), 10);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.cache_write = 1'000'000}, price_day), 2.5);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.cache_read = 1'000'000}, price_day), 0.1);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {100, 10, 1'000, 10'000}, price_day),
                     (100 * 2 + 10 * 10 + 1'000 * 2.5 + 10'000 * 0.1) / 1e6);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {}, price_day), 0);
}

TEST(Prices, AnUnknownModelIsUnpricedNotFree) {
    const Prices prices(price_file, "prices.json");
    for (const char* model : {"", "other", "flat-2025", "flat-20251a01", "-20251001", "fla"}) {
        EXPECT_FALSE(prices.cost(model, {.input = 5}, price_day)) << model;
    }
}

TEST(Prices, ADatedIdFindsItsModel) {
    const Prices prices(price_file, "prices.json");
    EXPECT_EQ(prices.cost("flat-20251001", {.input = 7}, price_day),
              prices.cost("flat", {.input = 7}, price_day));
}

TEST(Prices, AboveTheThresholdTheWholeRequestIsDearer) {
    const Prices prices(price_file, "prices.json");
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {400, 10, 300, 300}, price_day) * 1e6, 1'010);
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {401, 10, 300, 300}, price_day) * 1e6,
                     401 * 5 + 10 * 6 + 300 * 7 + 300 * 8);
    // The answer's length does not make a prompt long.
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {.output = 5'000}, price_day) * 1e6, 5'000);
}

TEST(Prices, FaultsNameFileModelAndField) {
    EXPECT_THAT(price_complaint("{"), HasSubstr("prices.json"));
    EXPECT_THAT(price_complaint(R"({"models":{}})"), HasSubstr("asOf"));
    const std::string negative = price_complaint(
        R"({"asOf":"x","models":{"m":{"input":-1,"output":1,"cacheWrite":1,"cacheRead":1}}})");
    EXPECT_THAT(negative, HasSubstr("prices.json: models.m"));
    EXPECT_THAT(negative, HasSubstr("input"));
    EXPECT_THAT(price_complaint(R"({"asOf":"x","models":{"m":{"input":1,"output":1,"cacheWrite":1,
                    "cacheRead":1,"above":{"promptTokens":0}}}})"),
                HasSubstr("promptTokens"));
}

TEST(Prices, TheDayOfTheVisitDecides) {
    const Prices prices(R"({"asOf":"x","models":{
        "m":[{"input":4,"output":1,"cacheWrite":1,"cacheRead":1},
             {"from":"2026-10-07","input":2,"output":1,"cacheWrite":1,"cacheRead":1}],
        "late":{"from":"2026-11-20","input":1,"output":1,"cacheWrite":1,"cacheRead":1}}})",
                        "prices.json");
    const TokenCounts tokens{.input = 1'000'000};
    const base::Moment changed = std::chrono::sys_days{std::chrono::year{2026} / 10 / 7};
    EXPECT_DOUBLE_EQ(*prices.cost("m", tokens, changed - std::chrono::microseconds{1}), 4);
    EXPECT_DOUBLE_EQ(*prices.cost("m", tokens, changed), 2);
    EXPECT_FALSE(prices.cost("late", tokens, changed));  // Unpriced before its first price.
    EXPECT_TRUE(prices.cost("late", tokens, price_day));
}

TEST(Prices, TheMostThatARequestCanCost) {
    const Prices prices(price_file, "prices.json");
    // Everything is written to the cache, nothing read from it.
    EXPECT_DOUBLE_EQ(*prices.cost_at_most("flat", 1'000'000, 1'000, price_day), 2.5 + 0.01);
    EXPECT_DOUBLE_EQ(*prices.cost_at_most("tiered", 1'001, 10, price_day) * 1e6,
                     1'001 * 8 + 10 * 6);
    EXPECT_FALSE(prices.cost_at_most("other", 1, 1, price_day));
    for (const TokenCounts& real : {TokenCounts{100, 7, 800, 100}, TokenCounts{0, 10, 0, 1'000},
                                    TokenCounts{1'000, 1, 0, 0}, TokenCounts{2, 10, 1'998, 2}}) {
        const std::int64_t prompt = real.input + real.cache_write + real.cache_read;
        for (const char* model : {"flat", "tiered"}) {
            EXPECT_LE(*prices.cost(model, real, price_day),
                      *prices.cost_at_most(model, prompt, 10, price_day) + 1e-12);
        }
    }
}

TEST(Prices, WrongDatesAreNamed) {
    const std::string rates = R"("input":1,"output":1,"cacheWrite":1,"cacheRead":1)";
    EXPECT_THAT(
        price_complaint(R"({"asOf":"x","models":{"m":{"from":"yesterday!",)" + rates + "}}}"),
        HasSubstr("models.m.from must be a date"));
    EXPECT_THAT(price_complaint(R"({"asOf":"x","models":{"m":[{"from":"2026-10-07",)" + rates +
                                R"(},{"from":"2026-10-07",)" + rates + "}]}}"),
                HasSubstr("models.m[1].from"));
    EXPECT_THAT(price_complaint(R"({"asOf":"x","models":{"m":[]}})"), HasSubstr("models.m"));
}

TEST(Prices, TheShippedFileKnowsTheDefaultModels) {
    const Prices prices = catalog::shipped_prices();
    EXPECT_TRUE(prices.cost("claude-sonnet-5-5", {.input = 1}, price_day));
    EXPECT_TRUE(prices.cost("claude-haiku-5-5", {.input = 1}, price_day));
    EXPECT_LT(*prices.cost("claude-haiku-5-5", {.input = 1'000}, price_day),
              *prices.cost("claude-sonnet-5-5", {.input = 1'000}, price_day));
}

}  // namespace
