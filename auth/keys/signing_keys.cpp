#include "auth/keys/signing_keys.hpp"

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/jwt.hpp"
#include "base/log.hpp"

namespace auth {

namespace {

// How long a revoked key goes on here, and how soon one that others made is looked for.
constexpr auto keys_fresh = std::chrono::seconds(10);
constexpr auto keys_pause = std::chrono::seconds(1);
constexpr auto keys_skew = std::chrono::seconds(5);  // Several services mint; clocks differ.

bool keys_are_old(const std::vector<KeyRow>& keys, int days, base::Moment now) {
    return days > 0 && !keys.empty() && keys.front().signs_from + std::chrono::days(days) <= now;
}

}  // namespace

SigningKeys::SigningKeys(base::Postgres& database, const Options& options, base::Clock& clock)
    : database_(database), options_(options), clock_(clock) {}

SigningKeys::Keys SigningKeys::read() {
    const base::Moment now = clock_.now();
    return database_.transact([&](base::Transaction& transaction) {
        auto found = read_keys(transaction, options_.secret, now);
        if (keys_are_old(found, options_.key_days, now)) {
            const Rotated next = rotate_keys(transaction, options_.secret, Rotation::gentle, now);
            if (next.made) {
                base::log_info("signing key made",
                               {{"key", next.kid}, {"signs_from", base::to_iso(next.signs_from)}});
            }
            found = read_keys(transaction, options_.secret, now);
        }
        return std::make_shared<const std::vector<KeyRow>>(std::move(found));
    });
}

void SigningKeys::load() {
    const base::Moment now = clock_.now();
    database_.transact(
        [&](base::Transaction& transaction) { ensure_key(transaction, options_.secret, now); });
    auto found = read();
    const auto due = std::find_if(found->begin(), found->end(),
                                  [&](const KeyRow& key) { return key.signs_from <= now; });
    const bool sealed_elsewhere = due != found->end() && due->private_key.empty();
    if (sealed_elsewhere || !signing_key(*found, now)) {
        throw base::Failure(base::Failure::Kind::conflict,
                            "the newest signing key in auth.jwks does not open with "
                            "BETTER_AUTH_SECRET; start with the secret it was sealed with, or "
                            "make a new one with `persona-runner keys rotate --revoke` (all access "
                            "tokens end)");
    }
    const std::lock_guard lock(mutex_);
    keys_ = std::move(found);
    read_at_ = clock_.steady();
}

SigningKeys::Keys SigningKeys::keys() {
    {
        const std::lock_guard lock(mutex_);
        if (keys_ && read_at_ && clock_.steady() - *read_at_ < keys_fresh) return keys_;
        // Others go on with what is known while this thread reads.
        if (keys_) read_at_ = clock_.steady();
    }
    auto found = read();
    const std::lock_guard lock(mutex_);
    keys_ = found;
    read_at_ = clock_.steady();
    return found;
}

std::string SigningKeys::sign(const base::Json& claims) {
    const Keys known = keys();
    if (const KeyRow* key = signing_key(*known, clock_.now())) {
        return base::sign_jwt(claims, key->kid, key->private_key);
    }
    throw base::Failure(base::Failure::Kind::internal,
                        "no signing key opens with this secret; restart the auth service");
}

std::optional<base::Json> SigningKeys::verify(std::string_view token) {
    const auto kid = base::kid_of(token);
    if (!kid) return std::nullopt;
    const auto holds = [&](const Keys& known) {
        return std::any_of(known->begin(), known->end(),
                           [&](const KeyRow& key) { return key.kid == *kid; });
    };
    Keys known = keys();
    if (!holds(known)) {
        bool may_read = false;
        {
            const std::lock_guard lock(mutex_);
            may_read = !read_at_ || clock_.steady() - *read_at_ >= keys_pause;
            if (may_read) read_at_.reset();
        }
        if (!may_read) return std::nullopt;
        known = keys();
    }
    const base::Moment now = clock_.now();
    base::JwtKeys public_keys;
    for (const KeyRow& key : *known) {
        if (key.verifies(now)) public_keys[key.kid] = key.public_key;
    }
    return base::verify_jwt(
        token, public_keys,
        {.issuers = {options_.base_url}, .audience = options_.audience, .skew = keys_skew}, now);
}

base::Json SigningKeys::jwks() {
    const base::Moment now = clock_.now();
    base::Json list = base::Json::array();
    for (const KeyRow& key : *keys()) {
        if (key.verifies(now)) list.push_back(key.public_jwk);
    }
    return {{"keys", list}};
}

}  // namespace auth
