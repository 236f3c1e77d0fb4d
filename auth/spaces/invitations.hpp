// Store: invitations into spaces. Each is bound to one address, ends after 48 hours and is good
// once. Everything runs in the caller's transaction; refusals are base::Failure with the codes of
// the native family.
//
//   pending ─► accepted | rejected   by the invited user
//        └───► canceled              by an owner or admin, when its inviter loses the right to it,
//                                    or when it has ended and its address is invited again
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/organizations.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr std::chrono::hours invitation_life{48};
inline constexpr int invitations_pending_max = 100;  // Of one space.

struct Invitation {
    std::string id;
    std::string organization_id;
    std::string email;
    std::string role;
    std::string status;
    base::Moment expires_at;
    base::Moment created_at;
    std::optional<std::string> inviter_id;  // Nothing: the inviter's account is gone.
    // Of the space and the inviter.
    std::string organization_name;
    std::optional<std::string> organization_slug;
    std::optional<std::string> inviter_email;
};

base::Json invitation_json(const Invitation& invitation);

struct InvitationWish {
    std::string organization_id;
    std::string email;  // As of checked_email().
    std::string roles;  // As of checked_roles().
    bool resend = false;
};

// A new invitation, or with `resend` the pending one with a new end.
Invitation invite_member(base::Transaction& transaction, const User& user,
                         const InvitationWish& wish, base::Moment now);

struct Accepted {
    Invitation invitation;
    Member member;
};
// Makes the caller a member and the space her active one.
Accepted accept_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                           base::Moment now);
Invitation reject_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                             base::Moment now);
Invitation cancel_invitation(base::Transaction& transaction, const User& user, std::string_view id);

// The caller's own pending invitation, with the space's name and the inviter's address.
Invitation show_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                           base::Moment now);
// Newest first, at most 1,000.
base::Json list_invitations_of(base::Transaction& transaction, std::string_view organization_id);
// Pending ones for the caller's address, with "organizationName".
base::Json list_invitations_to(base::Transaction& transaction, const User& user, base::Moment now);

// Ends the pending invitations of one inviter that `roles`, hers from now on, could not send.
void cancel_invitations_by(base::Transaction& transaction, std::string_view organization_id,
                           std::string_view inviter_id, std::string_view roles);
// Before a user is deleted: what she sent is over, what was sent to her address is forgotten.
void forget_invitations(base::Transaction& transaction, std::string_view user_id);

}  // namespace auth
