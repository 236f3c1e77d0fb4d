#include "auth/identity/credential.hpp"

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/metrics.hpp"
#include "base/unicode.hpp"
#include "catalog/password.hpp"

namespace auth {

namespace {

constexpr std::size_t credential_salt_hex = 32;
constexpr std::size_t credential_key_hex = 128;
constexpr std::size_t credential_units_min = 8;
constexpr std::size_t credential_units_max = 128;
constexpr std::string_view credential_light = "persona-v1:";
constexpr std::size_t credential_mac_hex = 64;

std::string credential_light_hash(const base::Secret& password, std::string_view salt_hex) {
    const base::Secret normal(base::normalize_nfkc(password.reveal()));
    return std::string(credential_light) + std::string(salt_hex) + ":" +
           base::to_hex(base::hmac_sha256(salt_hex, normal.reveal()));
}

}  // namespace

std::string hash_password(const base::Secret& password, std::string_view salt_hex) {
    const base::Secret normal(base::normalize_nfkc(password.reveal()));
    return std::string(salt_hex) + ":" + base::to_hex(base::scrypt(normal.reveal(), salt_hex));
}

std::string hash_password(const base::Secret& password) {
    return hash_password(password, base::to_hex(base::random_bytes(credential_salt_hex / 2)));
}

std::string hash_derived_password(const base::Secret& password) {
    return credential_light_hash(password,
                                 base::to_hex(base::random_bytes(credential_salt_hex / 2)));
}

bool is_scrypt_hash(std::string_view hash) {
    return hash.size() == credential_salt_hex + 1 + credential_key_hex &&
           hash[credential_salt_hex] == ':';
}

bool is_light_hash(std::string_view hash) {
    return hash.size() == credential_light.size() + credential_salt_hex + 1 + credential_mac_hex &&
           hash.starts_with(credential_light) &&
           hash[credential_light.size() + credential_salt_hex] == ':';
}

bool password_matches(const base::Secret& password, std::string_view hash) {
    if (is_light_hash(hash)) {
        const auto salt = hash.substr(credential_light.size(), credential_salt_hex);
        return base::equal_constant_time(credential_light_hash(password, salt), hash);
    }
    if (!is_scrypt_hash(hash)) return false;
    return base::equal_constant_time(hash_password(password, hash.substr(0, credential_salt_hex)),
                                     hash);
}

void check_password_length(const base::Secret& password, std::string_view name) {
    using base::Failure;
    const std::string field(name);
    if (password.empty()) {
        throw Failure(Failure::Kind::invalid, field + ": must not be empty", "INVALID_PASSWORD");
    }
    const std::size_t units = base::utf16_length(password.reveal());
    if (units < credential_units_min) {
        throw Failure(Failure::Kind::invalid, field + ": must have at least 8 characters",
                      "PASSWORD_TOO_SHORT");
    }
    if (units > credential_units_max) {
        throw Failure(Failure::Kind::invalid, field + ": must have at most 128 characters",
                      "PASSWORD_TOO_LONG");
    }
}

Passwords::Passwords(PasswordOptions options)
    : options_(std::move(options)), pool_(options_.parallel_max, options_.waiting_max) {}

template <class Work>
auto Passwords::slowly(const Work& work) {
    decltype(work()) result{};
    pool_.run([&] {
        if (options_.scrypts) options_.scrypts->add();
        result = work();
    });
    return result;
}

std::string Passwords::hash(const base::Secret& password) {
    return slowly([&] { return hash_password(password); });
}

std::string Passwords::hash_of_persona(std::string_view email, const base::Secret& password) {
    return is_derived(email, password) ? hash_derived_password(password) : hash(password);
}

bool Passwords::is_derived(std::string_view email, const base::Secret& password) const {
    if (options_.seed_secret.empty()) return false;
    return base::equal_constant_time(password.reveal(),
                                     catalog::password_of(email, options_.seed_secret).reveal());
}

bool Passwords::matches(const base::Secret& password, const std::optional<std::string>& hash) {
    // A hash that no password has: what it costs is all that matters.
    static const std::string nobody =
        std::string(credential_salt_hex, '0') + ":" + std::string(credential_key_hex, '0');
    const bool light = hash && is_light_hash(*hash);
    if (light && password_matches(password, *hash)) return true;
    const bool slow = hash && is_scrypt_hash(*hash);
    const bool equal = slowly([&] { return password_matches(password, slow ? *hash : nobody); });
    return equal && slow;
}

}  // namespace auth
