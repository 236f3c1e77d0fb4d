// The bytes that an authenticator signs, taken apart: who it spoke to, who was there, its counter
// and, at registration, the credential. Pure; any bytes may come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace auth {

struct AttestedCredential {
    std::string aaguid;      // A UUID.
    std::string id;          // Raw bytes.
    std::size_t key_at = 0;  // Where the COSE key begins.
};

struct AuthenticatorData {
    std::string rp_id_hash;
    bool user_present = false;
    bool user_verified = false;
    bool backup_eligible = false;
    bool backed_up = false;
    bool has_extensions = false;
    std::uint32_t counter = 0;
    std::size_t head_size = 0;  // Up to what CBOR follows.
    std::optional<AttestedCredential> credential;
};

std::optional<AuthenticatorData> read_authenticator_data(std::string_view bytes);

// Whether it was made for this site with a person at hand, verified where that is asked for.
bool speaks_for(const AuthenticatorData& data, std::string_view rp_id, bool verified);

// Parts of a browser's answer: a text of it, and bytes of its member `response` (base64url).
std::string response_text(const base::Json& answer, const char* name);
std::optional<std::string> response_bytes(const base::Json& answer, const char* name);

}  // namespace auth
