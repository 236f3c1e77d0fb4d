// /api/auth/sign-in/magic-link and /api/auth/magic-link: logging in by a mailed link.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/factors/magic_link.hpp"
#include "auth/factors/routes.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/origin.hpp"
#include "auth/identity/cookie.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr std::size_t magic_url_bytes_max = 2048;
constexpr LimitRule magic_limit{"magic-link", 5, std::chrono::seconds(60)};

struct MagicPage {
    const char* name;
    const char* refusal;
};
constexpr MagicPage magic_callback{"callbackURL", "INVALID_CALLBACK_URL"};
constexpr MagicPage magic_new_user{"newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"};
constexpr MagicPage magic_error{"errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"};

std::string magic_trusted(const Context& context, const MagicPage& page,
                          const std::optional<std::string>& url) {
    if (!url || url->empty()) return "";
    if (is_trusted_redirect(context.options, *url)) return *url;
    throw Failure(Failure::Kind::forbidden,
                  std::string(page.name) + ": must be a path or the address of a trusted page",
                  page.refusal);
}

ServerResponse magic_redirect(const std::string& page, std::string_view parameter) {
    std::string target = page;
    if (!parameter.empty()) {
        // Parameters stand before the fragment.
        const std::string fragment =
            page.find('#') == std::string::npos ? "" : page.substr(page.find('#'));
        target.resize(page.size() - fragment.size());
        target +=
            (target.find('?') == std::string::npos ? "?" : "&") + std::string(parameter) + fragment;
    }
    ServerResponse answer = ServerResponse::text("", 302);
    answer.headers.emplace_back("Location", target);
    return answer;
}

ServerResponse magic_failed(const Context& context, const std::string& page,
                            const std::string& error) {
    const std::string& target = page.empty() ? context.options.web_url : page;
    if (!target.empty()) return magic_redirect(target, "error=" + error);
    throw Failure(Failure::Kind::unauthenticated,
                  "the link is not valid any more; ask for a new one", error);
}

}  // namespace

ServerResponse send_magic_link(const Context& context, const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    MagicLinkWish wish;
    wish.email = checked_email(fields.text("email", 1, 320));
    wish.name = fields.text_or_none("name", 200);
    for (const MagicPage& page : {magic_callback, magic_new_user, magic_error}) {
        const std::string url =
            magic_trusted(context, page, fields.text_or_none(page.name, magic_url_bytes_max));
        if (!url.empty()) {
            wish.query += "&" + std::string(page.name) + "=" + base::url_encode(url);
        }
    }
    wish.locale = locale_of(request.header("accept-language"));
    admit_address(context, request, magic_limit);
    context.limits.admit(mail_limit, wish.email);
    mail_magic_link(context, wish);
    return ServerResponse::json({{"status", true}});
}

ServerResponse verify_magic_link(const Context& context, const ServerRequest& request) {
    const auto page = [&](const MagicPage& one) {
        return magic_trusted(context, one, request.query_value(one.name));
    };
    const std::string callback = page(magic_callback);
    const std::string new_user = page(magic_new_user), error = page(magic_error);
    // Looking whether the link exists must not use it up.
    if (request.method == "HEAD") return ServerResponse::text("");
    admit_address(context, request, magic_limit);
    const MagicLinkResult result =
        use_magic_link(context, {.token = request.query_value("token").value_or(""),
                                 .address = address_of(context, request),
                                 .user_agent = std::string(request.header("user-agent")),
                                 .locale = locale_of(request.header("accept-language"))});
    if (!result.error.empty()) {
        return magic_failed(context, error.empty() ? callback : error, result.error);
    }
    if (result.answer.challenge) {
        ServerResponse asked = ask_second_factor(context, *result.answer.challenge, false);
        if (callback.empty()) return asked;
        ServerResponse answer = magic_redirect(callback, "twoFactorRedirect=true");
        answer.headers.insert(answer.headers.end(), asked.headers.begin(), asked.headers.end());
        return answer;
    }
    const Login& login = *result.answer.login;
    ServerResponse answer =
        callback.empty()
            ? ServerResponse::json({{"token", login.session.token.reveal()},
                                    {"user", user_json(login.user)},
                                    {"session", session_json(login.session)}})
            : magic_redirect(result.is_new && !new_user.empty() ? new_user : callback, "");
    answer.headers.emplace_back(
        "Set-Cookie", set_session_cookie(context.options, login.session.token, session_life));
    return answer;
}

}  // namespace auth
