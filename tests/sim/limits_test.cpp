#include "sim/limits.hpp"

#include <map>

#include <gtest/gtest.h>

namespace {

using std::chrono::seconds;

const base::Steady limits_start{std::chrono::hours(5)};

TEST(Limits, bucket_empties_says_how_long_and_refills) {
    sim::Limits limits({.requests_per_minute = 2});
    EXPECT_FALSE(limits.take_request("key", limits_start));
    EXPECT_FALSE(limits.take_request("key", limits_start));
    const auto wait = limits.take_request("key", limits_start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(*wait, seconds(30));
    EXPECT_FALSE(limits.take_request("other", limits_start));
    EXPECT_NE(sim::limit_account("key", "a"), sim::limit_account("key", "b"));
    EXPECT_FALSE(limits.take_request("key", limits_start + seconds(30)));
}

TEST(Limits, tokens_count_too_and_headers_tell) {
    sim::Limits limits({.requests_per_minute = 100, .input_tokens_per_minute = 6000});
    limits.take_tokens("key", 9000, 0, limits_start);
    EXPECT_TRUE(limits.take_request("key", limits_start));
    const auto headers = limits.headers("key", limits_start, base::Moment{});
    const std::map<std::string, std::string> told(headers.begin(), headers.end());
    EXPECT_EQ(told.at("anthropic-ratelimit-input-tokens-remaining"), "0");
    EXPECT_EQ(told.at("anthropic-ratelimit-tokens-limit"), "6000") << "the emptier one";
    EXPECT_EQ(headers.size(), 12U);
}

}  // namespace
