// Routes and handlers of the room spaces.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class ServiceCaller;
class User;
struct Context;
struct Route;

std::span<const Route> spaces_routes();

// organization_routes.cpp: /api/auth/organization, the space itself
base::ServerResponse create_organization(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse list_organizations(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse update_organization(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_organization(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse check_slug(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_full_organization(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse set_active_organization(const User&, const Context&,
                                             const base::ServerRequest&);

// member_routes.cpp: /api/auth/organization, who belongs to it
base::ServerResponse list_members(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_active_member(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_active_member_role(const User&, const Context&,
                                            const base::ServerRequest&);
base::ServerResponse add_member_by_service(const ServiceCaller&, const Context&,
                                           const base::ServerRequest&);
base::ServerResponse remove_member(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse update_member_role(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse leave_organization(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse has_permission(const User&, const Context&, const base::ServerRequest&);

// invitation_routes.cpp: /api/auth/organization, who shall belong to it
base::ServerResponse invite_member(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse accept_invitation(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse reject_invitation(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse cancel_invitation(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_invitation(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse list_invitations(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse list_user_invitations(const User&, const Context&, const base::ServerRequest&);

// guild_routes.cpp: /api/v1/gilden
base::ServerResponse create_guild(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse show_guild(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse update_guild(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_guild(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse invite_to_guild(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse remove_guild_member(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse update_guild_role(const User&, const Context&, const base::ServerRequest&);

// membership_routes.cpp: /api/v1/internal
base::ServerResponse list_user_memberships(const ServiceCaller&, const Context&,
                                           const base::ServerRequest&);
base::ServerResponse show_membership(const ServiceCaller&, const Context&,
                                     const base::ServerRequest&);

}  // namespace auth
