#include "auth/factors/totp.hpp"

#include <array>
#include <cstdlib>

#include <liboath/oath.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"

namespace auth {

namespace {

constexpr unsigned totp_digits = 6;
constexpr std::int64_t totp_period = 30;  // Seconds.
constexpr std::size_t totp_secret_length = 32;
constexpr std::string_view totp_alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

std::int64_t totp_step(base::Moment at) {
    const auto since = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch());
    return since.count() / totp_period;
}

std::string totp_code_of_step(const base::Secret& secret, std::int64_t step) {
    static const bool ready = oath_init() == OATH_OK;
    base::require(ready, "liboath does not start");
    std::array<char, totp_digits + 1> code{};
    const std::string& key = secret.reveal();
    const int done = oath_totp_generate(key.data(), key.size(), step * totp_period,
                                        OATH_TOTP_DEFAULT_TIME_STEP_SIZE,
                                        OATH_TOTP_DEFAULT_START_TIME, totp_digits, code.data());
    base::require(done == OATH_OK, "liboath cannot compute a code");
    return code.data();
}

std::string totp_base32(const base::Secret& secret) {
    char* text = nullptr;
    std::size_t size = 0;
    const std::string& key = secret.reveal();
    const int done = oath_base32_encode(key.data(), key.size(), &text, &size);
    base::require(done == OATH_OK && text != nullptr, "liboath cannot write base32");
    std::string encoded(text, size);
    std::free(text);
    return encoded.substr(0, encoded.find('='));
}

}  // namespace

base::Secret make_totp_secret() {
    return base::Secret(base::random_text(totp_secret_length, totp_alphabet));
}

std::string totp_code(const base::Secret& secret, base::Moment at) {
    return totp_code_of_step(secret, totp_step(at));
}

std::optional<std::int64_t> step_of_code(const base::Secret& secret, std::string_view code,
                                         base::Moment now) {
    std::optional<std::int64_t> found;
    for (std::int64_t step = totp_step(now) - 1; step <= totp_step(now) + 1; ++step) {
        if (step < 0) continue;
        // Every step is computed and compared, whichever fits.
        if (base::equal_constant_time(totp_code_of_step(secret, step), code)) found = step;
    }
    return found;
}

std::string totp_uri(const base::Secret& secret, std::string_view issuer,
                     std::string_view account) {
    const std::string name = base::url_encode(issuer);
    return "otpauth://totp/" + name + ":" + base::url_encode(account) +
           "?secret=" + totp_base32(secret) + "&issuer=" + name + "&digits=6&period=30";
}

}  // namespace auth
