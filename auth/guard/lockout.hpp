// Store: wrong passwords and the lock that follows. Five within 15 minutes lock the account for 30
// minutes, for the place that guessed: an address the user logged in from lately, or everywhere
// else taken together. So guesses from anywhere share one count, and nobody can be shut out at home
// by a stranger.
//
// A verdict on a password is given only while its row is locked: of any number of parallel
// guesses, five learn whether they were right.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr int lockout_failures_max = 5;
inline constexpr std::chrono::minutes lockout_window{15};
inline constexpr std::chrono::minutes lockout_time{30};

struct LoginPlace {
    std::string email;    // Lower case.
    std::string address;  // Where the client is.
    std::string place;    // The address when known, else ''.
};

LoginPlace find_place(base::Transaction& transaction, std::string_view email,
                      std::string_view address, base::Moment now);

// Until when the account is locked for this place; nothing when it is not.
std::optional<base::Moment> locked_until(base::Transaction& transaction, const LoginPlace& place,
                                         base::Moment now);

enum class Verdict { right, wrong, locked };

// What was found out about a password outside of the transaction.
struct CheckedPassword {
    bool matches = false;
    bool passes_lock = false;  // A right one counts although the place is locked.
};

// Counts a checked password. `right` clears the count and the lock.
Verdict settle_password(base::Transaction& transaction, const LoginPlace& place,
                        const CheckedPassword& password, base::Moment now);

// Opens the account everywhere: its owner has proved herself by another way than the password.
void unlock_account(base::Transaction& transaction, std::string_view email);

// Removes what no rule reads any more, a bounded number of rows.
void forget_old_attempts(base::Transaction& transaction, base::Moment now);

}  // namespace auth
