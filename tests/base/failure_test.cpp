#include "base/failure.hpp"

#include <gtest/gtest.h>

namespace base {
namespace {

using Kind = Failure::Kind;
using std::chrono::milliseconds;

constexpr Kind all_kinds[] = {Kind::invalid,     Kind::unauthenticated, Kind::forbidden,
                              Kind::missing,     Kind::conflict,        Kind::throttled,
                              Kind::unavailable, Kind::internal};

TEST(failure, carries_everything_through_throw_and_copy) {
    try {
        throw Failure(Kind::throttled, "slow down", "RATE")
            .retry_after(milliseconds{1500})
            .status(429);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Kind::throttled);
        EXPECT_STREQ(failure.what(), "slow down");
        EXPECT_EQ(failure.code(), "RATE");
        EXPECT_EQ(failure.retry_after(), milliseconds{1500});
        EXPECT_EQ(failure.status(), 429);
    }
}

TEST(failure, says_nothing_it_was_not_told) {
    const Failure failure(Kind::internal, "broken");
    EXPECT_EQ(failure.code(), "");
    EXPECT_EQ(failure.retry_after(), std::nullopt);
    EXPECT_EQ(failure.status(), 0);
}

TEST(failure, table_of_kinds_and_statuses_round_trips) {
    for (const Kind kind : all_kinds) {
        SCOPED_TRACE(name_of(kind));
        // 500 from another server means "try later": only that one does not come back.
        const Kind back = kind == Kind::internal ? Kind::unavailable : kind;
        EXPECT_EQ(kind_of_status(status_of(kind)), back);
        EXPECT_FALSE(name_of(kind).empty());
    }
}

TEST(failure, kind_of_status_covers_the_rest) {
    EXPECT_EQ(kind_of_status(422), Kind::invalid);
    EXPECT_EQ(kind_of_status(413), Kind::invalid);
    EXPECT_EQ(kind_of_status(410), Kind::missing);
    EXPECT_EQ(kind_of_status(402), Kind::forbidden);
    EXPECT_EQ(kind_of_status(408), Kind::unavailable);
    EXPECT_EQ(kind_of_status(529), Kind::unavailable);
    EXPECT_EQ(kind_of_status(302), Kind::internal);
    EXPECT_EQ(kind_of_status(0), Kind::internal);
}

TEST(FailureDeathTest, require_prints_the_reason_and_aborts) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    require(true, "fine");
    EXPECT_DEATH(require(false, "two visits at once"), "two visits at once");
}

}  // namespace
}  // namespace base
