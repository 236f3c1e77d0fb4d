// Spaces as users and services read them.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/postgres.hpp"

namespace auth {

base::ServerResponse list_organizations(const User& user, const Context& context,
                                        const base::ServerRequest&) {
    return base::ServerResponse::json(context.database.transact(
        [&](base::Transaction& transaction) { return list_spaces(transaction, user.user_id()); }));
}

base::ServerResponse list_user_memberships(const ServiceCaller&, const Context& context,
                                           const base::ServerRequest& request) {
    const std::string& user_id = request.param("user_id");
    const auto memberships = context.database.transact(
        [&](base::Transaction& transaction) { return list_memberships(transaction, user_id); });
    base::Json list = base::Json::array();
    for (const Membership& membership : memberships) {
        list.push_back({{"organizationId", membership.organization_id}, {"role", membership.role}});
    }
    return base::ServerResponse::json({{"userId", user_id}, {"memberships", list}});
}

}  // namespace auth
