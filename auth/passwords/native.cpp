// /api/auth: passwords, as the ancestor's client library speaks of them.
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/redirect.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/password_check.hpp"
#include "auth/identity/users.hpp"
#include "auth/passwords/passwords.hpp"
#include "auth/passwords/routes.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

}  // namespace

ServerResponse request_password_reset(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string email = fields.text("email", 1, 320);
    const std::string redirect =
        read_redirect(context.options, fields, "redirectTo", "INVALID_REDIRECT_URL");
    admit_address(context, request, mail_limit);
    ask_password_reset(context, email, redirect, client_of(context, request));
    return ServerResponse::json(
        {{"status", true},
         {"message", "when the address has an account, a mail with a link is on its way"}});
}

// The mailed link: on to the page that asks for the new password, with the token.
ServerResponse open_password_reset(const Context& context, const base::ServerRequest& request) {
    std::string target =
        checked_redirect(context.options, "callbackURL",
                         request.query_value("callbackURL").value_or(""), "INVALID_CALLBACK_URL");
    const std::string& token = request.param("token");
    const auto page = token.size() <= 256 ? page_of_password_reset(context, token) : std::nullopt;
    if (target.empty() && page) target = *page;
    if (target.empty()) target = context.options.web_url;
    if (target.empty()) {
        throw Failure(Failure::Kind::invalid,
                      "callbackURL: say which page asks for the new password; it sends it with "
                      "this token to POST /api/auth/reset-password",
                      "INVALID_CALLBACK_URL");
    }
    return redirect_to(page ? with_query(target, "token", token)
                            : with_query(target, "error", "INVALID_TOKEN"));
}

ServerResponse reset_password_native(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret password(fields.text("newPassword", 1, 1024));
    const std::string token =
        fields.text_or_none("token", 256).value_or(request.query_value("token").value_or(""));
    if (token.empty()) fields.fail("token", "text of 1 to 256 bytes");
    admit_address(context, request, password_limit);
    finish_password_reset(context, token, password, client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

ServerResponse change_password_native(const User& user, const Context& context,
                                      const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret current(fields.text("currentPassword", 1, 1024));
    const base::Secret password(fields.text("newPassword", 1, 1024));
    const auto revoke = fields.flag_or_none("revokeOtherSessions");
    admit_address(context, request, password_limit);
    // Who does not say wants the strangers out.
    const OtherSessions others = !revoke   ? OtherSessions::end
                                 : *revoke ? OtherSessions::replace
                                           : OtherSessions::keep;
    const auto session =
        change_password(context, user, current, password, others, client_of(context, request));
    const auto profile = context.database.transact(
        [&](base::Transaction& transaction) { return find_user(transaction, user.user_id()); });
    ServerResponse answer =
        ServerResponse::json({{"token", session ? Json(session->token.reveal()) : Json(nullptr)},
                              {"user", profile ? user_json(*profile) : Json(nullptr)}});
    if (session) {
        answer.headers.emplace_back(
            "Set-Cookie", set_session_cookie(context.options, session->token, session_life));
    }
    return answer;
}

ServerResponse verify_password(const User& user, const Context& context,
                               const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret password(fields.text("password", 1, 1024));
    admit_address(context, request, password_limit);
    require_password(context, user, password, client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

}  // namespace auth
