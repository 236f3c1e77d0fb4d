// Handlers of the room keys: the key set with which others verify access tokens.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

struct Context;
struct Route;

std::span<const Route> key_routes();

base::ServerResponse get_jwks(const Context& context, const base::ServerRequest& request);

}  // namespace auth
