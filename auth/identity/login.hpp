// Logging in by password: the one place where a password meets its hash, for every route.
#pragma once

#include <optional>
#include <string>

#include "auth/factors/challenge.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/mail/letters.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

struct LoginWish {
    std::string email;
    base::Secret password;
    bool trusted = false;  // The request carries the service key.
    std::string address;
    std::string user_agent;
    std::string endpoint;  // For the audit.
    bool remember = true;
    Locale locale = Locale::german;
    std::optional<base::Secret> trusted_device;  // Payload of its cookie.
};

// Either a session or a challenge: no session may skip the second factor of an account that has
// one, unless the device is trusted; then its cookie is renewed.
struct LoginAnswer {
    std::optional<Login> login;
    std::optional<Challenge> challenge;
    std::optional<base::Secret> trusted_device;  // The next payload of its cookie.
};

// The wish in a request's body, after the limit of its address, which services of ours do not have.
LoginWish read_login_wish(const Context& context, const base::ServerRequest& request,
                          const base::Fields& fields);

// A persona's derived password with the service key passes a lockout, so that strangers' guesses
// stop no visit; stored as scrypt it is stored in the light form from then on.
//
// Throws INVALID_EMAIL_OR_PASSWORD (unknown and wrong alike, at equal cost), EMAIL_NOT_VERIFIED
// (only after the right password; a fresh link is mailed then) and ACCOUNT_LOCKED.
LoginAnswer log_in(const Context& context, const LoginWish& wish);

}  // namespace auth
