// Any bytes as an attestation, as what an authenticator signed and as a stored key: a verdict, and
// never "proven" without a signature.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "auth/factors/authenticator_data.hpp"
#include "auth/factors/webauthn.hpp"
#include "base/crypto.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auth::WebauthnRules rules{"c", {"https://o"}, "o"};
    const auto client = [](const char* type) {
        return base::to_base64url(
            base::to_text({{"type", type}, {"challenge", "c"}, {"origin", "https://o"}}));
    };
    const base::Json created = {{"id", "AAAA"},
                                {"response",
                                 {{"clientDataJSON", client("webauthn.create")},
                                  {"attestationObject", base::to_base64url(bytes)}}}};
    static_cast<void>(auth::verify_registration(created, rules));
    // The fuzzer's bytes may well be a registration; behind the hash of our site they are likelier.
    const std::string spoken = base::sha256("o") + std::string(bytes);
    static_cast<void>(auth::read_authenticator_data(spoken));
    const base::Json shown = {{"id", "AAAA"},
                              {"response",
                               {{"clientDataJSON", client("webauthn.get")},
                                {"authenticatorData", base::to_base64url(spoken)},
                                {"signature", base::to_base64url(bytes.substr(0, 72))}}}};
    // A point of order two signs everything; a key of 32 zero bytes is none that was registered.
    static const std::string key =
        base::to_base64(std::string("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", 10) +
                        base::make_ed25519().public_key);
    if (auth::verify_assertion(shown, rules, {key, 0})) std::abort();
    static_cast<void>(auth::verify_assertion(shown, rules, {base::to_base64(bytes), 0}));
    return 0;
}
