// Logging in by password: the one place where a password meets its hash, for every route.
#pragma once

#include <optional>
#include <string>

#include "auth/identity/sessions.hpp"
#include "base/secret.hpp"

namespace auth {

struct Context;

struct LoginWish {
    std::string email;
    base::Secret password;
    std::string address;
    std::string user_agent;
    std::string endpoint;  // For the audit.
    bool remember = true;
};

// A new session, or nothing when the account asks for a second factor, which no session may skip.
// Throws INVALID_EMAIL_OR_PASSWORD (unknown and wrong alike, at equal cost), EMAIL_NOT_VERIFIED
// (only after the right password; a fresh link is mailed then) and ACCOUNT_LOCKED.
std::optional<Login> log_in(const Context& context, const LoginWish& wish);

}  // namespace auth
