// The API as a whole: the rooms' route tables joined, and their way onto a server.
#pragma once

#include <vector>

#include "auth/route.hpp"

namespace auth {

// Every route of every room; made once.
const std::vector<Route>& routes();

// Puts every route, the CORS answer, the request id and the printing of failures on the server.
// `context` outlives it.
void install_routes(base::Server& server, const Context& context);

}  // namespace auth
