#include "auth/identity/token.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

constexpr auto keys_fresh = std::chrono::minutes(1);
constexpr auto keys_pause = std::chrono::seconds(10);
constexpr auto keys_skew = std::chrono::seconds(5);  // Several services mint; clocks differ.
constexpr auto mail_token_life = std::chrono::hours(1);
constexpr const char* token_change_request = "change-email-verification";

// Rotation adds rows; ninety are many years of them.
constexpr std::string_view newest_keys = R"(
    select id, public_key, private_key from auth.jwks order by created_at desc, id limit 90)";
constexpr std::string_view lock_keys =
    "select pg_advisory_xact_lock(hashtext('auth.jwks')::bigint)";
constexpr std::string_view insert_key = R"(
    insert into auth.jwks (id, public_key, private_key, created_at)
    values ($1, $2, $3, $4::timestamptz))";

std::int64_t token_seconds(base::Moment moment) {
    return std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count();
}

std::string token_text(const base::Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

base::Json access_claims(const Login& login, const Options& options, base::Moment now) {
    const std::int64_t issued = token_seconds(now);
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(access_token_life).count();
    return {{"iat", issued},           {"sub", login.user.id},    {"email", login.user.email},
            {"role", login.user.role}, {"sid", login.session.id}, {"tier", login.user.tier},
            {"kind", login.user.kind}, {"exp", issued + life},    {"iss", options.base_url},
            {"aud", options.audience}};
}

std::string seal_private_jwk(const base::Secret& secret, const base::Json& jwk) {
    const base::Secret key(base::sha256(secret.reveal()));
    return base::to_text(base::Json(base::to_hex(base::seal(key.reveal(), base::to_text(jwk)))));
}

std::optional<base::Json> open_private_jwk(const base::Secret& secret, std::string_view stored) {
    const auto text = base::try_parse_json(stored);
    if (!text || !text->is_string()) return std::nullopt;
    const auto sealed = base::from_hex(text->get<std::string>());
    if (!sealed) return std::nullopt;
    const base::Secret key(base::sha256(secret.reveal()));
    const auto plain = base::open_sealed(key.reveal(), *sealed);
    if (!plain) return std::nullopt;
    auto jwk = base::try_parse_json(*plain);
    if (!jwk || !jwk->is_object()) return std::nullopt;
    return jwk;
}

SigningKeys::SigningKeys(base::Postgres& database, const Options& options, base::Clock& clock)
    : database_(database), options_(options), clock_(clock) {}

SigningKeys::Keys SigningKeys::read() {
    const auto rows = database_.transact(
        [](base::Transaction& transaction) { return transaction.run(newest_keys); });
    auto found = std::make_shared<std::vector<Key>>();
    for (const auto& row : rows) {
        Key key;
        key.kid = row.text("id");
        const auto jwk = base::try_parse_json(row.text("public_key"));
        if (!jwk || !jwk->is_object()) continue;
        const auto point = base::from_base64url(token_text(*jwk, "x"));
        if (!point || point->size() != 32) continue;
        key.public_key = *point;
        key.public_jwk = {{"alg", "EdDSA"},
                          {"crv", "Ed25519"},
                          {"x", token_text(*jwk, "x")},
                          {"kty", "OKP"},
                          {"kid", key.kid}};
        if (const auto sealed = open_private_jwk(options_.secret, row.text("private_key"))) {
            auto seed = base::from_base64url(token_text(*sealed, "d"));
            if (seed && seed->size() == 32) key.private_key = base::Secret(std::move(*seed));
        }
        found->push_back(std::move(key));
    }
    return found;
}

void SigningKeys::load() {
    database_.transact([&](base::Transaction& transaction) {
        transaction.run(lock_keys);
        if (!transaction.run(newest_keys).empty()) return;
        const base::Ed25519Pair pair = base::make_ed25519();
        const std::string x = base::to_base64url(pair.public_key);
        const base::Json public_jwk = {{"crv", "Ed25519"}, {"x", x}, {"kty", "OKP"}};
        const base::Json private_jwk = {{"crv", "Ed25519"},
                                        {"d", base::to_base64url(pair.private_key.reveal())},
                                        {"x", x},
                                        {"kty", "OKP"}};
        transaction.run(insert_key, {base::random_id(), base::to_text(public_jwk),
                                     seal_private_jwk(options_.secret, private_jwk), clock_.now()});
    });
    auto found = read();
    if (found->empty() || found->front().private_key.empty()) {
        throw base::Failure(base::Failure::Kind::conflict,
                            "the newest signing key in auth.jwks does not open with "
                            "BETTER_AUTH_SECRET; start with the secret it was sealed with, or "
                            "delete that row (a new key is made, old tokens end)");
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
    for (const Key& key : *known) {
        if (!key.private_key.empty()) return base::sign_jwt(claims, key.kid, key.private_key);
    }
    throw base::Failure(base::Failure::Kind::internal,
                        "no signing key opens with this secret; restart the auth service");
}

std::optional<base::Json> SigningKeys::verify(std::string_view token) {
    const auto kid = base::kid_of(token);
    if (!kid) return std::nullopt;
    const auto holds = [&](const Keys& known) {
        return std::any_of(known->begin(), known->end(),
                           [&](const Key& key) { return key.kid == *kid; });
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
    base::JwtKeys public_keys;
    for (const Key& key : *known) public_keys[key.kid] = key.public_key;
    return base::verify_jwt(
        token, public_keys,
        {.issuers = {options_.base_url}, .audience = options_.audience, .skew = keys_skew},
        clock_.now());
}

base::Json SigningKeys::jwks() {
    base::Json list = base::Json::array();
    for (const Key& key : *keys()) list.push_back(key.public_jwk);
    return {{"keys", list}};
}

std::string sign_mail_token(std::string_view key, std::string_view email, base::Moment now,
                            std::string_view update_to) {
    const std::int64_t issued = token_seconds(now);
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(mail_token_life).count();
    base::Json claims = {{"email", std::string(email)}};
    if (!update_to.empty()) {
        claims["updateTo"] = std::string(update_to);
        claims["requestType"] = token_change_request;
    }
    claims["iat"] = issued;
    claims["exp"] = issued + life;
    const std::string text =
        base::to_base64url(R"({"alg":"HS256"})") + "." + base::to_base64url(base::to_text(claims));
    return text + "." + base::to_base64url(base::hmac_sha256(key, text));
}

MailToken open_mail_token(std::string_view key, std::string_view token, base::Moment now) {
    const MailToken invalid{MailTokenFault::invalid, "", ""};
    const std::size_t first = token.find('.'), last = token.rfind('.');
    const bool shaped =
        token.size() <= mail_token_bytes_max && first != std::string_view::npos && first < last;
    if (!shaped) return invalid;
    const auto header = base::from_base64url(token.substr(0, first));
    const auto body = base::from_base64url(token.substr(first + 1, last - first - 1));
    const auto mac = base::from_base64url(token.substr(last + 1));
    if (!header || !body || !mac) return invalid;
    if (!base::equal_constant_time(*mac, base::hmac_sha256(key, token.substr(0, last)))) {
        return invalid;
    }
    const auto head = base::try_parse_json(*header, 4);
    const auto claims = base::try_parse_json(*body, 4);
    if (!head || !head->is_object() || token_text(*head, "alg") != "HS256") return invalid;
    if (!claims || !claims->is_object()) return invalid;
    const auto expires = claims->find("exp");
    const std::string email = token_text(*claims, "email");
    // A changed address says so twice; tokens of other purposes are none.
    const std::string update_to = token_text(*claims, "updateTo");
    const bool changes =
        !update_to.empty() && token_text(*claims, "requestType") == token_change_request;
    const bool plain = !claims->contains("updateTo") && !claims->contains("requestType");
    if (email.empty() || expires == claims->end() || !expires->is_number_integer() ||
        (!changes && !plain)) {
        return invalid;
    }
    if (token_seconds(now) >= expires->get<std::int64_t>()) {
        return {MailTokenFault::expired, email, update_to};
    }
    return {MailTokenFault::none, email, update_to};
}

}  // namespace auth
