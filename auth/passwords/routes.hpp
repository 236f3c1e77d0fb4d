// Handlers of the room passwords: forgotten, changed, asked for once more.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> password_routes();

// custom.cpp: /api/v1/auth
base::ServerResponse forgot_password(const Context& context, const base::ServerRequest& request);
base::ServerResponse reset_password(const Context& context, const base::ServerRequest& request);
base::ServerResponse change_own_password(const User& user, const Context& context,
                                         const base::ServerRequest& request);

// native.cpp: /api/auth
base::ServerResponse request_password_reset(const Context& context,
                                            const base::ServerRequest& request);
base::ServerResponse open_password_reset(const Context& context,
                                         const base::ServerRequest& request);
base::ServerResponse reset_password_native(const Context& context,
                                           const base::ServerRequest& request);
base::ServerResponse change_password_native(const User& user, const Context& context,
                                            const base::ServerRequest& request);
base::ServerResponse verify_password(const User& user, const Context& context,
                                     const base::ServerRequest& request);

}  // namespace auth
