#include "auth/factors/sealing.hpp"

#include "auth/keys/purposes.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::string_view sealing_mark = "v1:";

}  // namespace

std::string seal_factor(const base::Secret& secret, std::string_view plain) {
    const std::string box = base::seal(key_for(Purpose::factors, secret).reveal(), plain);
    return std::string(sealing_mark) + base::to_hex(box);
}

std::optional<base::Secret> open_factor(const base::Secret& secret, std::string_view stored) {
    const bool ours = stored.starts_with(sealing_mark);
    const auto box = base::from_hex(ours ? stored.substr(sealing_mark.size()) : stored);
    if (!box) return std::nullopt;
    const base::Secret key =
        ours ? key_for(Purpose::factors, secret) : base::Secret(base::sha256(secret.reveal()));
    auto plain = base::open_sealed(key.reveal(), *box);
    if (!plain) return std::nullopt;
    return base::Secret(std::move(*plain));
}

std::string factor_digest(std::string_view id) {
    return "sha256:" + base::to_hex(base::sha256(id));
}

std::string mac_of_code(const base::Secret& secret, std::string_view holder,
                        std::string_view code) {
    const base::Secret key = key_for(Purpose::mailed_codes, secret);
    return base::to_hex(
        base::hmac_sha256(key.reveal(), std::string(holder) + "\n" + std::string(code)));
}

}  // namespace auth
