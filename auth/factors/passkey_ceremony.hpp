// Registering and using passkeys, for both route families: what browsers are asked, and what
// follows from their answer.
#pragma once

#include <optional>
#include <string>

#include "auth/caller.hpp"
#include "auth/factors/passkeys.hpp"
#include "auth/identity/login.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

// The relying party: configured, or the cookies' domain, or the host of base_url.
std::string passkey_rp_id(const Options& options);

// Options with the cookie of their challenge. `wishes` may hold authenticatorAttachment and name.
// Throws SESSION_NOT_FRESH when the session is older than a day.
base::ServerResponse passkey_registration_options(const Context& context, const User& user,
                                                  const base::Json& wishes);
base::ServerResponse passkey_authentication_options(const Context& context,
                                                    const base::ServerRequest& request);

// The new passkey. Throws CHALLENGE_NOT_FOUND, FAILED_TO_VERIFY_REGISTRATION,
// PREVIOUSLY_REGISTERED.
Passkey register_passkey(const Context& context, const User& user,
                         const base::ServerRequest& request, const base::Json& body);

// A session, or the challenge for the second factor when the account has one and the authenticator
// saw no more than a touch. Throws CHALLENGE_NOT_FOUND, PASSKEY_NOT_FOUND, AUTHENTICATION_FAILED
// and, for a passkey with too many wrong assertions, RATE_LIMITED.
LoginAnswer passkey_login(const Context& context, const base::ServerRequest& request,
                          const base::Json& body);

// A cookie that ends the challenge's.
std::string end_passkey_cookie(const Options& options);

}  // namespace auth
