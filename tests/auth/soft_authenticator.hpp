// An authenticator in software for tests: an Ed25519 key, a counter, and every way to lie.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"

namespace tests {

class SoftAuthenticator {
  public:
    std::string origin = "http://localhost:5173";
    std::string rp_id = "localhost";
    std::uint32_t counter = 0;
    bool user_present = true;
    bool user_verified = true;
    std::string format = "none";
    std::string type_create = "webauthn.create", type_get = "webauthn.get";
    std::string id = base::random_bytes(16);

    std::string credential_id() const { return base::to_base64url(id); }

    // RegistrationResponseJSON for the challenge of the options.
    base::Json create(const std::string& challenge) {
        const std::string data = authenticator_data(true);
        std::string object = "\xa3";
        object +=
            text("fmt") + text(format) + text("attStmt") + "\xa0" + text("authData") + bytes(data);
        return {{"id", credential_id()},
                {"rawId", credential_id()},
                {"type", "public-key"},
                {"response",
                 {{"clientDataJSON", base::to_base64url(client_data(type_create, challenge))},
                  {"attestationObject", base::to_base64url(object)},
                  {"transports", {"internal", "made-up", "hybrid"}}}}};
    }

    // AuthenticationResponseJSON.
    base::Json get(const std::string& challenge) {
        ++counter;
        const std::string data = authenticator_data(false);
        const std::string client = client_data(type_get, challenge);
        const std::string signature =
            base::sign_ed25519(key_.private_key, data + base::sha256(client));
        return {{"id", credential_id()},
                {"rawId", credential_id()},
                {"type", "public-key"},
                {"response",
                 {{"clientDataJSON", base::to_base64url(client)},
                  {"authenticatorData", base::to_base64url(data)},
                  {"signature", base::to_base64url(signature)}}}};
    }

  private:
    // CBOR of a text, of bytes (16-bit length).
    static std::string text(const std::string& value) {
        return std::string(1, static_cast<char>(0x60 + value.size())) + value;
    }
    static std::string bytes(const std::string& value) {
        std::string head = "\x59";
        head += static_cast<char>(value.size() >> 8);
        head += static_cast<char>(value.size() & 0xff);
        return head + value;
    }
    std::string cose_key() const {
        // {1: 1 (OKP), 3: -8 (EdDSA), -1: 6 (Ed25519), -2: the point}
        return std::string("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", 10) + key_.public_key;
    }
    std::string authenticator_data(bool with_credential) const {
        std::string data = base::sha256(rp_id);
        data += static_cast<char>((user_present ? 1 : 0) | (user_verified ? 4 : 0) |
                                  (with_credential ? 0x40 : 0));
        for (const int shift : {24, 16, 8, 0}) data += static_cast<char>(counter >> shift & 0xff);
        if (!with_credential) return data;
        data += std::string(16, '\x01');
        data += '\0';
        data += static_cast<char>(id.size());
        return data + id + cose_key();
    }
    std::string client_data(const std::string& type, const std::string& challenge) const {
        return base::to_text(
            {{"type", type}, {"challenge", challenge}, {"origin", origin}, {"crossOrigin", false}});
    }

    base::Ed25519Pair key_ = base::make_ed25519();
};

}  // namespace tests
