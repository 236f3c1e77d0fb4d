// How fast a crowd of visits may grow.
#include "runner/ramp.hpp"

#include <gtest/gtest.h>

namespace {

using runner::Ramp;
using std::chrono::milliseconds;
using std::chrono::seconds;

// As the scheduler asks: ten times a second, and all that may begin does.
int begun_within(Ramp& ramp, base::Steady& now, base::Duration span) {
    int begun = 0;
    for (const base::Steady end = now + span; now < end; now += milliseconds{100}) {
        const int left = ramp.left(now);
        for (int i = 0; i < left; ++i) ramp.take();
        begun += left;
    }
    return begun;
}

TEST(Ramp, AFewBeginAtOnce) {
    base::Steady now{};
    Ramp ramp(8, 128, now);
    EXPECT_GE(ramp.left(now), 8);
}

TEST(Ramp, TenThousandPlacesFillWithinThirtySeconds) {
    base::Steady now{};
    Ramp ramp(10'000, 128, now);
    EXPECT_EQ(ramp.left(now), 128);
    const int half = begun_within(ramp, now, seconds{15});
    EXPECT_NEAR(half, 5'000, 150);
    EXPECT_NEAR(half + begun_within(ramp, now, seconds{15}), 10'000, 150);
}

TEST(Ramp, AThousandPlacesFillAtTheLeastRate) {
    base::Steady now{};
    Ramp ramp(1'000, 128, now);
    EXPECT_NEAR(begun_within(ramp, now, seconds{7}), 1'000, 20);
}

TEST(Ramp, AFreedPlaceIsFilledAtOnce) {
    const base::Steady now{};
    Ramp ramp(10'000, 128, now);
    for (int i = 0; i < 128; ++i) ramp.take();
    EXPECT_EQ(ramp.left(now), 0);
    ramp.give_back();
    EXPECT_EQ(ramp.left(now), 1);
}

TEST(Ramp, ACrowdThatLeftLeavesNoCreditForTheNextTick) {
    base::Steady now{};
    Ramp ramp(10'000, 128, now);
    const int begun = begun_within(ramp, now, seconds{30});
    for (int i = 0; i < begun; ++i) ramp.give_back();
    EXPECT_EQ(ramp.left(now + seconds{3600}), 128);
}

}  // namespace
