// Routes and handlers of the room spaces.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class ServiceCaller;
class User;
struct Context;
struct Route;

std::span<const Route> spaces_routes();

base::ServerResponse list_organizations(const User& user, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse list_user_memberships(const ServiceCaller& caller, const Context& context,
                                           const base::ServerRequest& request);

}  // namespace auth
