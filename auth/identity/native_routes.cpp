// /api/auth: the endpoints that the ancestor's client library speaks.
#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/guard/origin.hpp"
#include "auth/guard/picture.hpp"
#include "auth/guard/redirect.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/form_body.hpp"
#include "auth/identity/login.hpp"
#include "auth/identity/presence.hpp"
#include "auth/identity/routes.hpp"
#include "auth/identity/sign_up.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

std::string native_agent(const base::ServerRequest& request) {
    return std::string(request.header("user-agent"));
}

}  // namespace

ServerResponse sign_up_email(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    SignUpWish wish = read_sign_up_wish(context, request, fields);
    wish.name = fields.text("name", 1, 200);
    wish.image = read_picture(fields, "image");
    wish.callback = read_redirect(context.options, fields, "callbackURL", "INVALID_CALLBACK_URL");
    const Profile user = sign_up(context, wish);
    return ServerResponse::json({{"token", nullptr}, {"user", user_json(user)}});
}

ServerResponse sign_in_email(const Context& context, const base::ServerRequest& request) {
    const Json body = is_form_body(request) ? json_of_form(request) : request.json();
    const base::Fields fields(body);
    const bool remember = fields.flag_or_none("rememberMe").value_or(true);
    const std::string callback =
        read_redirect(context.options, fields, "callbackURL", "INVALID_CALLBACK_URL");
    LoginWish wish = read_login_wish(context, request, fields);
    wish.remember = remember;

    const LoginAnswer found = log_in(context, wish);
    if (found.challenge) return ask_second_factor(context, *found.challenge, false);
    const auto& login = found.login;
    Json shown = {{"redirect", !callback.empty()}, {"token", login->session.token.reveal()}};
    if (!callback.empty()) shown["url"] = callback;
    shown["user"] = user_json(login->user);
    ServerResponse answer = ServerResponse::json(shown);
    std::optional<std::chrono::seconds> life;
    if (wish.remember) life = session_life;
    answer.headers.emplace_back("Set-Cookie",
                                set_session_cookie(context.options, login->session.token, life));
    if (!wish.remember) {
        answer.headers.emplace_back(
            "Set-Cookie", set_cookie(context.options, dont_remember_cookie,
                                     sign_cookie(context.options.secret, "true"), std::nullopt));
    }
    if (found.trusted_device) {
        answer.headers.emplace_back("Set-Cookie",
                                    set_trust_cookie(context.options, *found.trusted_device));
    }
    if (!callback.empty()) answer.headers.emplace_back("Location", callback);
    return answer;
}

ServerResponse sign_out(const Context& context, const base::ServerRequest& request) {
    optional_body(request);
    const Presence presence = find_presence(context, request);
    if (presence.login) {
        const base::Moment now = context.clock.now();
        const Login& login = *presence.login;
        context.database.transact([&](base::Transaction& transaction) {
            delete_session_by_id(transaction, login.session.id);
            record_event(transaction,
                         {.type = "LOGOUT",
                          .user_id = login.user.id,
                          .address = address_of(context, request),
                          .user_agent = native_agent(request)},
                         now);
        });
    }
    ServerResponse answer = ServerResponse::json({{"success", true}});
    answer.headers = expired_cookies(context);
    return answer;
}

ServerResponse get_session(const Context& context, const base::ServerRequest& request) {
    const Presence presence = find_presence(context, request);
    ServerResponse answer = ServerResponse::json(nullptr);
    if (presence.login) {
        answer = ServerResponse::json({{"session", session_json(presence.login->session)},
                                       {"user", user_json(presence.login->user)}});
        answer.headers.emplace_back("set-auth-jwt", access_token(context, *presence.login));
    }
    answer.headers.insert(answer.headers.end(), presence.headers.begin(), presence.headers.end());
    return answer;
}

ServerResponse get_token(const User& user, const Context& context, const base::ServerRequest&) {
    const base::Moment now = context.clock.now();
    const auto login = context.database.transact([&](base::Transaction& transaction) {
        return find_login_by_id(transaction, user.session_id(), now);
    });
    if (!login) {
        throw Failure(Failure::Kind::unauthenticated, "the session has just ended; log in again",
                      "UNAUTHORIZED");
    }
    return ServerResponse::json({{"token", access_token(context, *login)}});
}

ServerResponse get_ok(const Context&, const base::ServerRequest&) {
    return ServerResponse::json({{"ok", true}});
}

// Where a mailed link ends that knows no other page. Shows a code and nothing that was sent.
ServerResponse get_error(const Context&, const base::ServerRequest& request) {
    std::string code = request.query_value("error").value_or("");
    const bool plain =
        code.size() <= 64 && std::all_of(code.begin(), code.end(), [](unsigned char letter) {
            return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
        });
    if (code.empty() || !plain) code = "UNKNOWN";
    ServerResponse answer = ServerResponse::text(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error</title>"
        "<h1>This did not work</h1><p>The link is not valid any more, or was opened before. "
        "Ask for a new one.</p><p>Code: " +
        code + "</p></html>\n");
    answer.content_type = "text/html; charset=utf-8";
    answer.headers.emplace_back("Content-Security-Policy", "default-src 'none'");
    answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return answer;
}

ServerResponse get_health(const Context& context, const base::ServerRequest&) {
    return ServerResponse::json({{"status", "ok"},
                                 {"service", "mana-auth"},
                                 {"timestamp", base::to_iso(context.clock.now())}});
}

}  // namespace auth
