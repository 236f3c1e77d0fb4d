// Store: passkeys and the challenges browsers sign for them. Everything runs in the caller's
// transaction.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/factors/webauthn.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::string_view passkey_cookie = "mana.better-auth-passkey";
inline constexpr std::chrono::minutes passkey_challenge_life{5};
inline constexpr int passkeys_per_user_max = 20;
inline constexpr std::size_t passkey_name_bytes_max = 100;

struct Passkey {
    std::string id;
    std::string user_id;
    std::string credential_id;  // base64url
    std::string public_key;     // Base64 of the COSE key.
    std::uint32_t counter = 0;
    std::string device_type;  // singleDevice, multiDevice
    bool backed_up = false;
    std::string transports;  // Joined by ','.
    std::optional<std::string> name;
    std::string aaguid;
    base::Moment created_at;
    std::optional<base::Moment> blocked_until;  // Too many wrong assertions.
};

// As better-auth's client reads it.
base::Json passkey_json(const Passkey& passkey);

std::vector<Passkey> passkeys_of(base::Transaction& transaction, std::string_view user_id);
std::optional<Passkey> find_passkey(base::Transaction& transaction, std::string_view id);
// The row is held until the transaction ends.
std::optional<Passkey> hold_passkey_by_credential(base::Transaction& transaction,
                                                  std::string_view credential_id);

struct NewPasskey {
    std::string user_id;
    NewCredential credential;
    std::string transports;
    std::optional<std::string> name;
};
// Nothing when the credential is known already, or the user has as many as one may have.
std::optional<Passkey> insert_passkey(base::Transaction& transaction, const NewPasskey& passkey,
                                      base::Moment now);
void rename_passkey(base::Transaction& transaction, std::string_view id, std::string_view name);
void delete_passkey(base::Transaction& transaction, std::string_view id);

void passkey_used(base::Transaction& transaction, const Passkey& passkey, const Assertion& shown,
                  base::Moment now);
// Ten wrong assertions within a minute block it for five.
void passkey_failed(base::Transaction& transaction, const Passkey& passkey, base::Moment now);

enum class Ceremony { registration, authentication };

struct PasskeyChallenge {
    base::Secret id;        // In the browser's cookie.
    std::string challenge;  // base64url of 32 random bytes.
    std::string user_id;    // Empty: of nobody who is logged in.
};
PasskeyChallenge open_passkey_challenge(base::Transaction& transaction, Ceremony ceremony,
                                        std::string_view user_id, base::Moment now);
// Good once, whatever comes of it.
std::optional<PasskeyChallenge> use_passkey_challenge(base::Transaction& transaction,
                                                      Ceremony ceremony, const base::Secret& id,
                                                      base::Moment now);

}  // namespace auth
