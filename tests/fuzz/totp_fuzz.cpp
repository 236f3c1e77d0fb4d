// A code of any shape fits a step only when it is that step's code; sealed texts of any shape open
// only when they were sealed here.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "auth/factors/sealing.hpp"
#include "auth/factors/totp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const base::Secret key("12345678901234567890");
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const base::Moment now{std::chrono::seconds(3000)};
    const auto step = auth::step_of_code(key, bytes, now);
    if (step) {
        const base::Moment then{std::chrono::seconds(*step * 30)};
        if (*step < 99 || *step > 101 || auth::totp_code(key, then) != bytes) std::abort();
    }
    // Any bytes are a key too.
    const base::Secret other{std::string(bytes)};
    const std::string code = auth::totp_code(other, now);
    if (code.size() != 6 || auth::step_of_code(other, code, now).value_or(0) < 99) std::abort();
    if (auth::open_factor(key, bytes)) std::abort();
    return 0;
}
