// No cookie is genuine without our signature, and what we signed is read as it was written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/identity/cookie.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const base::Secret secret("a secret of the fuzzer's");
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (auth::open_cookie(secret, bytes)) std::abort();
    if (bytes.empty()) return 0;
    const auto opened = auth::open_cookie(secret, auth::sign_cookie(secret, bytes));
    if (!opened || opened->reveal() != bytes) std::abort();
    if (auth::open_cookie(base::Secret("another"), auth::sign_cookie(secret, bytes))) std::abort();
    return 0;
}
