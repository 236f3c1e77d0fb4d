// /api/auth: profile and sessions, as the ancestor's client library speaks of them.
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/presence.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "auth/profile/profile.hpp"
#include "auth/profile/routes.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Json;
using base::ServerResponse;

}  // namespace

ServerResponse update_user(const User& user, const Context& context,
                           const base::ServerRequest& request) {
    change_profile(context, user, request.json(), client_of(context, request));
    ServerResponse answer = ServerResponse::json({{"status", true}});
    const auto token = session_token_of(context.options, request);
    if (token && !has_dont_remember(context.options, request)) {
        answer.headers.emplace_back("Set-Cookie",
                                    set_session_cookie(context.options, *token, session_life));
    }
    return answer;
}

ServerResponse delete_user_native(const User& user, const Context& context,
                                  const base::ServerRequest& request) {
    const Json body = optional_body(request);
    const base::Fields fields(body);
    std::optional<base::Secret> password;
    if (const auto text = fields.text_or_none("password", 1024)) password = base::Secret(*text);
    admit_address(context, request, password_limit);
    delete_account(context, user, password, client_of(context, request));
    ServerResponse answer = ServerResponse::json({{"success", true}, {"message", "User deleted"}});
    answer.headers = expired_cookies(context);
    return answer;
}

ServerResponse list_accounts(const User& user, const Context& context, const base::ServerRequest&) {
    const auto accounts = context.database.transact([&](base::Transaction& transaction) {
        return list_accounts_of(transaction, user.user_id());
    });
    Json list = Json::array();
    for (const Account& account : accounts) {
        list.push_back({{"id", account.id},
                        {"providerId", account.provider_id},
                        {"accountId", account.account_id},
                        {"userId", user.user_id()},
                        {"scopes", Json::array()},
                        {"createdAt", base::to_iso(account.created_at)},
                        {"updatedAt", base::to_iso(account.updated_at)}});
    }
    return ServerResponse::json(list);
}

// The client library has this call for session fields of an application's own. There are none: the
// active organization has its call, and the others are what the service found out.
ServerResponse update_session(const User&, const Context&, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    constexpr std::string_view own[] = {"id",        "token",     "userId",    "expiresAt",
                                        "createdAt", "updatedAt", "ipAddress", "userAgent"};
    for (const std::string_view name : own) {
        if (!body.contains(name)) continue;
        throw base::Failure(base::Failure::Kind::invalid,
                            std::string(name) + ": is not yours to change", "FIELD_NOT_ALLOWED");
    }
    if (body.contains("activeOrganizationId")) {
        throw base::Failure(base::Failure::Kind::invalid,
                            "activeOrganizationId: is changed by POST "
                            "/api/auth/organization/set-active, which asks for the membership",
                            "FIELD_NOT_ALLOWED");
    }
    throw base::Failure(base::Failure::Kind::invalid,
                        "nothing to update: a session has no field that must or can be set here");
}

// Of other sessions the token is not known here, and nobody else's business: its id stands in its
// place, and revoke-session takes either.
ServerResponse list_sessions(const User& user, const Context& context,
                             const base::ServerRequest& request) {
    const Presence presence = find_presence(context, request);
    auto sessions = context.database.transact([&](base::Transaction& transaction) {
        return list_sessions_of(transaction, user.user_id(), context.clock.now());
    });
    Json list = Json::array();
    for (Session& session : sessions) {
        session.token = base::Secret(session.id);
        const bool current = presence.login && presence.login->session.id == session.id;
        if (current && !presence.login->session.token.empty()) {
            session.token = presence.login->session.token;
        }
        list.push_back(session_json(session));
    }
    return ServerResponse::json(list);
}

ServerResponse revoke_session(const User& user, const Context& context,
                              const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    end_session(context, user, fields.text("token", 1, 256), client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

ServerResponse revoke_sessions(const User& user, const Context& context,
                               const base::ServerRequest& request) {
    optional_body(request);
    end_sessions(context, user, "", client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

ServerResponse revoke_other_sessions(const User& user, const Context& context,
                                     const base::ServerRequest& request) {
    optional_body(request);
    end_sessions(context, user, user.session_id(), client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

}  // namespace auth
