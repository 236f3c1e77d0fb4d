// The arithmetic of asking: how many at once, how fast.
#include "clients/traffic_rules.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using base::Duration;
using base::Steady;
using clients::Need;
using clients::Pace;
using clients::Places;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Steady places_start{std::chrono::hours{1}};

Places adaptive_places(int ceiling) {
    return Places({.ceiling = ceiling, .adaptive = true});
}

void clean_round(Places& places, Steady sent_at) {
    for (int reply = places.whole(); reply > 0; --reply) places.on_clean_reply(sent_at);
}

TEST(Places, StartAtAQuarterOfTheCeilingAndNeverBelowOne) {
    EXPECT_DOUBLE_EQ(adaptive_places(64).exact(), 16);
    EXPECT_DOUBLE_EQ(adaptive_places(10).exact(), 2.5);
    EXPECT_EQ(adaptive_places(10).whole(), 2);
    EXPECT_DOUBLE_EQ(adaptive_places(2).exact(), 1);
    Places places = adaptive_places(4);
    for (int episode = 1; episode < 20; ++episode) {
        places.on_busy(places_start + minutes{2 * episode}, places_start + minutes{2 * episode});
        EXPECT_GE(places.exact(), 1);
        EXPECT_GE(places.whole(), 1);
    }
}

TEST(Places, GrowByATwentiethPerCleanRound) {
    Places places = adaptive_places(64);
    for (int reply = 1; reply < 16; ++reply) EXPECT_FALSE(places.on_clean_reply(places_start));
    EXPECT_DOUBLE_EQ(places.exact(), 16);
    EXPECT_TRUE(places.on_clean_reply(places_start));
    EXPECT_DOUBLE_EQ(places.exact(), 16 * 1.05);
}

TEST(Places, GrowUpToTheCeilingAndNoFurther) {
    Places places = adaptive_places(2);
    for (int round = 0; round < 14; ++round) clean_round(places, places_start);
    EXPECT_EQ(places.whole(), 1);  // 1.05^14 = 1.98: small steps add up.
    EXPECT_GT(places.exact(), 1.9);
    clean_round(places, places_start);
    EXPECT_DOUBLE_EQ(places.exact(), 2);
    EXPECT_FALSE(places.on_clean_reply(places_start));
    clean_round(places, places_start);
    EXPECT_DOUBLE_EQ(places.exact(), 2);
}

TEST(Places, OneEpisodeShrinksOnce) {
    Places places = adaptive_places(100);
    const Steady busy = places_start + seconds{10};
    EXPECT_TRUE(places.on_busy(places_start, busy));
    EXPECT_DOUBLE_EQ(places.exact(), 20);
    // All others that were under way, however late they come back.
    for (int i = 1; i < 25; ++i) EXPECT_FALSE(places.on_busy(places_start, busy + seconds{10 * i}));
    // And whoever asks again within the cooldown.
    EXPECT_FALSE(places.on_busy(busy + seconds{1}, busy + seconds{29}));
    EXPECT_DOUBLE_EQ(places.exact(), 20);
    EXPECT_TRUE(places.on_busy(busy + seconds{1}, busy + seconds{30}));
    EXPECT_DOUBLE_EQ(places.exact(), 16);
}

TEST(Places, ABusyAnswerEndsTheRoundAndOldRepliesDoNotCount) {
    Places places = adaptive_places(8);
    EXPECT_FALSE(places.on_clean_reply(places_start));
    places.on_busy(places_start, places_start + seconds{1});
    const double shrunk = places.exact();
    EXPECT_DOUBLE_EQ(shrunk, 1.6);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(places.on_clean_reply(places_start));
    EXPECT_DOUBLE_EQ(places.exact(), shrunk);
    EXPECT_TRUE(places.on_clean_reply(places_start + seconds{2}));
    EXPECT_DOUBLE_EQ(places.exact(), shrunk * 1.05);
}

TEST(Places, SwitchedOffTheyAreTheCeiling) {
    Places places({.ceiling = 64, .adaptive = false});
    EXPECT_EQ(places.whole(), 64);
    EXPECT_FALSE(places.on_busy(places_start, places_start));
    EXPECT_FALSE(places.on_clean_reply(places_start));
    EXPECT_EQ(places.whole(), 64);
}

TEST(Places, AnyHistoryKeepsThemBetweenOneAndTheCeiling) {
    std::mt19937 random(7);
    for (int ceiling : {1, 2, 3, 64, 10'000}) {
        Places places = adaptive_places(ceiling);
        Steady now = places_start;
        for (int step = 0; step < 5'000; ++step) {
            now += milliseconds{random() % 20'000};
            const Steady sent_at = now - milliseconds{random() % 60'000};
            if (random() % 50 == 0) {
                places.on_busy(sent_at, now);
            } else {
                places.on_clean_reply(sent_at);
            }
            ASSERT_GE(places.exact(), 1);
            ASSERT_LE(places.exact(), ceiling);
        }
    }
}

const base::Moment pace_now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};

base::HttpHeaders limit_headers(const std::string& kind, int limit, int remaining,
                                Duration until_full) {
    const std::string prefix = "anthropic-ratelimit-" + kind + "-";
    const auto reset = pace_now + std::chrono::duration_cast<milliseconds>(until_full);
    return {{prefix + "limit", std::to_string(limit)},
            {prefix + "remaining", std::to_string(remaining)},
            {prefix + "reset", base::to_iso(reset)}};
}

TEST(Pace, WithoutHeadersNobodyWaits) {
    Pace pace;
    pace.promise({1, 1e9, 1e9});
    EXPECT_EQ(pace.delay(places_start), Duration::zero());
}

TEST(Pace, RoomThatIsLeftIsUsedAtOnce) {
    Pace pace;
    pace.read(limit_headers("requests", 60, 3, seconds{57}), pace_now, places_start);
    for (int i = 0; i < 3; ++i) {
        pace.promise({});
        EXPECT_EQ(pace.delay(places_start), Duration::zero()) << i;
    }
    pace.promise({});
    EXPECT_EQ(pace.delay(places_start), seconds{1});  // One request a second comes back.
    EXPECT_EQ(pace.delay(places_start + seconds{1}), Duration::zero());
}

TEST(Pace, WhoeverWaitsHasAPlaceOfHerOwn) {
    Pace pace;
    pace.read(limit_headers("requests", 60, 0, seconds{60}), pace_now, places_start);
    for (int place = 1; place <= 10; ++place) {
        pace.promise({});
        EXPECT_EQ(pace.delay(places_start), seconds{place});
    }
    pace.take_back({.requests = 4});  // Dropped visits leave the queue.
    pace.promise({});
    EXPECT_EQ(pace.delay(places_start), seconds{7});
}

TEST(Pace, EachKindOfLimitHoldsBack) {
    for (const char* kind : {"tokens", "input-tokens", "output-tokens"}) {
        Pace pace;
        pace.read(limit_headers(kind, 60'000, 1'000, seconds{59}), pace_now, places_start);
        const bool output = std::string_view(kind) == "output-tokens";
        pace.promise(output ? Need{1, 0, 6'000} : Need{1, 6'000, 0});
        EXPECT_EQ(pace.delay(places_start), seconds{5}) << kind;
    }
}

TEST(Pace, WhatWasSentIsGoneUntilItFillsUp) {
    Pace pace;
    pace.read(limit_headers("output-tokens", 6'000, 6'000, seconds{0}), pace_now, places_start);
    pace.spend({.requests = 0, .output_tokens = 6'000}, places_start);
    pace.promise({1, 0, 500});
    EXPECT_EQ(pace.delay(places_start), seconds{5});  // 6,000 a minute.
    EXPECT_EQ(pace.delay(places_start + minutes{10}), Duration::zero());
}

TEST(Pace, NonsenseHoldsNobodyBackForLong) {
    const std::vector<base::HttpHeaders> nonsense{
        {{"anthropic-ratelimit-requests-limit", "0"},
         {"anthropic-ratelimit-requests-remaining", "0"},
         {"anthropic-ratelimit-requests-reset", "2026-11-20T00:01:00Z"}},
        {{"anthropic-ratelimit-requests-limit", "-5"},
         {"anthropic-ratelimit-requests-remaining", "x"},
         {"anthropic-ratelimit-requests-reset", "tomorrow"}},
        {{"anthropic-ratelimit-requests-limit", "50"},
         {"anthropic-ratelimit-requests-remaining", "0"}},
        {{"anthropic-ratelimit-", "50"}, {"anthropic-ratelimit-x", ""}, {"", "y"}},
    };
    for (const base::HttpHeaders& headers : nonsense) {
        Pace pace;
        pace.read(headers, pace_now, places_start);
        pace.promise({});
        EXPECT_EQ(pace.delay(places_start), Duration::zero());
    }
    Pace pace;  // Full again in a year.
    pace.read(limit_headers("requests", 1, 0, std::chrono::hours{24 * 365}), pace_now,
              places_start);
    for (int i = 0; i < 100; ++i) pace.promise({});
    EXPECT_LE(pace.delay(places_start), minutes{10});
}

}  // namespace
