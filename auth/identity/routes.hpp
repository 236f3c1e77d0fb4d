// Routes and handlers of the room identity: log in and out, sessions, tokens.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> identity_routes();

// login_routes.cpp: /api/v1/auth
base::ServerResponse register_user(const Context& context, const base::ServerRequest& request);
base::ServerResponse login(const Context& context, const base::ServerRequest& request);
base::ServerResponse validate_token(const Context& context, const base::ServerRequest& request);
base::ServerResponse session_to_token(const Context& context, const base::ServerRequest& request);
base::ServerResponse refresh(const Context& context, const base::ServerRequest& request);

// native_routes.cpp: /api/auth
base::ServerResponse sign_up_email(const Context& context, const base::ServerRequest& request);
base::ServerResponse sign_in_email(const Context& context, const base::ServerRequest& request);
base::ServerResponse sign_out(const Context& context, const base::ServerRequest& request);
base::ServerResponse get_session(const Context& context, const base::ServerRequest& request);
base::ServerResponse get_token(const User& user, const Context& context,
                               const base::ServerRequest& request);
base::ServerResponse get_error(const Context& context, const base::ServerRequest& request);
base::ServerResponse get_ok(const Context& context, const base::ServerRequest& request);
base::ServerResponse get_health(const Context& context, const base::ServerRequest& request);

}  // namespace auth
