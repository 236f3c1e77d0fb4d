// Base64, base64url and hex: what is decoded is written back as it was read, so there is one text
// for each value and no second spelling of a token.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/crypto.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto plain = base::from_base64(bytes)) {
        if (base::to_base64(*plain) != bytes) std::abort();
    }
    if (const auto plain = base::from_base64url(bytes)) {
        if (base::to_base64url(*plain) != bytes) std::abort();
    }
    if (const auto plain = base::from_hex(bytes)) {
        if (*base::from_hex(base::to_hex(*plain)) != *plain) std::abort();
    }
    if (*base::from_base64(base::to_base64(bytes)) != bytes) std::abort();
    if (*base::from_base64url(base::to_base64url(bytes)) != bytes) std::abort();
    if (*base::from_hex(base::to_hex(bytes)) != bytes) std::abort();
    return 0;
}
