// Store: signing keys (table auth.jwks), private halves sealed. Rotation overlaps:
//
//   made ── published, 11 min ──► signs ── until the next one signs ──► verifies, 2 h ──► ended
//
// Verifiers keep a key set for ten minutes, so a key is published longer than that before it signs;
// tokens live an hour at most, so the old key verifies longer than that afterwards.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::chrono::minutes key_lead{11};
inline constexpr std::chrono::minutes key_overlap{120};

struct KeyRow {
    std::string kid;
    std::string public_key;    // Raw 32 bytes.
    base::Json public_jwk;     // As published.
    base::Secret private_key;  // Empty when it does not open with our secret.
    base::Moment created_at, signs_from;
    std::optional<base::Moment> verifies_until;

    bool signs(base::Moment now) const;  // Its time has come and it has not ended.
    bool verifies(base::Moment now) const;
};

// Newest signs_from first; those that have not ended by `now`.
std::vector<KeyRow> read_keys(base::Transaction& transaction, const base::Secret& secret,
                              base::Moment now);

// The one that signs now: the newest whose time has come. When none has, since clocks differ or one
// was put back, the oldest. Null when none opens with our secret.
const KeyRow* signing_key(const std::vector<KeyRow>& keys, base::Moment now);

// Makes the first key when there is none that has not ended; under a lock that all services share.
void ensure_key(base::Transaction& transaction, const base::Secret& secret, base::Moment now);

enum class Rotation {
    gentle,   // Nobody notices.
    at_once,  // Every key of before ends now, and with it every access token; sessions go on.
};

struct Rotated {
    std::string kid;
    base::Moment signs_from;
    bool made = true;  // false: a key that waits for its time was there already.
};

Rotated rotate_keys(base::Transaction& transaction, const base::Secret& secret, Rotation rotation,
                    base::Moment now);

// The row form of a private key: a JSON string of hex of the sealed JWK.
std::string seal_private_jwk(const base::Secret& secret, const base::Json& jwk);
// Also what the service before us sealed.
std::optional<base::Json> open_private_jwk(const base::Secret& secret, std::string_view stored);

}  // namespace auth
