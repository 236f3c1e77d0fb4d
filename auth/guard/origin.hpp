// Requests that a browser sends with its cookies must come from a page we trust.
#pragma once

#include <string_view>

#include "auth/options.hpp"
#include "base/server.hpp"

namespace auth {

bool is_trusted_origin(const Options& options, std::string_view origin);

// The other name of a service on this machine: passkeys need a name, and browsers know
// http://127.0.0.1:3001 as http://localhost:3001, too. Empty for a service elsewhere.
std::string localhost_of(const Options& options);

// A relative path, or a URL of a trusted origin.
bool is_trusted_redirect(const Options& options, std::string_view url);

// Whether the body is what an HTML form posts.
bool is_form_body(const base::ServerRequest& request);

// For requests that change something: with a cookie, Origin (else Referer) must be trusted and the
// body JSON. `form`: also without a cookie when a browser sends it (login from a foreign page would
// log the visitor into the attacker's account). The one route that takes the body of a form takes
// it from trusted pages only. Throws Failure::forbidden (INVALID_ORIGIN, MISSING_OR_NULL_ORIGIN,
// CROSS_SITE_NAVIGATION_LOGIN_BLOCKED) or 415 (UNSUPPORTED_MEDIA_TYPE).
void check_origin(const Options& options, const base::ServerRequest& request, bool form);

}  // namespace auth
