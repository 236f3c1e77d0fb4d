// JWTs signed with Ed25519 ("EdDSA"): strict reading and checking against a key set. Signing with a
// stored key is auth/token's matter; the encoding of both is here.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace base {

struct JwtRules {
    std::vector<std::string> issuers;  // Exactly one of them.
    std::string audience;              // "aud" is it, or an array that holds it.
    std::chrono::seconds skew{30};     // For exp, nbf and iat.
};

// kid -> raw 32-byte Ed25519 public key.
using JwtKeys = std::map<std::string, std::string, std::less<>>;

// Reads {"keys":[…]}; keys that are not OKP/Ed25519 are left out.
JwtKeys read_jwks(const Json& jwks);

// The claims when signature, algorithm (EdDSA only, never chosen by the token), kid, exp, nbf, iat,
// iss, aud and a non-empty sub all hold; else nothing, and `why` (when given) names the first fault
// in a few words. At most 16 KiB; no "crit"; strict base64url; duplicate members refused.
std::optional<Json> verify_jwt(std::string_view token, const JwtKeys& keys, const JwtRules& rules,
                               Moment now, std::string* why = nullptr);

// header.payload.signature; `claims` in the order given.
std::string sign_jwt(const Json& claims, std::string_view kid, const Secret& private_key);

// The kid of a token that has not been verified; nothing when it is no JWT.
std::optional<std::string> kid_of(std::string_view token);

// A key set fetched from a URL (blocking), cached for a minute: so long a revoked key goes on. An
// unknown kid fetches again, at most once in thirty seconds. When a fetch fails, the keys of before
// stay good for an hour, then verify throws Failure::unavailable. Any inbound thread. Verified
// tokens are cached (bounded) until exp.
class JwtVerifier {
  public:
    JwtVerifier(std::string jwks_url, JwtRules rules, Clock& clock);
    JwtVerifier(const JwtVerifier&) = delete;
    JwtVerifier& operator=(const JwtVerifier&) = delete;

    // Claims, or nothing when the token is not good.
    std::optional<Json> verify(std::string_view token, std::string* why = nullptr);

  private:
    JwtKeys keys_for(std::string_view kid);

    const std::string jwks_url_;
    const JwtRules rules_;
    Clock& clock_;
    std::mutex mutex_;
    JwtKeys keys_;
    std::optional<Steady> fetched_at_, tried_at_;
    std::map<std::string, Json, std::less<>> verified_;  // SHA-256 of the token -> claims.
};

}  // namespace base
