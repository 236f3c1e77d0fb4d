// /api/v1/api-keys: making, listing, ending and asking about keys.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/api_keys/api_keys.hpp"
#include "auth/api_keys/routes.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/events.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr LimitRule api_key_limit{"api-key", 60, std::chrono::seconds(60)};
constexpr std::size_t api_key_name_bytes_max = 100;
constexpr std::size_t api_key_list_max = 10;
constexpr int api_key_requests_max = 100'000;
// What a key may do unless a service gives it more: the limit protects what is behind the key from
// its owner.
constexpr int api_key_own_requests_max = 60;
constexpr int api_key_window_max = 86'400;

bool api_key_scope_known(std::string_view scope) {
    return std::find(std::begin(api_key_scopes), std::end(api_key_scopes), scope) !=
           std::end(api_key_scopes);
}

std::vector<std::string> api_key_read_scopes(const base::Fields& fields) {
    std::vector<std::string> scopes;
    if (!fields.has("scopes")) {
        scopes.assign(std::begin(api_key_scopes), std::end(api_key_scopes));
        return scopes;
    }
    for (const Json& scope : fields.array("scopes", api_key_list_max)) {
        if (!scope.is_string() || !api_key_scope_known(scope.get<std::string>())) {
            fields.fail("scopes", "a list of stt, tts");
        }
        scopes.push_back(scope.get<std::string>());
    }
    if (scopes.empty()) fields.fail("scopes", "a list of stt, tts");
    std::sort(scopes.begin(), scopes.end());
    scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
    return scopes;
}

SecurityEvent api_key_event(const Context& context, const User& user, const ServerRequest& request,
                            std::string_view type) {
    return {.type = type,
            .user_id = user.user_id(),
            .address = address_of(context, request),
            .user_agent = std::string(request.header("user-agent"))};
}

}  // namespace

ServerResponse list_api_keys(const User& user, const Context& context, const ServerRequest&) {
    const auto keys = context.database.transact(
        [&](base::Transaction& transaction) { return api_keys_of(transaction, user.user_id()); });
    Json list = Json::array();
    for (const ApiKey& key : keys) list.push_back(api_key_json(key));
    return ServerResponse::json(list);
}

ServerResponse create_api_key(const User& user, const Context& context,
                              const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    NewApiKey wish;
    wish.user_id = user.user_id();
    wish.name = fields.text("name", 1, api_key_name_bytes_max);
    wish.scopes = api_key_read_scopes(fields);
    if (fields.has("rateLimit")) {
        const base::Fields limit(fields.object("rateLimit"), "rateLimit");
        wish.limit.requests = static_cast<int>(limit.integer("requests", 1, api_key_requests_max));
        wish.limit.window_seconds =
            static_cast<int>(limit.integer("window", 1, api_key_window_max));
        const bool more = wish.limit.requests > api_key_own_requests_max ||
                          wish.limit.requests > wish.limit.window_seconds;
        if (more && !has_service_key(context, request)) {
            throw Failure(Failure::Kind::forbidden,
                          "rateLimit: of your own at most 60 requests, and one a second; more is "
                          "for a service of ours to give (X-Service-Key)",
                          "RATE_LIMIT_NOT_ALLOWED");
        }
    }
    const base::Moment now = context.clock.now();
    const auto made = context.database.transact([&](base::Transaction& transaction) {
        auto key = make_api_key(transaction, wish, now);
        if (key) {
            record_event(transaction, api_key_event(context, user, request, "API_KEY_CREATED"),
                         now);
        }
        return key;
    });
    if (!made) {
        throw Failure(Failure::Kind::conflict,
                      fmt::format("you have {} keys; revoke one first", api_keys_per_user_max),
                      "TOO_MANY_API_KEYS");
    }
    Json shown = api_key_json(made->row);
    shown["key"] = made->key.reveal();
    return ServerResponse::json(shown, 201);
}

ServerResponse delete_api_key(const User& user, const Context& context,
                              const ServerRequest& request) {
    const base::Moment now = context.clock.now();
    const Revocation done = context.database.transact([&](base::Transaction& transaction) {
        const Revocation found =
            revoke_api_key(transaction, user.user_id(), request.param("id"), now);
        if (found == Revocation::revoked) {
            record_event(transaction, api_key_event(context, user, request, "API_KEY_REVOKED"),
                         now);
        }
        return found;
    });
    if (done == Revocation::unknown) {
        throw Failure(Failure::Kind::missing, "you have no key of this id", "NOT_FOUND");
    }
    return ServerResponse::json({{"success", true}});
}

ServerResponse validate_api_key(const Context& context, const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret key(fields.text("apiKey", 1, 256));
    const std::string scope = fields.text_or_none("scope", 64).value_or("");
    admit_address(context, request, api_key_limit);
    const base::Moment now = context.clock.now();
    const ApiKeyUse use = context.database.transact(
        [&](base::Transaction& transaction) { return use_api_key(transaction, key, scope, now); });
    switch (use.verdict) {
        case ApiKeyUse::Verdict::invalid: return ServerResponse::json({{"valid", false}});
        case ApiKeyUse::Verdict::scope_denied:
            return ServerResponse::json({{"valid", false}, {"reason", "scope_denied"}});
        case ApiKeyUse::Verdict::rate_limited:
            return ServerResponse::json({{"valid", false},
                                         {"reason", "rate_limited"},
                                         {"retryAfterSec", use.retry_after.count()}});
        case ApiKeyUse::Verdict::valid: break;
    }
    return ServerResponse::json(
        {{"valid", true},
         {"userId", use.key->user_id},
         {"scopes", use.key->scopes},
         {"rateLimit",
          {{"requests", use.key->limit.requests}, {"window", use.key->limit.window_seconds}}}});
}

}  // namespace auth
