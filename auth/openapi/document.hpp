// The OpenAPI 3.1 document of the service, made of the route tables and their notes, and what it
// promises of a route's refusals. Pure; made once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "auth/route.hpp"
#include "base/json.hpp"

namespace auth {

const base::Json& openapi_document();

// Nothing when the route has no note; then only its row is in the document.
const struct RouteNote* note_of(const Route& route);

// What the document lists of the route: the codes of each status.
std::map<int, std::set<std::string>> refusals_of(const Route& route);

// Whether the document lists this refusal of the route; true as well for a route without a note.
// `code` is what the answer says, empty when it says none.
bool is_promised(const Route& route, int status, std::string_view code);

}  // namespace auth
