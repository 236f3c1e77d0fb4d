// Registering: one path for both route families, with all that follows from it.
#pragma once

#include <optional>
#include <string>

#include "auth/identity/users.hpp"
#include "auth/mail/letters.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

struct SignUpWish {
    std::string email;
    base::Secret password;
    std::string name;
    std::optional<std::string> image;
    std::string callback;  // Where the mailed link leads on; trusted, or empty.
    std::string address;
    std::string user_agent;
    Locale locale = Locale::german;
    bool trusted = false;  // The request carries the service key: no limits, no daily cap.
};

// What both route families ask for alike: address, password, and who sends it.
SignUpWish read_sign_up_wish(const Context& context, const base::ServerRequest& request,
                             const base::Fields& fields);

// The new user. When the address is taken the answer looks the same, with a made-up id, and
// nothing happens. Throws SIGNUP_LIMIT_REACHED past the daily cap.
Profile sign_up(const Context& context, const SignUpWish& wish);

// The account of somebody whose address is proven already: without password and mail, else with the
// effects and the daily cap of every sign-up. Nothing when the address is taken.
std::optional<Profile> sign_up_proven(const Context& context, base::Transaction& transaction,
                                      const SignUpWish& wish, base::Moment now);

}  // namespace auth
