// Routes and handlers of the room api_keys.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> api_keys_routes();

base::ServerResponse list_api_keys(const User& user, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse create_api_key(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse delete_api_key(const User& user, const Context& context,
                                    const base::ServerRequest& request);
// For services of others too: whoever holds a key may ask what it is good for.
base::ServerResponse validate_api_key(const Context& context, const base::ServerRequest& request);

}  // namespace auth
