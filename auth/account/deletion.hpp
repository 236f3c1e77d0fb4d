// The end of an account: the user with all that is hers, the notices to others, one audit event
// under a pseudonym. What other services keep of her is deleted by calls that are queued in the
// same transaction and retried until done.
#pragma once

#include <string>

#include "auth/account/personal_data.hpp"
#include "auth/caller.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/users.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

struct Context;

// How a user who is logged in shows again that it is she: by her password, or, when she has none,
// by a session of at most ten minutes. Runs transactions of its own. Throws what require_password()
// throws; Failure::forbidden (SESSION_NOT_FRESH) for an older session.
void prove_again(const Context& context, const User& user, const base::Secret& password,
                 const Client& client);

struct Erased {
    AccountCounts counts;
    bool records_queued = false;  // Their deletion at the product.
    bool credits_queued = false;
};

enum class Farewell { mailed, silent };

// The one way an account of a human ends, whoever asks for it. Throws Failure::forbidden (PERSONA)
// for a persona: those are deleted where their visits are known.
Erased erase_account(const Context& context, base::Transaction& transaction, const Profile& user,
                     const Client& client, Farewell farewell);

// The answer of the ways to delete that tell what went.
base::Json erased_json(const Erased& erased);

}  // namespace auth
