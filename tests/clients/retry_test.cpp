// The rule of retries: what is tried again, and how long the wait is.
#include "clients/retry.hpp"

#include <gtest/gtest.h>

namespace {

using base::Failure;
using clients::demanded_wait;
using clients::RetryPolicy;
using clients::wait_before_retry;
using std::chrono::milliseconds;
using std::chrono::seconds;

Failure overloaded() {
    return Failure{Failure::Kind::unavailable, "busy"}.status(529);
}

TEST(Retry, DoublesTheSpanUpToTheCap) {
    const RetryPolicy policy{.attempts_max = 20};
    EXPECT_EQ(wait_before_retry(policy, 1, overloaded(), 0.5), milliseconds{500});
    EXPECT_EQ(wait_before_retry(policy, 2, overloaded(), 0.5), milliseconds{1'000});
    EXPECT_EQ(wait_before_retry(policy, 4, overloaded(), 0.5), milliseconds{4'000});
    EXPECT_EQ(wait_before_retry(policy, 7, overloaded(), 0.5), milliseconds{30'000});
    EXPECT_EQ(wait_before_retry(policy, 19, overloaded(), 0.5), milliseconds{30'000});
}

TEST(Retry, JitterCoversTheWholeSpan) {
    const RetryPolicy policy;
    EXPECT_EQ(wait_before_retry(policy, 3, overloaded(), 0.0), milliseconds{0});
    EXPECT_EQ(wait_before_retry(policy, 3, overloaded(), 0.9999), milliseconds{3'999});
}

TEST(Retry, EndsAfterTheLastAttempt) {
    const RetryPolicy policy;
    EXPECT_TRUE(wait_before_retry(policy, 5, overloaded(), 0.5));
    EXPECT_FALSE(wait_before_retry(policy, 6, overloaded(), 0.5));
}

TEST(Retry, OnlyPassingKindsAreTriedAgain) {
    for (const auto kind :
         {Failure::Kind::invalid, Failure::Kind::unauthenticated, Failure::Kind::forbidden,
          Failure::Kind::missing, Failure::Kind::conflict, Failure::Kind::internal}) {
        EXPECT_FALSE(wait_before_retry({}, 1, Failure{kind, "no"}, 0.5)) << base::name_of(kind);
    }
    EXPECT_TRUE(wait_before_retry({}, 1, Failure{Failure::Kind::unavailable, "no"}, 0.5));
}

TEST(Retry, ADemandedWaitIsAFloor) {
    const Failure demand = overloaded().retry_after(seconds{7});
    for (const double random : {0.0, 0.5, 0.999}) {
        const auto wait = wait_before_retry({}, 1, demand, random);
        ASSERT_TRUE(wait);
        EXPECT_GE(*wait, seconds{7});
        EXPECT_LE(*wait, seconds{8});
    }
}

TEST(Retry, ALongerDemandThanAllowedIsGivenBack) {
    const RetryPolicy policy{.retry_after_max = seconds{30}};
    EXPECT_TRUE(wait_before_retry(policy, 1, overloaded().retry_after(seconds{30}), 0.5));
    EXPECT_FALSE(wait_before_retry(policy, 1, overloaded().retry_after(seconds{31}), 0.5));
}

TEST(Retry, ASpendCapIsNotTriedAgain) {
    const Failure cap = Failure{Failure::Kind::throttled, "spent"}.status(429);
    EXPECT_FALSE(wait_before_retry({}, 1, cap, 0.5));
    const Failure limit =
        Failure{Failure::Kind::throttled, "slow"}.retry_after(seconds{2}).status(429);
    EXPECT_TRUE(wait_before_retry({}, 1, limit, 0.5));
    // A limit that shows up inside a stream can carry no header.
    const Failure inside = Failure{Failure::Kind::throttled, "slow"}.status(200);
    EXPECT_TRUE(wait_before_retry({}, 1, inside, 0.5));
}

TEST(Retry, ReadsWhatHeadersDemand) {
    const base::Moment now = *base::from_iso("2026-11-20T09:00:00Z");
    EXPECT_EQ(demanded_wait("", "7", now), seconds{7});
    EXPECT_EQ(demanded_wait("250", "7", now), milliseconds{250});
    EXPECT_EQ(demanded_wait("", " 1.5 ", now), seconds{2});
    EXPECT_EQ(demanded_wait("", "Fri, 20 Nov 2026 09:00:30 GMT", now), seconds{30});
    EXPECT_EQ(demanded_wait("", "Fri, 20 Nov 2026 08:00:00 GMT", now), seconds{0});
    EXPECT_EQ(demanded_wait("", "-4", now), seconds{0});
    EXPECT_GT(demanded_wait("", "99999999999999999999", now), std::chrono::hours{1});
    EXPECT_FALSE(demanded_wait("", "", now));
    EXPECT_FALSE(demanded_wait("", "soon", now));
    EXPECT_FALSE(demanded_wait("", "Fri, 99 Nov 2026 09:00:30 GMT", now));
}

}  // namespace
