// Asking a user who is logged in for her password once more, with the lock that logins have: the
// same guesses count, wherever they are made.
#pragma once

#include <string>

#include "auth/caller.hpp"
#include "auth/identity/client.hpp"
#include "base/secret.hpp"

namespace auth {

struct Context;

// Answers the hash that the password matched, for replace_password_hash(). Runs transactions of its
// own and takes the time of a scrypt, so call it outside of any. Throws ACCOUNT_LOCKED,
// CREDENTIAL_ACCOUNT_NOT_FOUND (400: she has no password) and, for a wrong one, what the family of
// the request knows: 401 INVALID_CREDENTIALS (custom) or 400 INVALID_PASSWORD. A service key
// exempts from nothing here.
std::string require_password(const Context& context, const User& user, const base::Secret& password,
                             const Client& client);

// The same when the user is known by her id and address alone (before she has a session).
std::string require_password(const Context& context, const std::string& user_id,
                             const std::string& email, const base::Secret& password,
                             const Client& client);

}  // namespace auth
