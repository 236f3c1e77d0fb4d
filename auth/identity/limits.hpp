// How often one address, or one mail box, may ask for what costs us a hash or a mail.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace auth {

struct LimitRule {
    std::string_view name;
    int requests_max;
    std::chrono::seconds window;
};

inline constexpr LimitRule sign_in_limit{"sign-in", 3, std::chrono::seconds(10)};
inline constexpr LimitRule sign_up_limit{"sign-up", 3, std::chrono::seconds(10)};
inline constexpr LimitRule mail_limit{"mail", 3, std::chrono::seconds(60)};

// Resource; any thread. Counts are per process; the password lockout, which must hold across
// processes, is in the database.
class AddressLimits {
  public:
    AddressLimits(bool enabled, base::Clock& clock);
    AddressLimits(const AddressLimits&) = delete;
    AddressLimits& operator=(const AddressLimits&) = delete;

    // Throws Failure::throttled (RATE_LIMITED, with retry_after) past the rule. IPv6 addresses
    // count by their /64 network.
    void admit(const LimitRule& rule, std::string_view who);

  private:
    struct Count {
        base::Steady until;
        int requests = 0;
    };

    const bool enabled_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Count, std::less<>> counts_;
    base::Steady next_sweep_{};
};

}  // namespace auth
