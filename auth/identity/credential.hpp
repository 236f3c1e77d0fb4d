// Stored passwords: scrypt in the ancestor's format, behind a gate that bounds how many run at
// once, and a light form for the one password that nobody can guess: a persona's derived one.
//
//   scrypt   <32 hex of salt>:<128 hex of key>               everybody; 93 ms and 32 MiB
//   light    persona-v1:<32 hex of salt>:<64 hex of mac>     derived passwords of personas only
//
// The light form is HMAC-SHA-256 with the salt text as key. Slow hashes exist because people choose
// passwords that can be listed; a derived one is 32 letters and digits of an HMAC, at least 190
// bits, which no speed of trying reaches. That rests on PERSONA_SEED_SECRET being random itself:
// who steals a light hash can try seed secrets as fast as HMACs go.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/guard/hash_pool.hpp"
#include "base/secret.hpp"

namespace base {
class Counter;
}

namespace auth {

// "<32 hex characters of salt>:<128 hex characters of key>". The salt text itself, not its bytes,
// is scrypt's salt; the password is NFKC. Takes about 90 ms and 32 MiB.
std::string hash_password(const base::Secret& password);
std::string hash_password(const base::Secret& password, std::string_view salt_hex);

// The light form, for a password of at least 190 bits that nobody chose. Takes microseconds.
std::string hash_derived_password(const base::Secret& password);
bool is_light_hash(std::string_view hash);
bool is_scrypt_hash(std::string_view hash);

// Either form; a text of neither matches nothing.
bool password_matches(const base::Secret& password, std::string_view hash);

// Throws Failure::invalid (PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG, INVALID_PASSWORD) outside 8..128
// UTF-16 units; `name` is the field's.
void check_password_length(const base::Secret& password, std::string_view name = "password");

struct PasswordOptions {
    int parallel_max = 2;      // scrypts at a time; each takes a core and its memory.
    int waiting_max = 32;      // For their turn; past it Failure::unavailable with retry_after.
    base::Secret seed_secret;  // PERSONA_SEED_SECRET; empty: no password counts as derived.
    base::Counter* scrypts = nullptr;  // How many were computed; outlives the passwords.
};

// Resource; any thread. Slow hashes are computed by a pool of its own (see HashPool for what it
// throws when too many wait), everything else by the calling thread.
class Passwords {
  public:
    explicit Passwords(PasswordOptions options);
    Passwords(const Passwords&) = delete;
    Passwords& operator=(const Passwords&) = delete;

    // Always scrypt: what a person chose.
    std::string hash(const base::Secret& password);
    // For a user of kind persona: light when the password is the derived one of this address,
    // scrypt otherwise.
    std::string hash_of_persona(std::string_view email, const base::Secret& password);
    bool is_derived(std::string_view email, const base::Secret& password) const;

    // Whatever is stored (nothing: unknown user; light; scrypt), a wrong password costs exactly one
    // scrypt, so that time tells nothing. A right one costs what its form costs.
    bool matches(const base::Secret& password, const std::optional<std::string>& hash);

  private:
    template <class Work>
    auto slowly(const Work& work);

    const PasswordOptions options_;
    HashPool pool_;
};

}  // namespace auth
