// Who a request says it is: the session behind its cookie or bearer.
#pragma once

#include <optional>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/identity/sessions.hpp"
#include "base/json.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

struct Presence {
    std::optional<Login> login;
    HeaderList headers;  // Cookies that were renewed, or expired because nothing is behind them.
};

// The session cookie when a living session is behind it, else the bearer (session token or JWT).
// Old sessions are renewed on the way, except those found by a JWT.
Presence find_presence(const Context& context, const base::ServerRequest& request);

// The session of a token that was presented as a secret, renewed when old.
std::optional<Login> find_by_token(const Context& context, const base::Secret& token);

// The session a JWT speaks of, when it still lives.
std::optional<Login> find_by_jwt(const Context& context, std::string_view jwt);

// The same of claims whose signature was checked.
std::optional<Login> find_by_claims(const Context& context, const base::Json& claims);

bool looks_like_jwt(std::string_view bearer);

// Set-Cookie headers that end the browser's session.
HeaderList expired_cookies(const Context& context);

// The access token of a login.
std::string access_token(const Context& context, const Login& login);

}  // namespace auth
