// WebAuthn from the relying party's side: libfido2's and libcbor's only door. Pure: what the
// browser sent and what was asked in, a verdict out. Any bytes may come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace auth {

inline constexpr std::size_t webauthn_credential_id_max = 1023;  // Bytes; the standard's limit.
inline constexpr std::size_t webauthn_response_max = 64 * 1024;  // Bytes of each part.

// What the browser was asked, and by whom.
struct WebauthnRules {
    std::string challenge;             // base64url, as it was sent.
    std::vector<std::string> origins;  // Exactly one of them.
    std::string rp_id;
    bool user_verification = false;  // Required: PIN or biometrics, not only a touch.
};

struct NewCredential {
    std::string id;          // base64url
    std::string public_key;  // Base64 of the COSE key: ES256, EdDSA or RS256.
    std::uint32_t counter = 0;
    bool backup_eligible = false;  // Synchronised between devices.
    bool backed_up = false;
    std::string aaguid;  // A UUID.
};

// `response` is the browser's RegistrationResponseJSON. Attestation is asked for as "none"; packed
// and U2F statements, which some keys send all the same, must be genuine, others are refused.
// Nothing when it does not verify; `why` names the first fault in a few words.
std::optional<NewCredential> verify_registration(const base::Json& response,
                                                 const WebauthnRules& rules,
                                                 std::string* why = nullptr);

struct StoredCredential {
    std::string public_key;  // As NewCredential has it.
    std::uint32_t counter = 0;
};

struct Assertion {
    std::uint32_t counter = 0;
    bool user_verified = false;
    bool backed_up = false;
};

// `response` is the browser's AuthenticationResponseJSON. A counter that does not grow, where the
// authenticator keeps one, is a copy of it: refused.
std::optional<Assertion> verify_assertion(const base::Json& response, const WebauthnRules& rules,
                                          const StoredCredential& credential,
                                          std::string* why = nullptr);

}  // namespace auth
