// Who may do what in the room administration.
#include "auth/administration/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route administration_table[] = {
    {"GET", "/api/v1/admin/stats", by_admin(show_stats)},
    {"GET", "/api/v1/admin/users", by_admin(list_users), "page limit search tier"},
    {"GET", "/api/v1/admin/users/:userId/data", by_admin(show_user_data)},
    {"DELETE", "/api/v1/admin/users/:userId/data", by_admin(delete_user_data)},
    {"GET", "/api/v1/admin/users/:userId/tier", by_admin(show_user_tier)},
    {"PUT", "/api/v1/admin/users/:userId/tier", by_admin(put_user_tier)},
};

}  // namespace

std::span<const Route> administration_routes() {
    return administration_table;
}

}  // namespace auth
