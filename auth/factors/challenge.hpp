// Between the first factor and the second: a challenge that the browser keeps in a cookie (other
// programs get its id), and devices that need no second factor for 30 days. Everything runs in the
// caller's transaction; the database holds digests of the ids only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::string_view two_factor_cookie = "mana.two_factor";
inline constexpr std::string_view trust_device_cookie = "mana.trust_device";
inline constexpr std::chrono::minutes challenge_life{10};
inline constexpr std::chrono::hours trust_life{30 * 24};
inline constexpr int challenge_attempts_max = 5;

enum class FirstFactor { password, magic_link, passkey };

struct ChallengeWish {
    std::string user_id;
    FirstFactor first = FirstFactor::password;
    bool remember = true;
};

struct Challenge {
    base::Secret id;
    std::vector<std::string> methods;  // "totp", "otp": what this login may be finished with.
};

Challenge open_challenge(base::Transaction& transaction, const ChallengeWish& wish,
                         base::Moment now);

// A login that waits, its row held until the transaction ends.
struct WaitingLogin {
    std::string id;  // Digest.
    std::string user_id;
    FirstFactor first = FirstFactor::password;
    bool remember = true;
    int attempts = 0;
};

std::optional<WaitingLogin> hold_challenge(base::Transaction& transaction, const base::Secret& id,
                                           base::Moment now);
void count_attempt(base::Transaction& transaction, const WaitingLogin& waiting);
void close_challenge(base::Transaction& transaction, const WaitingLogin& waiting);
// All of a user's: what her old password began ends with it.
void close_challenges_of(base::Transaction& transaction, std::string_view user_id);

// The cookie's payload for a device that is trusted from now on.
base::Secret trust_device(base::Transaction& transaction, const base::Secret& secret,
                          std::string_view user_id, base::Moment now);
// Whether the payload names a trusted device of hers: then it is used up and the next one is
// answered.
std::optional<base::Secret> renew_trust(base::Transaction& transaction, const base::Secret& secret,
                                        std::string_view user_id, const base::Secret& payload,
                                        base::Moment now);

}  // namespace auth
