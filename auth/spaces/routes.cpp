// Who may do what in the room spaces.
#include "auth/spaces/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route spaces_table[] = {
    {"GET", "/api/auth/organization/list", by_user(list_organizations)},
    {"GET", "/api/v1/internal/users/:user_id/memberships", by_service(list_user_memberships)},
};

}  // namespace

std::span<const Route> spaces_routes() {
    return spaces_table;
}

}  // namespace auth
