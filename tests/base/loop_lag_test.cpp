#include "base/loop_lag.hpp"

#include <gtest/gtest.h>

#include "base/loop.hpp"
#include "base/metrics.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;

class LagMeterTest : public testing::Test {
  protected:
    LagMeterTest() { meter_.begin(seconds_, start_); }
    // The loop slept in the middle of `busy` and `asleep`.
    void round(Duration busy, Duration asleep, bool all = true) {
        now_ += busy;
        meter_.polled(now_, now_ + asleep, all);
        now_ += asleep;
    }

    const Steady start_{1h};
    Steady now_ = start_;
    Histogram seconds_{{0.001, 0.015, 0.05, 0.1, 1}};
    LagMeter meter_;
};

TEST_F(LagMeterTest, asleep_means_ready) {
    for (int i = 0; i < 100; ++i) round(0ms, 50ms);
    EXPECT_EQ(seconds_.quantile(1), 0);
}

TEST_F(LagMeterTest, probes_wait_until_the_work_is_done) {
    round(95ms, 5ms);  // Probes at 20, 40, 60 and 80 ms wait 75, 55, 35 and 15 ms.
    EXPECT_DOUBLE_EQ(seconds_.max(), 0.075);
    EXPECT_EQ(seconds_.quantile(0.25), 0.015);
    EXPECT_EQ(seconds_.quantile(0.5), 0.05);
    round(0ms, 1s);  // 50 probes find it ready.
    EXPECT_EQ(seconds_.quantile(0.5), 0.001);
}

TEST_F(LagMeterTest, the_work_goes_on_while_sockets_are_left_behind) {
    round(30ms, 0ms, false);
    round(30ms, 0ms, false);
    round(30ms, 0ms, true);
    EXPECT_DOUBLE_EQ(seconds_.max(), 0.07);
}

Task<void> lag_block_once(Loop& loop) {
    co_await loop.sleep(1ms);
    const Steady until = loop.now() + 60ms;
    while (loop.now() < until) {  // What no coroutine may do: it keeps the loop waiting.
    }
    co_await loop.sleep(30ms);
}

TEST(LoopLag, a_loop_that_is_kept_waiting_tells) {
    SystemClock clock;
    Loop loop(clock);
    Histogram seconds({0.01, 0.03, 1});
    loop.observe_lag(seconds);
    loop.run(lag_block_once(loop));
    EXPECT_GE(seconds.max(), 0.04);
}

}  // namespace
}  // namespace base
