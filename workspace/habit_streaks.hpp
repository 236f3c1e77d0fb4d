// When a habit is due, and for how long it has been kept up. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace workspace {

struct HabitPlan {
    std::vector<std::string> weekdays;  // "mon" … "sun"; empty: every day.
    int target = 1;                     // Times a day.
};

struct HabitStreak {
    int current = 0;  // Due days in a row, up to today; today counts once it is reached.
    int longest = 0;  // Within the days that are known.

    bool operator==(const HabitStreak&) const = default;
};

bool is_due_on(const HabitPlan& plan, std::string_view date);

// `done`: date -> times, of days not before `first`. A day on which the habit is not due neither
// breaks nor lengthens the streak; today breaks nothing before it is over.
HabitStreak streak_of(const HabitPlan& plan, const std::map<std::string, int>& done,
                      const std::string& first, const std::string& today);

}  // namespace workspace
