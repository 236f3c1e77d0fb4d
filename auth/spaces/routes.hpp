// Handlers of the room spaces.
#pragma once

#include "base/server.hpp"

namespace auth {

class ServiceCaller;
class User;
struct Context;

base::ServerResponse list_organizations(const User& user, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse list_user_memberships(const ServiceCaller& caller, const Context& context,
                                           const base::ServerRequest& request);

}  // namespace auth
