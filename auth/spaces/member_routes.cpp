// /api/auth/organization: who belongs to a space, as better-auth's client speaks of it.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/identity/users.hpp"
#include "auth/spaces/member_list.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/rights.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/space_requests.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

constexpr const char* no_active_space = "NO_ACTIVE_ORGANIZATION";

std::string member_space_of_query(Transaction& transaction, const User& user,
                                  const ServerRequest& request) {
    auto id = space_of_query(transaction, user, request);
    if (!id) {
        throw Failure(Failure::Kind::invalid, "organizationId must be given: no space is active",
                      no_active_space);
    }
    return std::move(*id);
}

std::string member_role_of(const Json& body, const base::Fields& fields) {
    return checked_roles(fields.has("role") ? body["role"] : Json(nullptr));
}

}  // namespace

ServerResponse list_members(const User& user, const Context& context,
                            const ServerRequest& request) {
    const MemberQuery query = read_member_query(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const std::string id = member_space_of_query(transaction, user, request);
        own_membership(transaction, user, id, "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");
        const MemberPage page = page_of(list_members_of(transaction, id), query);
        Json members = Json::array();
        for (const Member& member : page.members) members.push_back(member_json_with_user(member));
        return {{"members", members}, {"total", page.total}};
    }));
}

ServerResponse get_active_member(const User& user, const Context& context, const ServerRequest&) {
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const auto id = active_space(transaction, user);
        if (!id) throw Failure(Failure::Kind::invalid, "no space is active", no_active_space);
        return member_json_with_user(own_membership(transaction, user, *id));
    }));
}

ServerResponse get_active_member_role(const User& user, const Context& context,
                                      const ServerRequest& request) {
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const std::string id = member_space_of_query(transaction, user, request);
        constexpr const char* foreign = "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION";
        const Member own = own_membership(transaction, user, id, foreign);
        const auto asked = request.query_value("userId");
        if (!asked || asked->empty()) return {{"role", own.role}};
        const auto other = find_member(transaction, id, *asked);
        if (!other) throw Failure(Failure::Kind::forbidden, "userId must name a member", foreign);
        return {{"role", other->role}};
    }));
}

// Without an invitation nobody becomes a member but by a service of ours, which has asked her.
ServerResponse add_member_by_service(const ServiceCaller&, const Context& context,
                                     const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    constexpr std::string_view known[] = {"organizationId", "userId", "role"};
    fields.only(known);
    const std::string space_id = fields.text("organizationId", 1, space_id_bytes_max);
    const std::string user_id = fields.text("userId", 1, space_id_bytes_max);
    const std::string roles = member_role_of(body, fields);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const auto user = find_user(transaction, user_id);
        if (!user) {
            throw Failure(Failure::Kind::invalid, "userId must name a user", "USER_NOT_FOUND");
        }
        const Space space = lock_space(transaction, space_id);
        if (!space.personal_user_id.empty() && is_owner(roles)) {
            throw Failure(Failure::Kind::forbidden, "a personal space has no other owner",
                          "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER");
        }
        return member_json(add_member(transaction, space_id, user_id, roles, context.clock.now()));
    }));
}

ServerResponse remove_member(const User& user, const Context& context,
                             const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string who = fields.text("memberIdOrEmail", 1, 320);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const std::string id = space_of_body(transaction, user, fields, no_active_space);
        const Member removed = remove_member(transaction, user, id, who);
        record_space_event(transaction, context, request, user, "ORG_MEMBER_REMOVED", id,
                           removed.email);
        return {{"member", member_json_with_user(removed)}};
    }));
}

ServerResponse update_member_role(const User& user, const Context& context,
                                  const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string member_id = fields.text("memberId", 1, space_id_bytes_max);
    const std::string roles = member_role_of(body, fields);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const std::string id = space_of_body(transaction, user, fields, no_active_space);
        const Member member = update_member_role(transaction, user, id, member_id, roles);
        record_space_event(transaction, context, request, user, "ORG_ROLE_CHANGED", id,
                           member.email);
        return member_json(member);
    }));
}

ServerResponse leave_organization(const User& user, const Context& context,
                                  const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string id = fields.text("organizationId", 1, space_id_bytes_max);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const Member left = leave_space(transaction, user, id);
        record_space_event(transaction, context, request, user, "ORG_LEFT", id);
        return member_json_with_user(left);
    }));
}

ServerResponse has_permission(const User& user, const Context& context,
                              const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    // The library renamed it; clients of both ages ask.
    const char* name = fields.has("permissions") ? "permissions" : "permission";
    const Json& asked = fields.object(fields.has(name) ? name : "permissions");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const std::string id = space_of_body(transaction, user, fields, no_active_space);
        const Member member =
            own_membership(transaction, user, id, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION",
                           Failure::Kind::unauthenticated);
        return {{"error", nullptr}, {"success", may_all(member.role, asked)}};
    }));
}

}  // namespace auth
