#include "base/clock.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace base {

namespace {

constexpr Duration clock_idle_max = std::chrono::minutes{1};

// Takes digits and marks off the front of a text; every step says whether it fitted.
class ClockReader {
  public:
    explicit ClockReader(std::string_view text) : rest_(text) {}

    bool digits(std::size_t count, int& value) {
        if (rest_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return false;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }
    bool mark(std::string_view any_of) {
        if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    char front() const { return rest_.empty() ? '\0' : rest_.front(); }
    bool empty() const { return rest_.empty(); }

    // Digits after the point, as microseconds; finer digits are dropped.
    bool fraction(std::int64_t& micros) {
        micros = 0;
        std::size_t count = 0;
        std::int64_t unit = 100'000;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
            micros += unit * (rest_.front() - '0');
            unit /= 10;
            rest_.remove_prefix(1);
            if (++count > 9) return false;
        }
        return count > 0;
    }

  private:
    std::string_view rest_;
};

std::optional<std::chrono::minutes> clock_offset(ClockReader& reader) {
    if (reader.mark("Zz")) return std::chrono::minutes{0};
    const bool west = reader.front() == '-';
    int hours = 0;
    int minutes = 0;
    if (!reader.mark("+-") || !reader.digits(2, hours)) return std::nullopt;
    if (!reader.empty()) {
        reader.mark(":");
        if (!reader.digits(2, minutes)) return std::nullopt;
    }
    if (hours > 18 || minutes > 59) return std::nullopt;
    const std::chrono::minutes span{hours * 60 + minutes};
    return west ? -span : span;
}

}  // namespace

Moment SystemClock::now() const {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Steady SystemClock::steady() const {
    return std::chrono::steady_clock::now();
}

Duration SystemClock::idle_until(std::optional<Steady> next) {
    if (!next) return clock_idle_max;
    return std::clamp(*next - steady(), Duration::zero(), clock_idle_max);
}

std::string to_iso(Moment moment) {
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(moment - day)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

std::optional<Moment> from_iso(std::string_view text) {
    ClockReader reader(text);
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    std::int64_t micros = 0;
    const bool shaped = reader.digits(4, year) && reader.mark("-") && reader.digits(2, month) &&
                        reader.mark("-") && reader.digits(2, day) && reader.mark("Tt ") &&
                        reader.digits(2, hour) && reader.mark(":") && reader.digits(2, minute) &&
                        reader.mark(":") && reader.digits(2, second) &&
                        (!reader.mark(".,") || reader.fraction(micros));
    if (!shaped || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    const auto offset = clock_offset(reader);
    if (!date.ok() || !offset || !reader.empty()) return std::nullopt;
    return Moment{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
           std::chrono::minutes{minute} + std::chrono::seconds{second} +
           std::chrono::microseconds{micros} - *offset;
}

}  // namespace base
