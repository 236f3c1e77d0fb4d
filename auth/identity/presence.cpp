#include "auth/identity/presence.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/token.hpp"
#include "auth/keys/signing_keys.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

constexpr std::size_t presence_token_bytes_max = 256;

struct Found {
    std::optional<Login> login;
    bool renewed = false;
};

Found presence_by_token(const Context& context, const base::Secret& token, bool may_renew) {
    if (token.empty() || token.reveal().size() > presence_token_bytes_max) return {};
    const base::Moment now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) {
        Found found{find_login_by_token(transaction, token, now), false};
        if (found.login && may_renew && must_renew(found.login->session, now)) {
            renew_session(transaction, found.login->session, now);
            found.renewed = true;
        }
        return found;
    });
}

}  // namespace

bool looks_like_jwt(std::string_view bearer) {
    return std::count(bearer.begin(), bearer.end(), '.') == 2;
}

std::optional<Login> find_by_token(const Context& context, const base::Secret& token) {
    return presence_by_token(context, token, true).login;
}

std::optional<Login> find_by_jwt(const Context& context, std::string_view jwt) {
    const auto claims = context.keys.verify(jwt);
    return claims ? find_by_claims(context, *claims) : std::nullopt;
}

std::optional<Login> find_by_claims(const Context& context, const base::Json& claims) {
    const auto session = claims.find("sid");
    if (session == claims.end() || !session->is_string()) return std::nullopt;
    const base::Moment now = context.clock.now();
    auto login = context.database.transact([&](base::Transaction& transaction) {
        return find_login_by_id(transaction, session->get<std::string>(), now);
    });
    if (!login || login->user.id != claims.at("sub").get<std::string>()) return std::nullopt;
    return login;
}

Presence find_presence(const Context& context, const base::ServerRequest& request) {
    Presence presence;
    const Options& options = context.options;
    const bool may_renew = !has_dont_remember(options, request) &&
                           request.query_value("disableRefresh").value_or("") != "true";
    if (request.cookie(cookie_name(options, session_cookie))) {
        // A neighbouring host may have set one more: whose session was meant is not guessed.
        int living = 0;
        for (const auto& token : session_tokens_of(options, request)) {
            Found found = presence_by_token(context, token, may_renew);
            if (!found.login || ++living > 1) continue;
            if (found.renewed) {
                presence.headers.emplace_back("Set-Cookie",
                                              set_session_cookie(options, token, session_life));
            }
            presence.login = std::move(found.login);
        }
        if (living == 1) return presence;
        presence.login.reset();
        presence.headers = expired_cookies(context);
    }
    const std::string_view bearer = bearer_of(request);
    if (bearer.empty()) return presence;
    presence.login =
        looks_like_jwt(bearer)
            ? find_by_jwt(context, bearer)
            : presence_by_token(context, base::Secret(std::string(bearer)), may_renew).login;
    return presence;
}

HeaderList expired_cookies(const Context& context) {
    HeaderList headers;
    for (const auto name : {session_cookie, session_data_cookie, dont_remember_cookie}) {
        headers.emplace_back("Set-Cookie",
                             set_cookie(context.options, name, "", std::chrono::seconds(0)));
    }
    return headers;
}

std::string access_token(const Context& context, const Login& login) {
    return context.keys.sign(access_claims(login, context.options, context.clock.now()));
}

}  // namespace auth
