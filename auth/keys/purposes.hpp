// One secret, many keys: each purpose has a key of its own (HKDF), so that what serves one purpose
// never opens another. What the service before us made with the secret itself is still read.
#pragma once

#include "base/secret.hpp"

namespace auth {

enum class Purpose {
    cookies,       // HMAC of cookies.
    mailed_links,  // HMAC of tokens in mailed links.
    signing_keys,  // Box of private signing keys.
    outbound,      // Box of what waits for other services.
    factors,       // Box of one-time-code secrets and backup codes.
    mailed_codes,  // HMAC of short codes that are mailed.
    devices,       // HMAC of trusted devices' ids.
    handles,       // HMAC that passkeys know a user by.
};

// 32 bytes. `secret` is BETTER_AUTH_SECRET.
base::Secret key_for(Purpose purpose, const base::Secret& secret);

}  // namespace auth
