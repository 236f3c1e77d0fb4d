#include "workspace/habit_streaks.hpp"

#include <gtest/gtest.h>

namespace {

using workspace::HabitPlan;
using workspace::HabitStreak;
using workspace::is_due_on;
using workspace::streak_of;

// 2026-11-20 is a Friday.
const std::string today = "2026-11-20", first = "2026-11-01";

TEST(HabitStreaks, CountDueDaysInARowUpToToday) {
    EXPECT_EQ(streak_of({}, {}, first, today), (HabitStreak{0, 0}));
    EXPECT_EQ(streak_of({}, {{"2026-11-18", 1}, {"2026-11-19", 2}}, first, today),
              (HabitStreak{2, 2}))
        << "today is not over";
    EXPECT_EQ(streak_of({}, {{"2026-11-19", 1}, {today, 1}}, first, today), (HabitStreak{2, 2}));
    EXPECT_EQ(
        streak_of({}, {{"2026-11-16", 1}, {"2026-11-17", 1}, {"2026-11-19", 1}}, first, today),
        (HabitStreak{1, 2}));
    EXPECT_EQ(streak_of({}, {{"2026-11-18", 1}}, first, today), (HabitStreak{0, 1}));
}

TEST(HabitStreaks, AskForTheTarget) {
    const HabitPlan twice{.weekdays = {}, .target = 2};

    EXPECT_EQ(streak_of(twice, {{"2026-11-18", 2}, {"2026-11-19", 1}}, first, today),
              (HabitStreak{0, 1}));
}

TEST(HabitStreaks, PassOverDaysOnWhichNothingIsDue) {
    const HabitPlan workdays{.weekdays = {"mon", "wed", "fri"}, .target = 1};

    EXPECT_TRUE(is_due_on(workdays, today));
    EXPECT_FALSE(is_due_on(workdays, "2026-11-19"));
    EXPECT_EQ(streak_of(workdays, {{"2026-11-13", 1}, {"2026-11-16", 1}, {"2026-11-18", 1}}, first,
                        today),
              (HabitStreak{3, 3}));
    EXPECT_EQ(streak_of(workdays, {{"2026-11-17", 1}}, first, today), (HabitStreak{0, 0}))
        << "a day that is not due counts for nothing";
}

// A Friday; plus_days() goes no further.
TEST(HabitStreaks, EndOnTheLastDayThereIs) {
    const std::string last = "9999-12-31";
    const HabitPlan mondays{.weekdays = {"mon"}, .target = 1};

    EXPECT_EQ(streak_of(mondays, {{"9999-12-27", 1}}, "9999-12-01", last), (HabitStreak{1, 1}));
    EXPECT_EQ(streak_of({}, {{last, 1}}, "9999-12-01", last), (HabitStreak{1, 1}));
}

}  // namespace
