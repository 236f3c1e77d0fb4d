// Stored passwords: scrypt in the ancestor's format, behind a gate that bounds how many run at
// once.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace auth {

// "<32 hex characters of salt>:<128 hex characters of key>". The salt text itself, not its bytes,
// is scrypt's salt; the password is NFKC. Takes about 90 ms and 32 MiB.
std::string hash_password(const base::Secret& password);
std::string hash_password(const base::Secret& password, std::string_view salt_hex);
bool password_matches(const base::Secret& password, std::string_view hash);

// Throws Failure::invalid (PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, INVALID_PASSWORD) outside 8..128
// UTF-16 units.
void check_password_length(const base::Secret& password);

// Resource; any thread. The calling thread computes, at most `parallel_max` at a time; at most
// `waiting_max` wait for their turn, others get Failure::unavailable with retry_after.
class Passwords {
  public:
    Passwords(int parallel_max, int waiting_max);
    Passwords(const Passwords&) = delete;
    Passwords& operator=(const Passwords&) = delete;

    std::string hash(const base::Secret& password);
    // Without a hash (unknown user) a comparison of equal cost is made and answers false.
    bool matches(const base::Secret& password, const std::optional<std::string>& hash);

  private:
    class Turn;

    const int parallel_max_, waiting_max_;
    std::mutex mutex_;
    std::condition_variable freed_;
    int running_ = 0, waiting_ = 0;
};

}  // namespace auth
