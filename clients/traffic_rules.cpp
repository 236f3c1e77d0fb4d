#include "clients/traffic_rules.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::array<std::string_view, 4> pace_names{"requests", "tokens", "input-tokens",
                                                     "output-tokens"};
constexpr std::string_view pace_prefix = "anthropic-ratelimit-";
// Whatever an answer says, a limit is full again and a wait over after this.
constexpr double pace_seconds_max = 600;

struct LimitHeaders {
    std::optional<double> limit, remaining;
    std::optional<base::Moment> reset;
};

std::optional<double> pace_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return static_cast<double>(number);
}

std::array<LimitHeaders, 4> limits_in(const base::HttpHeaders& headers) {
    std::array<LimitHeaders, 4> limits;
    for (const auto& [name, value] : headers) {
        if (name.size() <= pace_prefix.size()) continue;
        const std::string lower = base::lower_ascii(name);
        if (!lower.starts_with(pace_prefix)) continue;
        const std::string_view rest = std::string_view(lower).substr(pace_prefix.size());
        const std::size_t dash = rest.rfind('-');
        const auto* kind = std::find(pace_names.begin(), pace_names.end(), rest.substr(0, dash));
        if (dash == std::string_view::npos || kind == pace_names.end()) continue;
        LimitHeaders& limit = limits[static_cast<std::size_t>(kind - pace_names.begin())];
        const std::string_view field = rest.substr(dash + 1), text = base::trim(value);
        if (field == "limit") limit.limit = pace_number(text);
        if (field == "remaining") limit.remaining = pace_number(text);
        if (field == "reset") limit.reset = base::from_iso(text);
    }
    return limits;
}

double pace_seconds(base::Duration span) {
    return std::chrono::duration<double>(span).count();
}

}  // namespace

Places::Places(PlacesOptions options)
    : options_(options),
      exact_(options.adaptive ? std::max(1.0, options.ceiling * options.start_share)
                              : std::max(1, options.ceiling)) {}

bool Places::on_busy(base::Steady sent_at, base::Steady now) {
    if (!options_.adaptive) return false;
    clean_replies_ = 0;
    const bool same_episode =
        ever_shrank_ && (sent_at <= shrank_at_ || now < shrank_at_ + options_.cooldown);
    if (same_episode) return false;
    ever_shrank_ = true;
    shrank_at_ = now;
    exact_ = std::max(1.0, exact_ * (1 - options_.shrink_share));
    return true;
}

bool Places::on_clean_reply(base::Steady sent_at) {
    if (!options_.adaptive || (ever_shrank_ && sent_at <= shrank_at_)) return false;
    if (++clean_replies_ < whole()) return false;
    clean_replies_ = 0;
    const double before = exact_;
    exact_ = std::min(std::max(1.0, static_cast<double>(options_.ceiling)),
                      exact_ * (1 + options_.growth_share));
    return exact_ > before;
}

Pace::Amounts Pace::amounts_of(const Need& need) {
    return {need.requests, need.input_tokens + need.output_tokens, need.input_tokens,
            need.output_tokens};
}

double Pace::Bucket::left_at(base::Steady now) const {
    return std::min(limit, left + per_second * pace_seconds(now - at));
}

void Pace::read(const base::HttpHeaders& headers, base::Moment server_now, base::Steady now) {
    const std::array<LimitHeaders, kinds> limits = limits_in(headers);
    for (std::size_t i = 0; i < kinds; ++i) {
        const LimitHeaders& said = limits[i];
        if (!said.limit || !said.remaining || !said.reset || *said.limit <= 0) continue;
        const double missing = std::max(0.0, *said.limit - *said.remaining);
        const double until_full = pace_seconds(*said.reset - server_now);
        // A full bucket does not say how fast it fills; the limits are given per minute.
        const bool tells = missing > 0 && until_full > 0;
        const double rate =
            tells ? missing / std::min(until_full, pace_seconds_max) : *said.limit / 60;
        buckets_[i] = {.known = true,
                       .limit = *said.limit,
                       .left = *said.remaining,
                       .per_second = rate,
                       .at = now};
    }
}

void Pace::promise(const Need& need) {
    const Amounts amounts = amounts_of(need);
    for (std::size_t i = 0; i < kinds; ++i) promised_[i] += amounts[i];
}

void Pace::take_back(const Need& need) {
    const Amounts amounts = amounts_of(need);
    for (std::size_t i = 0; i < kinds; ++i) promised_[i] = std::max(0.0, promised_[i] - amounts[i]);
}

void Pace::spend(const Need& need, base::Steady now) {
    const Amounts amounts = amounts_of(need);
    for (std::size_t i = 0; i < kinds; ++i) {
        Bucket& bucket = buckets_[i];
        if (!bucket.known) continue;
        bucket.left = bucket.left_at(now) - amounts[i];
        bucket.at = now;
    }
}

base::Duration Pace::delay(base::Steady now) const {
    double seconds = 0;
    for (std::size_t i = 0; i < kinds; ++i) {
        const Bucket& bucket = buckets_[i];
        if (!bucket.known) continue;
        const double missing = promised_[i] - bucket.left_at(now);
        if (missing > 0) seconds = std::max(seconds, missing / bucket.per_second);
    }
    seconds = std::min(seconds, pace_seconds_max);
    return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace clients
