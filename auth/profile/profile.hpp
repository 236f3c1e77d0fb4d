// What a user does to her own account: rename it, delete it, end her sessions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/identity/client.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace auth {

struct Context;

// Reads {name?, image?} (image null: none) and stores it. Throws EMAIL_CAN_NOT_BE_UPDATED,
// FIELD_NOT_ALLOWED and Failure::invalid when nothing is to change. Other fields are ignored.
void change_profile(const Context& context, const User& user, const base::Json& body,
                    const Client& client);

// Her account by erase_account(). `password` is asked for like at a login. Without one the session
// must be younger than a day, else SESSION_EXPIRED.
void delete_account(const Context& context, const User& user,
                    const std::optional<base::Secret>& password, const Client& client);

// One session, by its id or its token; false when she has no such one.
bool end_session(const Context& context, const User& user, const std::string& session,
                 const Client& client);
// All of hers but `keep` (empty: all).
void end_sessions(const Context& context, const User& user, const std::string& keep,
                  const Client& client);

}  // namespace auth
