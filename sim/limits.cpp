#include "sim/limits.hpp"

#include <algorithm>
#include <cmath>

namespace sim {

namespace {

double limits_seconds(base::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string limit_account(const std::string& key, std::string_view model) {
    return key + '\n' + std::string(model);
}

Limits::Account& Limits::account(const std::string& name, base::Steady now) {
    // Beyond the cap all strangers share one account.
    const bool full = accounts_.size() >= options_.accounts_max && !accounts_.contains(name);
    const auto added = accounts_.try_emplace(full ? "" : name);
    const bool fresh = added.second;
    Account& one = added.first->second;
    const auto refill = [now, fresh](Bucket& bucket, long per_minute) {
        const auto full_bucket = static_cast<double>(per_minute);
        if (fresh) {
            bucket.left = full_bucket;
        } else {
            bucket.left += limits_seconds(now - bucket.at) * full_bucket / 60;
            bucket.left = std::min(bucket.left, full_bucket);
        }
        bucket.at = now;
    };
    refill(one.requests, options_.requests_per_minute);
    refill(one.input, options_.input_tokens_per_minute);
    refill(one.output, options_.output_tokens_per_minute);
    return one;
}

std::optional<std::chrono::seconds> Limits::take_request(const std::string& name,
                                                         base::Steady now) {
    Account& one = account(name, now);
    const auto wait = [](const Bucket& bucket, double need, long per_minute) {
        const double missing = need - bucket.left;
        return missing <= 0 ? 0 : std::ceil(missing * 60 / static_cast<double>(per_minute));
    };
    const double seconds = std::max({wait(one.requests, 1, options_.requests_per_minute),
                                     wait(one.input, 1, options_.input_tokens_per_minute),
                                     wait(one.output, 1, options_.output_tokens_per_minute)});
    if (seconds > 0) return std::chrono::seconds(std::max(1L, std::lround(seconds)));
    one.requests.left -= 1;
    return std::nullopt;
}

void Limits::take_tokens(const std::string& name, long input, long output, base::Steady now) {
    Account& one = account(name, now);
    one.input.left -= static_cast<double>(input);
    one.output.left -= static_cast<double>(output);
}

std::vector<std::pair<std::string, std::string>> Limits::headers(const std::string& name,
                                                                 base::Steady steady,
                                                                 base::Moment now) {
    Account& one = account(name, steady);
    std::vector<std::pair<std::string, std::string>> headers;
    const auto add = [&](const std::string& name, const Bucket& bucket, long limit, long rounding) {
        const std::string prefix = "anthropic-ratelimit-" + name + "-";
        const long left = std::max(0L, std::lround(bucket.left)) / rounding * rounding;
        const double seconds =
            (static_cast<double>(limit) - bucket.left) * 60 / static_cast<double>(limit);
        headers.emplace_back(prefix + "limit", std::to_string(limit));
        headers.emplace_back(prefix + "remaining", std::to_string(left));
        headers.emplace_back(prefix + "reset",
                             base::to_iso(now + std::chrono::milliseconds(
                                                    std::lround(std::max(0.0, seconds) * 1000))));
    };
    add("requests", one.requests, options_.requests_per_minute, 1);
    add("input-tokens", one.input, options_.input_tokens_per_minute, 1000);
    add("output-tokens", one.output, options_.output_tokens_per_minute, 1000);
    // The combined figure tells of the bucket that is emptier.
    const double input_share =
        one.input.left / static_cast<double>(options_.input_tokens_per_minute);
    const double output_share =
        one.output.left / static_cast<double>(options_.output_tokens_per_minute);
    if (input_share < output_share) {
        add("tokens", one.input, options_.input_tokens_per_minute, 1000);
    } else {
        add("tokens", one.output, options_.output_tokens_per_minute, 1000);
    }
    return headers;
}

}  // namespace sim
