// A persona's password, derived from her address and the seed secret: the seed writes it, the
// runner logs in with it, nobody stores it.
#pragma once

#include <string_view>

#include "base/secret.hpp"

namespace catalog {

// Refused in production by whoever configures it.
inline constexpr std::string_view development_seed_secret =
    "dev-persona-seed-secret-rotate-in-prod";

// base64(HMAC-SHA-256(secret, address in lower case)) without non-alphanumerics, first 32
// characters.
base::Secret password_of(std::string_view email, const base::Secret& seed_secret);

}  // namespace catalog
