#include "base/loop_lag.hpp"

#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
        marks_ += meter_.polled(now_, now_ + asleep, all) ? 1 : 0;
        now_ += asleep;
    }

    const Steady start_{1h};
    Steady now_ = start_;
    Histogram seconds_{{0.001, 0.015, 0.05, 0.1, 1}};
    LagMeter meter_;
    int marks_ = 0;
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
    EXPECT_EQ(marks_, 1);
}

TEST_F(LagMeterTest, a_probe_is_served_when_the_mark_behind_it_comes_up) {
    round(30ms, 0ms, false);  // The mark stands behind the probe at 20 ms.
    round(20ms, 0ms, false);  // The probe at 40 ms waits for the next mark.
    meter_.reached_mark(now_);
    EXPECT_DOUBLE_EQ(seconds_.max(), 0.03);

    round(10ms, 0ms, false);
    meter_.reached_mark(now_ + 5ms);
    EXPECT_EQ(marks_, 2);
    EXPECT_DOUBLE_EQ(seconds_.sum(), 0.03 + 0.025);  // 40 ms: until 65 ms.
}

Task<void> lag_block_once(Loop& loop) {
    co_await loop.sleep(1ms);
    const Steady until = loop.now() + 60ms;
    while (loop.now() < until) {  // What no coroutine may do: it keeps the loop waiting.
    }
    co_await loop.sleep(30ms);
}

Task<void> lag_live_for(Loop& loop, Duration span) {
    co_await loop.sleep(span);
}

// More counters are ready all the time than the loop takes at once: its queue never empties, and
// yet nobody waits for longer than one turn of all of them.
TEST(LoopLag, a_loop_that_never_catches_up_tells_how_long_one_waits) {
    SystemClock clock;
    Loop loop(clock);
    Histogram seconds(Loop::lag_bounds());
    std::vector<int> counters;
    for (int i = 0; i < 600; ++i) {
        counters.push_back(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
        ASSERT_GE(counters.back(), 0);
        loop.watch(counters.back(), EPOLLIN, [](std::uint32_t) {});
    }
    loop.observe_lag(seconds);
    const Steady began = loop.now();
    loop.run(lag_live_for(loop, 200ms));
    const std::chrono::duration<double> lived = loop.now() - began;
    EXPECT_GT(seconds.sum(), 0);
    EXPECT_LT(seconds.max(), lived.count());
    for (const int counter : counters) {
        loop.unwatch(counter);
        ::close(counter);
    }
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
