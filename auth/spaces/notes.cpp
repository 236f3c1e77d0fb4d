// What the API document says of the routes of the room spaces.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_spaces = std::to_array<RouteNote>({
    {"POST /api/auth/organization/create", "Makes a space that the caller owns", "NewSpace",
     "{name:text(1,200) slug:text(1,64) logo?:url|null metadata:SpaceMetadata "
     "keepCurrentActiveOrganization?:flag}",
     "400 SPACE_METADATA_INVALID ORGANIZATION_ALREADY_EXISTS, "
     "403 YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS"},
    {"GET /api/auth/organization/list", "The spaces that the caller belongs to", "Space[]"},
    {"POST /api/auth/organization/update", "Changes a space; type and tier stay", "Space",
     "{organizationId?:text data:{name?:text(1,200) slug?:text(1,64) logo?:url|null "
     "metadata?:SpaceMetadata}}",
     "400 SPACE_METADATA_INVALID ORGANIZATION_NOT_FOUND ORGANIZATION_SLUG_ALREADY_TAKEN "
     "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, "
     "403 YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION"},
    {"POST /api/auth/organization/delete", "Deletes a space that is not personal", "Space",
     "{organizationId:text}",
     "400 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION ORGANIZATION_NOT_FOUND, "
     "403 YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION SPACE_PERSONAL_UNDELETABLE"},
    {"POST /api/auth/organization/check-slug", "Whether nobody has this slug yet", "{status:flag}",
     "{slug:text(1,64)}", "400 ORGANIZATION_SLUG_ALREADY_TAKEN"},
    {"GET /api/auth/organization/get-full-organization", "A space with its members and invitations",
     "FullSpace|null", "",
     "400 ORGANIZATION_NOT_FOUND, 403 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION"},
    {"POST /api/auth/organization/set-active", "Chooses the space that the session works in",
     "Space|null", "{organizationId?:text|null organizationSlug?:text}",
     "400 ORGANIZATION_NOT_FOUND, 403 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION"},

    {"GET /api/auth/organization/list-members", "A page of a space's members",
     "{members:MemberWithUser[] total:integer}", "",
     "400 NO_ACTIVE_ORGANIZATION ORGANIZATION_NOT_FOUND, "
     "403 YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION"},
    {"GET /api/auth/organization/get-active-member", "The caller in her active space",
     "MemberWithUser", "", "400 NO_ACTIVE_ORGANIZATION MEMBER_NOT_FOUND"},
    {"GET /api/auth/organization/get-active-member-role", "A member's roles", "{role:text}", "",
     "400 NO_ACTIVE_ORGANIZATION ORGANIZATION_NOT_FOUND, "
     "403 YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION"},
    {"POST /api/auth/organization/add-member", "Adds a member without an invitation", "Member",
     "{organizationId:text userId:text role:text|text[]}",
     "400 USER_NOT_FOUND ROLE_NOT_FOUND ORGANIZATION_NOT_FOUND "
     "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, "
     "403 ORGANIZATION_MEMBERSHIP_LIMIT_REACHED YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER"},
    {"POST /api/auth/organization/remove-member", "Shows a member out", "{member:MemberWithUser}",
     "{memberIdOrEmail:text organizationId?:text}",
     "400 NO_ACTIVE_ORGANIZATION MEMBER_NOT_FOUND ORGANIZATION_NOT_FOUND "
     "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER, "
     "401 YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER"},
    {"POST /api/auth/organization/update-member-role", "Gives a member other roles", "Member",
     "{memberId:text role:text|text[] organizationId?:text}",
     "400 NO_ACTIVE_ORGANIZATION MEMBER_NOT_FOUND ROLE_NOT_FOUND ORGANIZATION_NOT_FOUND "
     "YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER, "
     "403 YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER"},
    {"POST /api/auth/organization/leave", "Ends the caller's own membership", "MemberWithUser",
     "{organizationId:text}",
     "400 MEMBER_NOT_FOUND ORGANIZATION_NOT_FOUND "
     "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER"},
    {"POST /api/auth/organization/has-permission", "Whether the caller may do all that is asked",
     "{error:null success:flag}", "{permissions?:object permission?:object organizationId?:text}",
     "400 NO_ACTIVE_ORGANIZATION, 401 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION"},

    {"POST /api/auth/organization/invite-member", "Invites an address by mail", "Invitation",
     "{email:email role:text|text[] organizationId?:text resend?:flag}",
     "400 INVALID_EMAIL ROLE_NOT_FOUND ORGANIZATION_NOT_FOUND MEMBER_NOT_FOUND "
     "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, "
     "403 YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION "
     "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE INVITATION_LIMIT_REACHED"},
    {"POST /api/auth/organization/accept-invitation", "Becomes a member, once",
     "{invitation:Invitation member:Member}", "{invitationId:text}",
     "400 INVITATION_NOT_FOUND ORGANIZATION_NOT_FOUND "
     "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, "
     "403 YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION ORGANIZATION_MEMBERSHIP_LIMIT_REACHED "
     "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION"},
    {"POST /api/auth/organization/reject-invitation", "Declines an invitation",
     "{invitation:Invitation member:null}", "{invitationId:text}",
     "400 INVITATION_NOT_FOUND, 403 YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION "
     "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION"},
    {"POST /api/auth/organization/cancel-invitation", "Takes an invitation back", "Invitation",
     "{invitationId:text}",
     "400 INVITATION_NOT_FOUND MEMBER_NOT_FOUND, 403 "
     "YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION"},
    {"GET /api/auth/organization/get-invitation", "The caller's own pending invitation",
     "ReceivedInvitation", "",
     "400 INVITATION_NOT_FOUND INVITER_IS_NO_LONGER_A_MEMBER_OF_THE_ORGANIZATION, "
     "403 YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION"},
    {"GET /api/auth/organization/list-invitations", "All invitations into a space", "Invitation[]",
     "",
     "400 NO_ACTIVE_ORGANIZATION ORGANIZATION_NOT_FOUND, "
     "403 YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION"},
    {"GET /api/auth/organization/list-user-invitations", "Invitations that wait for the caller",
     "ReceivedInvitation[]", "",
     "400 VALIDATION_ERROR, 403 EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION"},

    {"POST /api/v1/gilden", "Makes a guild: a space of type club",
     "201 {gilde:NewSpace pool:{balance:integer}}",
     "{name:text(1,200) slug:text(1,64) logo?:url|null}",
     "400 ORGANIZATION_ALREADY_EXISTS, 403 YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS"},
    {"GET /api/v1/gilden", "The guilds and other spaces of the caller", "Space[]"},
    {"POST /api/v1/gilden/accept-invitation", "Becomes a member, once",
     "{invitation:Invitation member:Member}", "{invitationId:text}",
     "400 USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, "
     "403 YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION ORGANIZATION_MEMBERSHIP_LIMIT_REACHED "
     "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION, "
     "404 INVITATION_NOT_FOUND ORGANIZATION_NOT_FOUND"},
    {"GET /api/v1/gilden/:id", "A guild with its members and invitations", "FullSpace", "",
     "403 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION, 404 ORGANIZATION_NOT_FOUND"},
    {"PUT /api/v1/gilden/:id", "Changes a guild", "Space",
     "{name?:text(1,200) slug?:text(1,64) logo?:url|null metadata?:SpaceMetadata}",
     "400 SPACE_METADATA_INVALID ORGANIZATION_SLUG_ALREADY_TAKEN, "
     "403 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION "
     "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION, "
     "404 ORGANIZATION_NOT_FOUND"},
    {"DELETE /api/v1/gilden/:id", "Deletes a guild", "{success:flag}", "",
     "403 USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION SPACE_PERSONAL_UNDELETABLE "
     "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION, 404 ORGANIZATION_NOT_FOUND"},
    {"POST /api/v1/gilden/:id/invite", "Invites an address by mail", "Invitation",
     "{email:email role?:text|text[]}",
     "400 INVALID_EMAIL ROLE_NOT_FOUND USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION "
     "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, "
     "403 YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION INVITATION_LIMIT_REACHED "
     "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE, 404 MEMBER_NOT_FOUND "
     "ORGANIZATION_NOT_FOUND"},
    {"DELETE /api/v1/gilden/:id/members/:memberId", "Shows a member out", "{success:flag}", "",
     "400 YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER, "
     "403 YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER, 404 MEMBER_NOT_FOUND ORGANIZATION_NOT_FOUND"},
    {"PUT /api/v1/gilden/:id/members/:memberId/role", "Gives a member other roles", "Member",
     "{role:text|text[]}",
     "400 ROLE_NOT_FOUND YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER, "
     "403 YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER, 404 MEMBER_NOT_FOUND ORGANIZATION_NOT_FOUND"},

    {"GET /api/v1/auth/organizations/:id", "A space with its members and invitations", "FullSpace",
     "", "403 FORBIDDEN, 404 NOT_FOUND"},
    {"PUT /api/v1/auth/organizations/:id", "Changes a space", "Space",
     "{name?:text(1,200) slug?:text(1,64) logo?:url|null metadata?:SpaceMetadata}",
     "403 FORBIDDEN, 404 NOT_FOUND"},

    {"GET /api/v1/internal/users/:user_id/memberships", "The spaces a user belongs to",
     "{userId:text memberships:{organizationId:text role:text}[]}"},
    {"GET /api/v1/internal/org/:orgId/member/:userId", "Whether a user belongs to a space",
     "{isMember:flag role:text}"},
});

}  // namespace

std::span<const RouteNote> spaces_notes() {
    return notes_of_spaces;
}

}  // namespace auth
