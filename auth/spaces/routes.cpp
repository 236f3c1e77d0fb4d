// Who may do what in the room spaces.
#include "auth/spaces/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route spaces_table[] = {
    {"POST", "/api/auth/organization/create", by_user(create_organization)},
    {"GET", "/api/auth/organization/list", by_user(list_organizations)},
    {"POST", "/api/auth/organization/update", by_user(update_organization)},
    {"POST", "/api/auth/organization/delete", by_user(delete_organization)},
    {"POST", "/api/auth/organization/check-slug", by_user(check_slug)},
    {"GET", "/api/auth/organization/get-full-organization", by_user(get_full_organization),
     "organizationId organizationSlug membersLimit"},
    {"POST", "/api/auth/organization/set-active", by_user(set_active_organization)},

    {"GET", "/api/auth/organization/list-members", by_user(list_members),
     "organizationId organizationSlug limit offset sortBy sortDirection filterField filterOperator "
     "filterValue"},
    {"GET", "/api/auth/organization/get-active-member", by_user(get_active_member)},
    {"GET", "/api/auth/organization/get-active-member-role", by_user(get_active_member_role),
     "organizationId organizationSlug userId"},
    {"POST", "/api/auth/organization/add-member", by_service(add_member_by_service)},
    {"POST", "/api/auth/organization/remove-member", by_user(remove_member)},
    {"POST", "/api/auth/organization/update-member-role", by_user(update_member_role)},
    {"POST", "/api/auth/organization/leave", by_user(leave_organization)},
    {"POST", "/api/auth/organization/has-permission", by_user(has_permission)},

    {"POST", "/api/auth/organization/invite-member", by_user(invite_member)},
    {"POST", "/api/auth/organization/accept-invitation", by_user(accept_invitation)},
    {"POST", "/api/auth/organization/reject-invitation", by_user(reject_invitation)},
    {"POST", "/api/auth/organization/cancel-invitation", by_user(cancel_invitation)},
    {"GET", "/api/auth/organization/get-invitation", by_user(get_invitation), "id"},
    {"GET", "/api/auth/organization/list-invitations", by_user(list_invitations), "organizationId"},
    {"GET", "/api/auth/organization/list-user-invitations", by_user(list_user_invitations)},

    {"POST", "/api/v1/gilden", by_user(create_guild)},
    {"GET", "/api/v1/gilden", by_user(list_organizations)},
    {"POST", "/api/v1/gilden/accept-invitation", by_user(accept_invitation)},
    {"GET", "/api/v1/gilden/:id", by_user(show_guild)},
    {"PUT", "/api/v1/gilden/:id", by_user(update_guild)},
    {"DELETE", "/api/v1/gilden/:id", by_user(delete_guild)},
    {"POST", "/api/v1/gilden/:id/invite", by_user(invite_to_guild)},
    {"DELETE", "/api/v1/gilden/:id/members/:memberId", by_user(remove_guild_member)},
    {"PUT", "/api/v1/gilden/:id/members/:memberId/role", by_user(update_guild_role)},

    // What some clients of the ancestor ask for.
    {"GET", "/api/v1/auth/organizations/:id", by_user(show_guild)},
    {"PUT", "/api/v1/auth/organizations/:id", by_user(update_guild)},

    {"GET", "/api/v1/internal/users/:user_id/memberships", by_service(list_user_memberships)},
    {"GET", "/api/v1/internal/org/:orgId/member/:userId", by_service(show_membership)},
};

}  // namespace

std::span<const Route> spaces_routes() {
    return spaces_table;
}

}  // namespace auth
