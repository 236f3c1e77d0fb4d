// Proving that an address is one's own: of a new account, and of an account that changes its
// address. The links are good once, for an hour, and log nobody in: mail scanners open links too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/users.hpp"

namespace auth {

struct Context;

// Queues a mail with a link, at most one in five minutes per user. Without a callback the link
// leads on to web_url.
void queue_verification(const Context& context, base::Transaction& transaction, const Profile& user,
                        std::string_view callback, Locale locale, base::Moment now);

// Mails a new link when the address has an account and is not confirmed; does and takes the same
// otherwise. Throws INVALID_EMAIL and RATE_LIMITED (per mail box).
void ask_verification(const Context& context, std::string_view email, std::string_view callback,
                      const Client& client);

// Mails a link to the new address, which becomes hers once that is opened. A taken one looks the
// same. Throws INVALID_EMAIL, Failure::invalid when it is hers already, RATE_LIMITED (per user).
void ask_email_change(const Context& context, const User& user, std::string_view new_email,
                      std::string_view callback, const Client& client);

enum class VerifyFault { none, invalid_token, expired, unknown_user, other_user };
const char* code_of(VerifyFault fault);  // Empty for none.

struct Verified {
    VerifyFault fault = VerifyFault::none;
    std::optional<Profile> changed;  // Whose address was changed, not only confirmed.
};

// Uses a link of either kind. A confirmed account that opens its first link again is told yes.
// `visitor`: who is logged in where the link is opened (empty: nobody); an address is not changed
// under somebody else's eyes.
Verified use_verification(const Context& context, std::string_view token, std::string_view visitor,
                          const Client& client);

}  // namespace auth
