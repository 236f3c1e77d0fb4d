#include "workspace/habit_streaks.hpp"

#include <algorithm>
#include <array>

#include "workspace/dates.hpp"

namespace workspace {

namespace {

constexpr std::array<std::string_view, 7> streaks_weekdays = {"mon", "tue", "wed", "thu",
                                                              "fri", "sat", "sun"};

}  // namespace

bool is_due_on(const HabitPlan& plan, std::string_view date) {
    if (plan.weekdays.empty()) return true;
    const std::string_view day =
        streaks_weekdays.at(static_cast<std::size_t>(weekday_of(date) - 1));
    return std::find(plan.weekdays.begin(), plan.weekdays.end(), day) != plan.weekdays.end();
}

HabitStreak streak_of(const HabitPlan& plan, const std::map<std::string, int>& done,
                      const std::string& first, const std::string& today) {
    HabitStreak streak;
    for (std::string day = first; day <= today; day = plus_days(day, 1)) {
        const auto times = done.find(day);
        const bool is_reached = times != done.end() && times->second >= plan.target;
        if (is_due_on(plan, day)) {
            if (is_reached) {
                streak.longest = std::max(streak.longest, ++streak.current);
            } else if (day != today) {
                streak.current = 0;
            }
        }
        if (day == today) break;  // At the last day there is, plus_days() stays.
    }
    return streak;
}

}  // namespace workspace
