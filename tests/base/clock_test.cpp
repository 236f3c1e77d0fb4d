#include "base/clock.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;

constexpr Moment clock_morning =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 9h + 30min;

TEST(clock, prints_milliseconds_in_utc) {
    EXPECT_EQ(to_iso(clock_morning + 250ms), "2026-11-21T09:30:00.250Z");
    EXPECT_EQ(to_iso(clock_morning + 1999us), "2026-11-21T09:30:00.001Z");
    EXPECT_EQ(to_iso(Moment{} - 1us), "1969-12-31T23:59:59.999Z");
}

TEST(clock, reads_what_it_prints) {
    EXPECT_EQ(from_iso(to_iso(clock_morning + 7ms)), clock_morning + 7ms);
}

TEST(clock, reads_the_forms_of_other_systems) {
    EXPECT_EQ(from_iso("2026-11-21T09:30:00Z"), clock_morning);
    EXPECT_EQ(from_iso("2026-11-21 09:30:00.25+00"), clock_morning + 250ms);
    EXPECT_EQ(from_iso("2026-11-21T10:30:00+01:00"), clock_morning);
    EXPECT_EQ(from_iso("2026-11-21T04:00:00-0530"), clock_morning);
    EXPECT_EQ(from_iso("2026-11-21T09:30:00.123456789Z"), clock_morning + 123456us);
    EXPECT_EQ(from_iso("2028-02-29T00:00:00Z"),
              Moment{std::chrono::sys_days{std::chrono::year{2028} / 2 / 29}});
}

TEST(clock, refuses_what_is_no_time) {
    for (const char* text :
         {"", "now", "2026-11-21", "2026-11-21T09:30:00", "2026-13-01T00:00:00Z",
          "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z",
          "2026-11-21T09:30:60Z", "2026-11-21T09:30:00.Z", "2026-11-21T09:30:00+25:00",
          "2026-11-21T09:30:00Zx", "2026-11-21T09:30:00+01:", "+026-11-21T09:30:00Z"}) {
        EXPECT_EQ(from_iso(text), std::nullopt) << text;
    }
}

TEST(clock, system_clock_sleeps_no_longer_than_a_minute) {
    SystemClock clock;
    EXPECT_EQ(clock.idle_until(std::nullopt), 1min);
    EXPECT_EQ(clock.idle_until(clock.steady() + 1h), 1min);
    EXPECT_EQ(clock.idle_until(clock.steady() - 1s), 0s);
    EXPECT_LE(clock.idle_until(clock.steady() + 10ms), 10ms);
}

TEST(clock, fake_clock_jumps_to_the_next_timer) {
    tests::FakeClock clock;
    const Steady before = clock.steady();
    EXPECT_EQ(clock.idle_until(before + 90s), 0s);
    EXPECT_EQ(clock.steady() - before, 90s);
    EXPECT_EQ(clock.now() - tests::FakeClock::start, 90s);
    EXPECT_EQ(clock.idle_until(before), 0s);  // Never backwards.
    EXPECT_EQ(clock.steady() - before, 90s);
}

TEST(clock, fake_clock_stands_still_until_it_is_moved) {
    tests::FakeClock clock(/*jumping=*/false);
    const Steady before = clock.steady();
    EXPECT_GT(clock.idle_until(before + 1s), 0s);
    EXPECT_EQ(clock.steady(), before);
    clock.advance(1500ns);
    clock.advance(500ns);
    EXPECT_EQ(clock.steady() - before, 2us);
    EXPECT_EQ(clock.now() - tests::FakeClock::start, 2us);
}

}  // namespace
}  // namespace base
