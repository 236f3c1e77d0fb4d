// Getting a new password: by the link in a mail when it is forgotten, by the old one otherwise.
// Either ends the sessions that the old password opened and tells the user by mail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/sessions.hpp"
#include "base/secret.hpp"

namespace auth {

struct Context;

// Mails a link that is good once, for an hour; at most one a minute per user. Does and takes the
// same for an unknown address, but for the mail. `redirect`: the page that asks for the new
// password, trusted, or empty. Throws INVALID_EMAIL and RATE_LIMITED (per mail box).
void ask_password_reset(const Context& context, std::string_view email, const std::string& redirect,
                        const Client& client);

// The page to which the link of a living token leads (empty: none was asked for); nothing for an
// unknown, used or old token. Does not use it up.
std::optional<std::string> page_of_password_reset(const Context& context, std::string_view token);

// Throws PASSWORD_TOO_SHORT, PASSWORD_TOO_LONG and INVALID_TOKEN; a password that is refused leaves
// the token good.
void finish_password_reset(const Context& context, std::string_view token,
                           const base::Secret& password, const Client& client);

enum class OtherSessions { end, keep, replace };  // `replace`: her own too, by a new one.

// Throws what require_password() throws. Answers the new session when hers was replaced.
std::optional<Session> change_password(const Context& context, const User& user,
                                       const base::Secret& current, const base::Secret& password,
                                       OtherSessions others, const Client& client);

}  // namespace auth
