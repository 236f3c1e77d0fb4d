#include "sim/prices.hpp"

#include <gtest/gtest.h>

namespace {

TEST(SimPrices, every_kind_of_token_has_its_rate) {
    constexpr long million = 1'000'000;
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-sonnet-5-5", {.input = million}), 2);
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-sonnet-5-5", {.output = million}), 10);
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-sonnet-5-5", {.read = million}), 0.10);
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-sonnet-5-5", {.written_5m = million}), 2.50);
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-sonnet-5-5", {.written_1h = million}), 4);
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-haiku-4-5-20251001", {.input = million}), 1);
}

TEST(SimPrices, a_long_prompt_moves_the_whole_request_into_the_dearer_tier) {
    EXPECT_DOUBLE_EQ(*sim::cost_of("claude-haiku-5-5", {.input = 100'000, .output = 1000}), 0.0105);
    EXPECT_DOUBLE_EQ(
        *sim::cost_of("claude-haiku-5-5", {.input = 1, .read = 100'000, .output = 1000}),
        0.0000005 + 0.005 + 0.0025);
}

TEST(SimPrices, an_unknown_price_is_no_price) {
    EXPECT_FALSE(sim::cost_of("claude-mythos-preview", {.input = 1}));
    EXPECT_FALSE(sim::cost_of("gpt-4", {.input = 1}));
}

}  // namespace
