// How factors look at rest: secrets sealed with a key of their own, ids as digests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace auth {

// "v1:<hex>": XChaCha20-Poly1305 by a key that is derived for this purpose alone.
std::string seal_factor(const base::Secret& secret, std::string_view plain);
// Also opens what the ancestor sealed (bare hex, key = SHA-256 of the secret).
std::optional<base::Secret> open_factor(const base::Secret& secret, std::string_view stored);

// "sha256:<hex>": what stands in the database for an id that somebody presents.
std::string factor_digest(std::string_view id);

// Hex of an HMAC bound to its holder: for codes that are short enough to be guessed from a digest.
std::string mac_of_code(const base::Secret& secret, std::string_view holder, std::string_view code);

}  // namespace auth
