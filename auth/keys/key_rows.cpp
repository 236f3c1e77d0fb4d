#include "auth/keys/key_rows.hpp"

#include <nlohmann/json.hpp>

#include "auth/keys/purposes.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr auto keys_kept = std::chrono::hours(30 * 24);

// Rotation adds rows; ninety are many years of them.
constexpr std::string_view living_keys = R"(
    select id, public_key, private_key, created_at, signs_from, verifies_until
      from auth.jwks where verifies_until is null or verifies_until > $1::timestamptz
     order by signs_from desc, created_at desc, id limit 90)";
constexpr std::string_view lock_keys =
    "select pg_advisory_xact_lock(hashtext('auth.jwks')::bigint)";
constexpr std::string_view insert_key = R"(
    insert into auth.jwks (id, public_key, private_key, created_at, signs_from)
    values ($1, $2, $3, $4::timestamptz, $5::timestamptz))";
constexpr std::string_view waiting_key = R"(
    select id, signs_from from auth.jwks
     where signs_from > $1::timestamptz and verifies_until is null
     order by signs_from desc limit 1)";
constexpr std::string_view end_older_keys = R"(
    update auth.jwks set verifies_until = $2::timestamptz
     where id <> $1 and (verifies_until is null or verifies_until > $2::timestamptz))";
constexpr std::string_view forget_keys =
    "delete from auth.jwks where verifies_until < $1::timestamptz";

std::string keys_text(const base::Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string keys_make(base::Transaction& transaction, const base::Secret& secret, base::Moment now,
                      base::Moment signs_from) {
    const base::Ed25519Pair pair = base::make_ed25519();
    const std::string x = base::to_base64url(pair.public_key);
    const base::Json public_jwk = {{"crv", "Ed25519"}, {"x", x}, {"kty", "OKP"}};
    const base::Json private_jwk = {{"crv", "Ed25519"},
                                    {"d", base::to_base64url(pair.private_key.reveal())},
                                    {"x", x},
                                    {"kty", "OKP"}};
    const std::string kid = base::random_id();
    transaction.run(insert_key, {kid, base::to_text(public_jwk),
                                 seal_private_jwk(secret, private_jwk), now, signs_from});
    return kid;
}

std::optional<KeyRow> keys_row(const base::SqlRow& row, const base::Secret& secret) {
    KeyRow key;
    key.kid = row.text("id");
    const auto jwk = base::try_parse_json(row.text("public_key"));
    if (!jwk || !jwk->is_object()) return std::nullopt;
    const auto point = base::from_base64url(keys_text(*jwk, "x"));
    if (!point || point->size() != 32) return std::nullopt;
    key.public_key = *point;
    key.public_jwk = {{"alg", "EdDSA"}, {"crv", "Ed25519"}, {"x", keys_text(*jwk, "x")},
                      {"kty", "OKP"},   {"use", "sig"},     {"kid", key.kid}};
    if (const auto opened = open_private_jwk(secret, row.text("private_key"))) {
        auto seed = base::from_base64url(keys_text(*opened, "d"));
        if (seed && seed->size() == 32) key.private_key = base::Secret(std::move(*seed));
    }
    key.created_at = row.moment("created_at");
    key.signs_from = row.moment("signs_from");
    key.verifies_until = row.moment_or_none("verifies_until");
    return key;
}

}  // namespace

bool KeyRow::signs(base::Moment now) const {
    return signs_from <= now && !private_key.empty() && verifies(now);
}

bool KeyRow::verifies(base::Moment now) const {
    return !verifies_until || *verifies_until > now;
}

std::vector<KeyRow> read_keys(base::Transaction& transaction, const base::Secret& secret,
                              base::Moment now) {
    std::vector<KeyRow> keys;
    for (const auto& row : transaction.run(living_keys, {now})) {
        if (auto key = keys_row(row, secret)) keys.push_back(std::move(*key));
    }
    return keys;
}

const KeyRow* signing_key(const std::vector<KeyRow>& keys, base::Moment now) {
    for (const KeyRow& key : keys) {
        if (key.signs(now)) return &key;
    }
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
        if (!key->private_key.empty() && key->verifies(now)) return &*key;
    }
    return nullptr;
}

void ensure_key(base::Transaction& transaction, const base::Secret& secret, base::Moment now) {
    transaction.run(lock_keys);
    if (!transaction.run(living_keys, {now}).empty()) return;
    keys_make(transaction, secret, now, now);
}

Rotated rotate_keys(base::Transaction& transaction, const base::Secret& secret, Rotation rotation,
                    base::Moment now) {
    transaction.run(lock_keys);
    transaction.run(forget_keys, {base::Moment(now - keys_kept)});
    if (rotation == Rotation::at_once) {
        const std::string kid = keys_make(transaction, secret, now, now);
        transaction.run(end_older_keys, {kid, now});
        return {kid, now, true};
    }
    if (const auto waiting = transaction.run(waiting_key, {now}).first()) {
        return {waiting->text("id"), waiting->moment("signs_from"), false};
    }
    const base::Moment signs_from = now + key_lead;
    const std::string kid = keys_make(transaction, secret, now, signs_from);
    transaction.run(end_older_keys, {kid, base::Moment(signs_from + key_overlap)});
    return {kid, signs_from, true};
}

std::string seal_private_jwk(const base::Secret& secret, const base::Json& jwk) {
    const base::Secret key = key_for(Purpose::signing_keys, secret);
    return base::to_text(base::Json(base::to_hex(base::seal(key.reveal(), base::to_text(jwk)))));
}

std::optional<base::Json> open_private_jwk(const base::Secret& secret, std::string_view stored) {
    const auto text = base::try_parse_json(stored);
    if (!text || !text->is_string()) return std::nullopt;
    const auto sealed = base::from_hex(text->get<std::string>());
    if (!sealed) return std::nullopt;
    auto plain = base::open_sealed(key_for(Purpose::signing_keys, secret).reveal(), *sealed);
    if (!plain) plain = base::open_sealed(base::sha256(secret.reveal()), *sealed);
    if (!plain) return std::nullopt;
    auto jwk = base::try_parse_json(*plain);
    if (!jwk || !jwk->is_object()) return std::nullopt;
    return jwk;
}

}  // namespace auth
