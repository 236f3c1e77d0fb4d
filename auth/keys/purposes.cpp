#include "auth/keys/purposes.hpp"

#include <string_view>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

std::string_view purpose_words(Purpose purpose) {
    switch (purpose) {
        case Purpose::cookies: return "auth cookies";
        case Purpose::mailed_links: return "auth mail verification";
        case Purpose::signing_keys: return "auth signing keys";
        case Purpose::outbound: return "auth outbound bodies";
        case Purpose::factors: return "auth factors at rest";
        case Purpose::mailed_codes: return "auth mailed codes";
        case Purpose::devices: return "auth trusted devices";
        case Purpose::handles: return "auth passkey handles";
    }
    base::unreachable("a purpose outside its enumerators");
}

}  // namespace

base::Secret key_for(Purpose purpose, const base::Secret& secret) {
    return base::Secret(base::derive_key(secret.reveal(), purpose_words(purpose)));
}

}  // namespace auth
