#include "auth/spaces/invitations.hpp"

#include <nlohmann/json.hpp>

#include "auth/identity/users.hpp"
#include "auth/spaces/rights.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::string_view invitation_columns = R"(
    select i.id, i.organization_id, i.email, i.role, i.status, i.expires_at, i.created_at,
           i.inviter_id, o.name as organization_name, o.slug as organization_slug,
           u.email as inviter_email
      from auth.invitations i join auth.organizations o on o.id = i.organization_id
      left join auth.users u on u.id = i.inviter_id )";

constexpr std::string_view end_overdue = R"(
    update auth.invitations set status = 'canceled'
     where organization_id = $1 and status = 'pending' and expires_at <= $2::timestamptz)";

constexpr std::string_view count_pending = R"(
    select count(*) as n from auth.invitations where organization_id = $1 and status = 'pending')";

constexpr std::string_view pending_of_email = R"(
    select id from auth.invitations
     where organization_id = $1 and email = $2 and status = 'pending')";

constexpr std::string_view insert_invitation = R"(
    insert into auth.invitations (id, organization_id, email, role, status, expires_at, inviter_id,
                                  created_at)
    values ($1, $2, $3, $4, 'pending', $5::timestamptz, $6, $7::timestamptz))";

constexpr std::string_view extend_invitation = R"(
    update auth.invitations set expires_at = $2::timestamptz where id = $1)";

constexpr std::string_view settle_invitation = R"(
    update auth.invitations set status = $2 where id = $1 and status = 'pending' returning id)";

constexpr std::string_view member_with_email = R"(
    select exists (select from auth.members m join auth.users u on u.id = m.user_id
                    where m.organization_id = $1 and u.email = $2) as found)";

// $3: she may still invite; $4: and as an owner.
constexpr std::string_view cancel_of_inviter = R"(
    update auth.invitations set status = 'canceled'
     where organization_id = $1 and inviter_id = $2 and status = 'pending'
       and not ($3::boolean and ($4::boolean or not 'owner' = any(string_to_array(role, ','))))
)";

constexpr std::string_view cancel_all_of_inviter = R"(
    update auth.invitations set status = 'canceled' where inviter_id = $1 and status = 'pending')";
constexpr std::string_view forget_of_address = R"(
    delete from auth.invitations where email = (select email from auth.users where id = $1))";

Invitation invitations_row(const base::SqlRow& row) {
    return {.id = row.text("id"),
            .organization_id = row.text("organization_id"),
            .email = row.text("email"),
            .role = row.text("role"),
            .status = row.text("status"),
            .expires_at = row.moment("expires_at"),
            .created_at = row.moment("created_at"),
            .inviter_id = row.text_or_none("inviter_id"),
            .organization_name = row.text("organization_name"),
            .organization_slug = row.text_or_none("organization_slug"),
            .inviter_email = row.text_or_none("inviter_email")};
}

std::optional<Invitation> invitations_find(base::Transaction& transaction, std::string_view id) {
    const std::string query = std::string(invitation_columns) + "where i.id = $1";
    const auto row = transaction.run(query, {id}).first();
    if (!row) return std::nullopt;
    return invitations_row(*row);
}

[[noreturn]] void invitations_refuse_unknown() {
    throw Failure(Failure::Kind::missing,
                  "invitationId must name an invitation that waits for an answer",
                  "INVITATION_NOT_FOUND");
}

// The invitation when it waits for the caller; her address must be proven to be hers.
Invitation invitations_of_recipient(base::Transaction& transaction, const User& user,
                                    std::string_view id, base::Moment now, const char* unproven) {
    auto invitation = invitations_find(transaction, id);
    if (!invitation || invitation->status != "pending" || invitation->expires_at <= now) {
        invitations_refuse_unknown();
    }
    const auto caller = find_user(transaction, user.user_id());
    if (!caller || caller->email != invitation->email) {
        throw Failure(Failure::Kind::forbidden, "the invitation is for another address",
                      "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");
    }
    if (!caller->email_verified) {
        throw Failure(Failure::Kind::forbidden, "confirm your address first", unproven);
    }
    return std::move(*invitation);
}

void invitations_settle(base::Transaction& transaction, Invitation& invitation,
                        std::string_view status) {
    if (transaction.run(settle_invitation, {invitation.id, status}).empty()) {
        invitations_refuse_unknown();
    }
    invitation.status = status;
}

void invitations_check_right(const Member& inviter, const Space& space, const std::string& roles) {
    if (!may(inviter.role, Right::invite)) {
        throw Failure(Failure::Kind::forbidden, "inviting needs an owner or admin of the space",
                      "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION");
    }
    // A personal space has one owner: the user whose it is.
    if (is_owner(roles) && (!is_owner(inviter.role) || !space.personal_user_id.empty())) {
        throw Failure(Failure::Kind::forbidden,
                      "inviting an owner needs an owner, and a space that is not personal",
                      "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE");
    }
}

}  // namespace

base::Json invitation_json(const Invitation& invitation) {
    return {{"organizationId", invitation.organization_id},
            {"email", invitation.email},
            {"role", invitation.role},
            {"status", invitation.status},
            {"expiresAt", base::to_iso(invitation.expires_at)},
            {"createdAt", base::to_iso(invitation.created_at)},
            {"inviterId", invitation.inviter_id.value_or("")},
            {"id", invitation.id}};
}

Invitation invite_member(base::Transaction& transaction, const User& user,
                         const InvitationWish& wish, base::Moment now) {
    const std::string& space_id = wish.organization_id;
    own_membership(transaction, user, space_id);
    const Space space = lock_space(transaction, space_id);
    const Member inviter = own_membership(transaction, user, space_id);
    invitations_check_right(inviter, space, wish.roles);
    if (transaction.run(member_with_email, {space_id, wish.email})[0].flag("found")) {
        throw Failure(Failure::Kind::invalid, "email must be of somebody who is no member yet",
                      "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION");
    }
    transaction.run(end_overdue, {space_id, now});
    const base::Moment end = now + invitation_life;
    if (const auto known = transaction.run(pending_of_email, {space_id, wish.email}).first()) {
        if (!wish.resend) {
            throw Failure(Failure::Kind::invalid,
                          "email must be of somebody who is not invited yet; resend asks again",
                          "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION");
        }
        const std::string id = known->text("id");
        // Whoever sends it again must be allowed to send what it says.
        invitations_check_right(inviter, space, invitations_find(transaction, id)->role);
        transaction.run(extend_invitation, {id, end});
        return *invitations_find(transaction, id);
    }
    if (transaction.run(count_pending, {space_id})[0].integer("n") >= invitations_pending_max) {
        throw Failure(Failure::Kind::forbidden, "too many invitations wait for an answer",
                      "INVITATION_LIMIT_REACHED");
    }
    const std::string id = base::random_id();
    transaction.run(insert_invitation,
                    {id, space_id, wish.email, wish.roles, end, user.user_id(), now});
    return *invitations_find(transaction, id);
}

Accepted accept_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                           base::Moment now) {
    constexpr const char* unproven =
        "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION";
    Invitation invitation = invitations_of_recipient(transaction, user, id, now, unproven);
    lock_space(transaction, invitation.organization_id);
    invitations_settle(transaction, invitation, "accepted");
    Member member =
        add_member(transaction, invitation.organization_id, user.user_id(), invitation.role, now);
    set_active_space(transaction, user, invitation.organization_id);
    return {std::move(invitation), std::move(member)};
}

Invitation reject_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                             base::Moment now) {
    constexpr const char* unproven =
        "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION";
    Invitation invitation = invitations_of_recipient(transaction, user, id, now, unproven);
    invitations_settle(transaction, invitation, "rejected");
    return invitation;
}

Invitation cancel_invitation(base::Transaction& transaction, const User& user,
                             std::string_view id) {
    auto invitation = invitations_find(transaction, id);
    if (!invitation) invitations_refuse_unknown();
    const Member member = own_membership(transaction, user, invitation->organization_id);
    if (!may(member.role, Right::cancel_invitation)) {
        throw Failure(Failure::Kind::forbidden, "this needs an owner or admin of the space",
                      "YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION");
    }
    invitations_settle(transaction, *invitation, "canceled");
    return std::move(*invitation);
}

Invitation show_invitation(base::Transaction& transaction, const User& user, std::string_view id,
                           base::Moment now) {
    Invitation invitation = invitations_of_recipient(transaction, user, id, now,
                                                     "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION");
    const bool stays = invitation.inviter_id &&
                       find_member(transaction, invitation.organization_id, *invitation.inviter_id);
    if (!stays) {
        throw Failure(Failure::Kind::invalid, "the inviter is no longer a member of the space",
                      "INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION");
    }
    return invitation;
}

base::Json list_invitations_of(base::Transaction& transaction, std::string_view organization_id) {
    const std::string query = std::string(invitation_columns) +
                              "where i.organization_id = $1 order by i.created_at desc, i.id "
                              "limit 1000";
    base::Json list = base::Json::array();
    for (const auto& row : transaction.run(query, {organization_id})) {
        list.push_back(invitation_json(invitations_row(row)));
    }
    return list;
}

base::Json list_invitations_to(base::Transaction& transaction, const User& user, base::Moment now) {
    const auto caller = find_user(transaction, user.user_id());
    if (!caller || !caller->email_verified) {
        throw Failure(Failure::Kind::forbidden, "confirm your address first",
                      "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION");
    }
    const std::string query = std::string(invitation_columns) +
                              "where i.email = $1 and i.status = 'pending' and i.expires_at > "
                              "$2::timestamptz order by i.created_at desc, i.id limit 100";
    base::Json list = base::Json::array();
    for (const auto& row : transaction.run(query, {caller->email, now})) {
        const Invitation invitation = invitations_row(row);
        base::Json shown = invitation_json(invitation);
        shown["organizationName"] = invitation.organization_name;
        list.push_back(std::move(shown));
    }
    return list;
}

void cancel_invitations_by(base::Transaction& transaction, std::string_view organization_id,
                           std::string_view inviter_id, std::string_view roles) {
    transaction.run(cancel_of_inviter,
                    {organization_id, inviter_id, may(roles, Right::invite), is_owner(roles)});
}

void forget_invitations(base::Transaction& transaction, std::string_view user_id) {
    transaction.run(cancel_all_of_inviter, {user_id});
    transaction.run(forget_of_address, {user_id});
}

}  // namespace auth
