#include "workspace/dates.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace workspace {

namespace {

constexpr std::string_view first_moment_of_day =
    "select ($1::date)::timestamp at time zone $2::text as moment";

std::optional<std::chrono::year_month_day> read_day(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    int number[3] = {0, 0, 0};
    int part = 0;
    for (const char letter : text) {
        if (letter == '-') {
            if (++part > 2) return std::nullopt;
        } else if (letter >= '0' && letter <= '9') {
            number[part] = number[part] * 10 + (letter - '0');
        } else {
            return std::nullopt;
        }
    }
    const std::chrono::year_month_day day{std::chrono::year{number[0]},
                                          std::chrono::month{static_cast<unsigned>(number[1])},
                                          std::chrono::day{static_cast<unsigned>(number[2])}};
    // Year 0 is no year of PostgreSQL's calendar.
    if (!day.ok() || number[0] == 0) return std::nullopt;
    return day;
}

}  // namespace

bool is_date(std::string_view text) {
    return read_day(text).has_value();
}

bool is_time(std::string_view text) {
    const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':') return false;
    if (!digit(0) || !digit(1) || !digit(3) || !digit(4)) return false;
    return text.substr(0, 2) <= "23" && text.substr(3) <= "59";
}

std::string plus_days(std::string_view date, int days) {
    const auto day = read_day(date);
    base::require(day.has_value(), "plus_days is given a checked date");
    const std::chrono::sys_days first = std::chrono::year{1} / 1 / 1;
    const std::chrono::sys_days last = std::chrono::year{9999} / 12 / 31;
    const std::chrono::sys_days moved =
        std::clamp(std::chrono::sys_days{*day} + std::chrono::days{days}, first, last);
    const std::chrono::year_month_day result{moved};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(result.year()),
                       static_cast<unsigned>(result.month()), static_cast<unsigned>(result.day()));
}

int weekday_of(std::string_view date) {
    const auto day = read_day(date);
    base::require(day.has_value(), "weekday_of is given a checked date");
    return static_cast<int>(std::chrono::weekday{std::chrono::sys_days{*day}}.iso_encoding());
}

std::string start_of_week(std::string_view date) {
    return plus_days(date, 1 - weekday_of(date));
}

std::string start_of_month(std::string_view date) {
    base::require(is_date(date), "start_of_month is given a checked date");
    return std::string(date.substr(0, 8)) + "01";
}

std::optional<std::string> utc_text(std::string_view text) {
    const auto moment = base::from_iso(text);
    if (!moment) return std::nullopt;
    return base::to_iso(*moment);
}

std::string start_of_day(base::Transaction& transaction, std::string_view zone,
                         std::string_view date) {
    if (zone == "UTC") return std::string(date) + "T00:00:00.000Z";
    return base::to_iso(transaction.run(first_moment_of_day, {date, zone})[0].moment("moment"));
}

}  // namespace workspace
