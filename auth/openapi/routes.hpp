// Routes and handlers of the room openapi.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

struct Context;
struct Route;

std::span<const Route> openapi_routes();

base::ServerResponse get_openapi(const Context&, const base::ServerRequest&);

}  // namespace auth
