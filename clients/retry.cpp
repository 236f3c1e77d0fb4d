#include "clients/retry.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"

namespace clients {

namespace {

using std::chrono::milliseconds;

constexpr int retry_doublings_max = 20;

bool retry_is_useful(const base::Failure& failure) {
    switch (failure.kind()) {
        case base::Failure::Kind::unavailable: return true;
        case base::Failure::Kind::throttled:
            // The model's API answers an exhausted spending limit with 429 and demands no wait.
            return failure.status() != 429 || failure.retry_after().has_value();
        default: return false;
    }
}

milliseconds retry_backoff(const RetryPolicy& policy, int attempts_made, double random01) {
    const int doublings = std::clamp(attempts_made - 1, 0, retry_doublings_max);
    const double grown = static_cast<double>(policy.backoff_base.count()) *
                         static_cast<double>(std::int64_t{1} << doublings);
    const double span = std::min(grown, static_cast<double>(policy.backoff_cap.count()));
    return milliseconds{static_cast<std::int64_t>(span * std::clamp(random01, 0.0, 1.0))};
}

std::optional<std::int64_t> retry_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return std::int64_t{1} << 40;
    if (error != std::errc{} || text.empty()) return std::nullopt;
    // A fraction of a second is rounded up, so that we never come too early.
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (rest.empty()) return value;
    const bool fraction = rest.front() == '.' && rest.size() > 1 &&
                          rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
    if (!fraction) return std::nullopt;
    return value + 1;
}

}  // namespace

std::optional<milliseconds> wait_before_retry(const RetryPolicy& policy, int attempts_made,
                                              const base::Failure& failure, double random01) {
    if (attempts_made >= policy.attempts_max || !retry_is_useful(failure)) return std::nullopt;
    const std::optional<milliseconds> demanded = failure.retry_after();
    if (!demanded || *demanded <= milliseconds{0}) {
        return retry_backoff(policy, attempts_made, random01);
    }
    if (*demanded > policy.retry_after_max) return std::nullopt;
    // A little later than demanded, each waiter at another moment.
    return *demanded + retry_backoff(policy, 1, random01);
}

std::optional<milliseconds> demanded_wait(std::string_view milliseconds_header,
                                          std::string_view retry_after_header, base::Moment now) {
    if (const auto count = retry_number(base::trim(milliseconds_header))) {
        return milliseconds{std::max<std::int64_t>(*count, 0)};
    }
    const std::string_view text = base::trim(retry_after_header);
    if (const auto count = retry_number(text)) {
        return milliseconds{std::max<std::int64_t>(*count, 0) * 1'000};
    }
    if (const auto date = http_date(text)) {
        return std::max(std::chrono::ceil<milliseconds>(*date - now), milliseconds{0});
    }
    return std::nullopt;
}

std::optional<base::Moment> http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || !text.ends_with(" GMT") || text[3] != ',') return std::nullopt;
    const auto number = [text](std::size_t at, std::size_t length) {
        const std::string_view digits = text.substr(at, length);
        if (digits.find_first_not_of("0123456789") != std::string_view::npos) return -1;
        int value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    };
    const auto* month = std::find(months.begin(), months.end(), text.substr(8, 3));
    const int day = number(5, 2), year = number(12, 4);
    const int hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
    if (month == months.end() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60 || day < 1 || year < 1970) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{
        std::chrono::year{year},
        std::chrono::month{static_cast<unsigned>(month - months.begin() + 1)},
        std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return std::nullopt;
    return base::Moment{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
           std::chrono::minutes{minute} + std::chrono::seconds{second};
}

}  // namespace clients
