// Days and times as the tools write them: dates are YYYY-MM-DD, times HH:MM, moments ISO 8601 in
// UTC with milliseconds, so that comparing two texts compares two times.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace base {
class Transaction;
}

namespace workspace {

bool is_date(std::string_view text);  // A day that exists: 2027-02-29 does not.
bool is_time(std::string_view text);  // 00:00 to 23:59.

// `date` must be a date. The result stays within the years 0000 to 9999.
std::string plus_days(std::string_view date, int days);

// 1 (Monday) to 7 of a checked date.
int weekday_of(std::string_view date);
// The Monday of its week; the first day of its month.
std::string start_of_week(std::string_view date);
std::string start_of_month(std::string_view date);

// The wire's form of a moment given with any offset; nothing when the text is none.
std::optional<std::string> utc_text(std::string_view text);

// The first moment of a day in a PostgreSQL time zone, in the wire's form.
std::string start_of_day(base::Transaction& transaction, std::string_view zone,
                         std::string_view date);

}  // namespace workspace
