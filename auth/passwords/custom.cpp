// /api/v1/auth: passwords.
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/redirect.hpp"
#include "auth/passwords/passwords.hpp"
#include "auth/passwords/routes.hpp"
#include "base/json.hpp"

namespace auth {

using base::Json;
using base::ServerResponse;

ServerResponse forgot_password(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string email = fields.text("email", 1, 320);
    const std::string redirect = read_redirect(context.options, fields, "redirectTo", "");
    admit_address(context, request, mail_limit);
    ask_password_reset(context, email, redirect, client_of(context, request));
    return ServerResponse::json({{"success", true}});
}

ServerResponse reset_password(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret password(fields.text("newPassword", 1, 1024));
    const std::string token = fields.text("token", 1, 256);
    admit_address(context, request, password_limit);
    finish_password_reset(context, token, password, client_of(context, request));
    return ServerResponse::json({{"success", true}});
}

ServerResponse change_own_password(const User& user, const Context& context,
                                   const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret current(fields.text("currentPassword", 1, 1024));
    const base::Secret password(fields.text("newPassword", 1, 1024));
    admit_address(context, request, password_limit);
    change_password(context, user, current, password, OtherSessions::end,
                    client_of(context, request));
    return ServerResponse::json({{"success", true}});
}

}  // namespace auth
