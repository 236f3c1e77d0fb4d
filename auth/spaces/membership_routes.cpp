// /api/v1/internal: what other services ask about memberships.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/postgres.hpp"

namespace auth {

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

base::ServerResponse show_membership(const ServiceCaller&, const Context& context,
                                     const base::ServerRequest& request) {
    const auto member = context.database.transact([&](base::Transaction& transaction) {
        return find_member(transaction, request.param("orgId"), request.param("userId"));
    });
    return base::ServerResponse::json(
        {{"isMember", member.has_value()}, {"role", member ? member->role : ""}});
}

}  // namespace auth
