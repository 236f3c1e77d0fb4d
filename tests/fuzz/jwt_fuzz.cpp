// No token of any shape is accepted without a signature that fits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/jwt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const base::Ed25519Pair pair = base::make_ed25519();
    static const base::JwtKeys keys{{"k1", pair.public_key}};
    const base::JwtRules rules{{"http://issuer"}, "mana", std::chrono::seconds{30}};
    const std::string_view token(reinterpret_cast<const char*>(data), size);
    if (base::verify_jwt(token, keys, rules, base::Moment{}, nullptr)) std::abort();
    static_cast<void>(base::kid_of(token));
    return 0;
}
