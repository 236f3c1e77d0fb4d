// Time-based one-time codes (RFC 6238: SHA-1, six digits, 30 s); liboath's only door. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace auth {

// 32 characters; their bytes are the key.
base::Secret make_totp_secret();

std::string totp_code(const base::Secret& secret, base::Moment at);

// The 30-second step that a code belongs to: that of `now`, or a neighbour of it, since clocks
// differ; the newest when it fits several. Nothing when it fits none.
std::optional<std::int64_t> step_of_code(const base::Secret& secret, std::string_view code,
                                         base::Moment now);

// What an authenticator app scans: otpauth://totp/…
std::string totp_uri(const base::Secret& secret, std::string_view issuer, std::string_view account);

}  // namespace auth
