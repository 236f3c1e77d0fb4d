#include "auth/api_keys/api_keys.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::string_view api_key_mark = "sk_live_";
constexpr std::size_t api_key_bytes = 32;
constexpr std::size_t api_key_prefix_length = 8;

constexpr std::string_view hold_key_owner = "select id from auth.users where id = $1 for update";
constexpr std::string_view count_api_keys = R"(
    select count(*) as n from auth.api_keys where user_id = $1 and revoked_at is null)";
constexpr std::string_view put_api_key = R"(
    insert into auth.api_keys (id, user_id, name, key_prefix, key_hash, scopes,
                               rate_limit_requests, rate_limit_window, created_at)
    values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9::timestamptz)
    returning *)";
constexpr std::string_view api_keys_of_user = R"(
    select * from auth.api_keys where user_id = $1 order by created_at desc, id limit 1000)";
constexpr std::string_view hold_own_api_key = R"(
    select revoked_at from auth.api_keys where id = $1 and user_id = $2 for update)";
constexpr std::string_view end_api_key = R"(
    update auth.api_keys set revoked_at = $2::timestamptz where id = $1)";
constexpr std::string_view hold_api_key = R"(
    select k.* from auth.api_keys k join auth.users u on u.id = k.user_id
     where k.key_hash = $1 and k.revoked_at is null and u.deleted_at is null for update of k)";
constexpr std::string_view count_api_key_use = R"(
    update auth.api_keys set used = $2, used_since = $3::timestamptz,
           last_used_at = $4::timestamptz
     where id = $1)";

std::string api_key_hash(const base::Secret& key) {
    return base::to_hex(base::sha256(key.reveal()));
}

ApiKey api_key_of_row(const base::SqlRow& row) {
    ApiKey key;
    key.id = row.text("id");
    key.user_id = row.text("user_id");
    key.name = row.text("name");
    key.prefix = row.text("key_prefix");
    const base::Json scopes = row.json("scopes");
    for (const base::Json& scope : scopes.is_array() ? scopes : base::Json::array()) {
        if (scope.is_string()) key.scopes.push_back(scope.get<std::string>());
    }
    key.limit = {static_cast<int>(row.integer("rate_limit_requests")),
                 static_cast<int>(row.integer("rate_limit_window"))};
    key.created_at = row.moment("created_at");
    key.last_used_at = row.moment_or_none("last_used_at");
    key.revoked_at = row.moment_or_none("revoked_at");
    return key;
}

base::Json api_key_moment(const std::optional<base::Moment>& moment) {
    return moment ? base::Json(base::to_iso(*moment)) : base::Json(nullptr);
}

}  // namespace

base::Json api_key_json(const ApiKey& key) {
    return {{"id", key.id},
            {"name", key.name},
            {"keyPrefix", key.prefix},
            {"scopes", key.scopes},
            {"rateLimit", {{"requests", key.limit.requests}, {"window", key.limit.window_seconds}}},
            {"createdAt", base::to_iso(key.created_at)},
            {"lastUsedAt", api_key_moment(key.last_used_at)},
            {"revokedAt", api_key_moment(key.revoked_at)}};
}

std::optional<MadeApiKey> make_api_key(base::Transaction& transaction, const NewApiKey& wish,
                                       base::Moment now) {
    transaction.run(hold_key_owner, {wish.user_id});
    if (transaction.run(count_api_keys, {wish.user_id})[0].integer("n") >= api_keys_per_user_max) {
        return std::nullopt;
    }
    const std::string text = base::to_hex(base::random_bytes(api_key_bytes));
    base::Secret key(std::string(api_key_mark) + text);
    const auto rows =
        transaction.run(put_api_key, {base::random_id(), wish.user_id, wish.name,
                                      text.substr(0, api_key_prefix_length), api_key_hash(key),
                                      base::Json(wish.scopes), wish.limit.requests,
                                      wish.limit.window_seconds, now});
    return MadeApiKey{api_key_of_row(rows[0]), std::move(key)};
}

std::vector<ApiKey> api_keys_of(base::Transaction& transaction, std::string_view user_id) {
    std::vector<ApiKey> keys;
    for (const base::SqlRow row : transaction.run(api_keys_of_user, {user_id})) {
        keys.push_back(api_key_of_row(row));
    }
    return keys;
}

Revocation revoke_api_key(base::Transaction& transaction, std::string_view user_id,
                          std::string_view id, base::Moment now) {
    const auto row = transaction.run(hold_own_api_key, {id, user_id}).first();
    if (!row) return Revocation::unknown;
    if (!row->is_null("revoked_at")) return Revocation::already;
    transaction.run(end_api_key, {id, now});
    return Revocation::revoked;
}

ApiKeyUse use_api_key(base::Transaction& transaction, const base::Secret& key,
                      std::string_view scope, base::Moment now) {
    using Verdict = ApiKeyUse::Verdict;
    const auto row = transaction.run(hold_api_key, {api_key_hash(key)}).first();
    if (!row) return {};
    ApiKey found = api_key_of_row(*row);
    const bool allowed = scope.empty() || std::find(found.scopes.begin(), found.scopes.end(),
                                                    scope) != found.scopes.end();
    if (!allowed) return {Verdict::scope_denied, std::nullopt, {}};
    auto since = row->moment_or_none("used_since");
    std::int64_t used = row->integer("used");
    const std::chrono::seconds window(found.limit.window_seconds);
    if (!since || *since + window <= now) {
        since = now;
        used = 0;
    }
    if (used >= found.limit.requests) {
        return {Verdict::rate_limited, std::nullopt,
                std::chrono::ceil<std::chrono::seconds>(*since + window - now)};
    }
    transaction.run(count_api_key_use, {found.id, used + 1, *since, now});
    return {Verdict::valid, std::move(found), {}};
}

}  // namespace auth
