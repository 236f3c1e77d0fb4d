#include "auth/identity/limits.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "tests/support/fake_clock.hpp"

namespace auth {
namespace {

std::optional<std::chrono::milliseconds> limits_wait(AddressLimits& limits,
                                                     const std::string& who) {
    try {
        limits.admit(sign_in_limit, who);
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.code(), "RATE_LIMITED");
        EXPECT_EQ(failure.kind(), base::Failure::Kind::throttled);
        return failure.retry_after();
    }
    return std::nullopt;
}

// auth-api-doubts B24: what counts is the socket's address, so nobody goes uncounted.
TEST(Limits, TheFourthRequestInTenSecondsWaits) {
    tests::FakeClock clock;
    AddressLimits limits(true, clock);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(limits_wait(limits, "10.0.0.1"));

    EXPECT_EQ(limits_wait(limits, "10.0.0.1"), std::chrono::seconds(10));
    EXPECT_FALSE(limits_wait(limits, "10.0.0.2"));

    clock.advance(std::chrono::seconds(10));
    EXPECT_FALSE(limits_wait(limits, "10.0.0.1"));
}

TEST(Limits, OneNetworkOfIpv6IsOne) {
    tests::FakeClock clock;
    AddressLimits limits(true, clock);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(limits_wait(limits, "2001:db8:1:2::" + std::to_string(i + 1)));
    }

    EXPECT_TRUE(limits_wait(limits, "2001:db8:1:2:ffff::9"));
    EXPECT_FALSE(limits_wait(limits, "2001:db8:1:3::1"));
}

TEST(Limits, SwitchedOffTheyAdmitEverybody) {
    tests::FakeClock clock;
    AddressLimits limits(false, clock);
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(limits_wait(limits, "10.0.0.1"));
}

TEST(Limits, AFloodOfAddressesDoesNotGrowForEver) {
    tests::FakeClock clock;
    AddressLimits limits(true, clock);
    for (int i = 0; i < 25'000; ++i) limits.admit(sign_in_limit, std::to_string(i));

    EXPECT_FALSE(limits_wait(limits, "fresh"));
}

}  // namespace
}  // namespace auth
