#include "catalog/password.hpp"

#include <algorithm>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace catalog {

base::Secret password_of(std::string_view email, const base::Secret& seed_secret) {
    constexpr std::size_t length = 32;
    std::string password =
        base::to_base64(base::hmac_sha256(seed_secret.reveal(), base::lower_ascii(email)));
    std::erase_if(password, [](char c) { return c == '+' || c == '/' || c == '='; });
    password.resize(std::min(password.size(), length));
    return base::Secret(std::move(password));
}

}  // namespace catalog
