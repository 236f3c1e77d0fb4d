// "Type your password again": before somebody who is logged in changes what guards the account.
#pragma once

#include "base/json.hpp"
#include "base/server.hpp"

namespace auth {

class User;
struct Context;

// Reads `password` of the body and checks it. Wrong ones count towards the lockout like wrong
// logins. Throws INVALID_PASSWORD (400) and ACCOUNT_LOCKED.
void prove_password(const Context& context, const User& user, const base::ServerRequest& request,
                    const base::Fields& fields);

}  // namespace auth
