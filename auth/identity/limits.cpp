#include "auth/identity/limits.hpp"

#include <arpa/inet.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr std::size_t limits_counts_max = 20'000;

std::string limits_network(std::string_view who) {
    in6_addr address{};
    const std::string text(who);
    if (text.find(':') == std::string::npos || inet_pton(AF_INET6, text.c_str(), &address) != 1) {
        return text;
    }
    return base::to_hex({reinterpret_cast<const char*>(address.s6_addr), 8});
}

}  // namespace

AddressLimits::AddressLimits(bool enabled, base::Clock& clock) : enabled_(enabled), clock_(clock) {}

void AddressLimits::admit(const LimitRule& rule, std::string_view who) {
    if (!enabled_) return;
    const std::string key = std::string(rule.name) + " " + limits_network(who);
    const base::Steady now = clock_.steady();
    const std::lock_guard lock(mutex_);
    if (counts_.size() >= limits_counts_max) {
        // Sweeping looks at every count, so a flood may cause it once a second at most.
        if (now >= next_sweep_) {
            std::erase_if(counts_, [&](const auto& entry) { return entry.second.until <= now; });
            next_sweep_ = now + std::chrono::seconds(1);
        }
        // A flood from many networks: forgetting one of them is better than growing.
        if (counts_.size() >= limits_counts_max) counts_.erase(counts_.begin());
    }
    Count& count = counts_[key];
    if (count.requests == 0 || now >= count.until) count = {now + rule.window, 0};
    if (count.requests >= rule.requests_max) {
        const auto wait =
            std::chrono::ceil<std::chrono::seconds>(std::chrono::nanoseconds(count.until - now));
        throw base::Failure(base::Failure::Kind::throttled,
                            "too many requests from this address; wait and try again",
                            "RATE_LIMITED")
            .retry_after(wait);
    }
    ++count.requests;
}

}  // namespace auth
