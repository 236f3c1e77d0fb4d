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
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.input = 1'000'000}), 2);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.output = 1'000'000}), 10);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.cache_write = 1'000'000}), 2.5);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {.cache_read = 1'000'000}), 0.1);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {100, 10, 1'000, 10'000}),
                     (100 * 2 + 10 * 10 + 1'000 * 2.5 + 10'000 * 0.1) / 1e6);
    EXPECT_DOUBLE_EQ(*prices.cost("flat", {}), 0);
}

TEST(Prices, AnUnknownModelIsUnpricedNotFree) {
    const Prices prices(price_file, "prices.json");
    for (const char* model : {"", "other", "flat-2025", "flat-20251a01", "-20251001", "fla"}) {
        EXPECT_FALSE(prices.cost(model, {.input = 5})) << model;
    }
}

TEST(Prices, ADatedIdFindsItsModel) {
    const Prices prices(price_file, "prices.json");
    EXPECT_EQ(prices.cost("flat-20251001", {.input = 7}), prices.cost("flat", {.input = 7}));
}

TEST(Prices, AboveTheThresholdTheWholeRequestIsDearer) {
    const Prices prices(price_file, "prices.json");
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {400, 10, 300, 300}) * 1e6, 1'010);
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {401, 10, 300, 300}) * 1e6,
                     401 * 5 + 10 * 6 + 300 * 7 + 300 * 8);
    // The answer's length does not make a prompt long.
    EXPECT_DOUBLE_EQ(*prices.cost("tiered", {.output = 5'000}) * 1e6, 5'000);
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

TEST(Prices, TheShippedFileKnowsTheDefaultModels) {
    const Prices prices = catalog::shipped_prices();
    EXPECT_TRUE(prices.cost("claude-sonnet-5-5", {.input = 1}));
    EXPECT_TRUE(prices.cost("claude-haiku-5-5", {.input = 1}));
    EXPECT_LT(*prices.cost("claude-haiku-5-5", {.input = 1'000}),
              *prices.cost("claude-sonnet-5-5", {.input = 1'000}));
}

}  // namespace
