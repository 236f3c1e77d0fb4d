// What the handlers of spaces share: which space a request means, and what they note and mail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/spaces/invitations.hpp"
#include "auth/spaces/organizations.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

inline constexpr std::size_t space_id_bytes_max = 128;

// The space a body names by `organizationId`, else the caller's active one; throws `code`.
std::string space_of_body(base::Transaction& transaction, const User& user,
                          const base::Fields& fields, const char* code);
// The space a query names by `organizationSlug` or `organizationId`, else the caller's active one;
// nothing when there is none. A slug that nobody has: ORGANIZATION_NOT_FOUND.
std::optional<std::string> space_of_query(base::Transaction& transaction, const User& user,
                                          const base::ServerRequest& request);

// Browsers show the session they hold in a cookie: it is sent again when it changed.
void renew_session_cookie(const Context& context, const base::ServerRequest& request,
                          base::ServerResponse& answer);

// The audit of what happened to a space, and to whom.
void record_space_event(base::Transaction& transaction, const Context& context,
                        const base::ServerRequest& request, const User& user, std::string_view type,
                        const std::string& space_id, const std::string& email = {});

// A space was deleted: the audit, and the product, which keeps its members' records.
void tell_of_deleted_space(base::Transaction& transaction, const Context& context,
                           const base::ServerRequest& request, const User& user,
                           const std::string& space_id);

// Before the transaction of an invitation: at most three mails a minute go to one address.
void admit_invitation(const Context& context, const std::string& email);
// Invites and mails; both route families do the same.
Invitation invite_by_mail(const Context& context, const base::ServerRequest& request,
                          const User& user, base::Transaction& transaction,
                          const InvitationWish& wish);

}  // namespace auth
