// Handlers of the room address: confirming an address, changing it.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> address_routes();

base::ServerResponse resend_verification(const Context& context,
                                         const base::ServerRequest& request);
base::ServerResponse change_email(const User& user, const Context& context,
                                  const base::ServerRequest& request);

base::ServerResponse send_verification_email(const Context& context,
                                             const base::ServerRequest& request);
base::ServerResponse change_email_native(const User& user, const Context& context,
                                         const base::ServerRequest& request);
base::ServerResponse verify_email(const Context& context, const base::ServerRequest& request);

}  // namespace auth
