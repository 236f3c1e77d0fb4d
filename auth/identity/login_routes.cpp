// /api/v1/auth: register, login, tokens.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/guard/origin.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/login.hpp"
#include "auth/identity/presence.hpp"
#include "auth/identity/routes.hpp"
#include "auth/identity/sign_up.hpp"
#include "auth/keys/signing_keys.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

constexpr std::size_t login_token_bytes_max = 16 * 1024;

ServerResponse login_tokens(const Context& context, const Login& login) {
    Json body = {{"accessToken", access_token(context, login)}};
    // A session found by its JWT has no token that we could show.
    if (!login.session.token.empty()) body["refreshToken"] = login.session.token.reveal();
    return ServerResponse::json(body);
}

}  // namespace

ServerResponse register_user(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    SignUpWish wish = read_sign_up_wish(context, request, fields);
    wish.name = fields.text_or_none("name", 200).value_or("");
    wish.callback = fields.text_or_none("sourceAppUrl", 2048).value_or("");
    if (!wish.callback.empty() && !is_trusted_redirect(context.options, wish.callback)) {
        throw Failure(Failure::Kind::invalid,
                      "sourceAppUrl: must be a path or the address of a trusted page");
    }
    const Profile user = sign_up(context, wish);
    return ServerResponse::json({{"token", nullptr}, {"user", user_json(user)}});
}

ServerResponse login(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const LoginAnswer found = log_in(context, read_login_wish(context, request, fields));
    if (found.challenge) return ask_second_factor(context, *found.challenge, true);
    const auto& login = found.login;
    const std::string& token = login->session.token.reveal();
    ServerResponse answer = ServerResponse::json({{"redirect", false},
                                                  {"token", token},
                                                  {"user", user_json(login->user)},
                                                  {"accessToken", access_token(context, *login)},
                                                  {"refreshToken", token}});
    answer.headers.emplace_back(
        "Set-Cookie", set_session_cookie(context.options, login->session.token, session_life));
    if (found.trusted_device) {
        answer.headers.emplace_back("Set-Cookie",
                                    set_trust_cookie(context.options, *found.trusted_device));
    }
    return answer;
}

ServerResponse validate_token(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const auto claims = context.keys.verify(fields.text("token", 1, login_token_bytes_max));
    // A token lives a quarter of an hour; its session or user may be gone earlier.
    if (!claims || !find_by_claims(context, *claims)) {
        return ServerResponse::json({{"valid", false}});
    }
    return ServerResponse::json({{"valid", true}, {"payload", *claims}});
}

ServerResponse session_to_token(const Context& context, const base::ServerRequest& request) {
    optional_body(request);
    const Presence presence = find_presence(context, request);
    if (!presence.login) {
        throw Failure(Failure::Kind::unauthenticated, "there is no session; log in first",
                      "UNAUTHORIZED");
    }
    ServerResponse answer = login_tokens(context, *presence.login);
    answer.headers = presence.headers;
    return answer;
}

ServerResponse refresh(const Context& context, const base::ServerRequest& request) {
    const Json body = optional_body(request);
    const base::Fields fields(body);
    const std::string_view bearer = bearer_of(request);
    std::optional<std::string> token = fields.text_or_none("refreshToken", 256);
    if (!token && !bearer.empty()) token = std::string(bearer);

    std::optional<Login> login;
    HeaderList headers;
    if (token) {
        login = find_by_token(context, base::Secret(*token));
    } else {
        Presence presence = find_presence(context, request);
        login = std::move(presence.login);
        headers = std::move(presence.headers);
    }
    if (!login) {
        throw Failure(Failure::Kind::unauthenticated, "the session has ended; log in again",
                      "TOKEN_EXPIRED");
    }
    ServerResponse answer = login_tokens(context, *login);
    answer.headers = std::move(headers);
    return answer;
}

}  // namespace auth
