// /api/v1/gilden: guilds are spaces of type club. One principal, the same rules and codes as
// /api/auth/organization; the plan of the user limits how many she may own.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/identity/users.hpp"
#include "auth/mail/post_office.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/organizations.hpp"
#include "auth/spaces/plan_limits.hpp"
#include "auth/spaces/rights.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/space_requests.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

}  // namespace

ServerResponse create_guild(const User& user, const Context& context,
                            const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    SpaceWish wish;
    wish.name = read_space_name(fields);
    wish.slug = read_slug(fields, "slug");
    wish.logo = read_logo(fields);
    wish.metadata = {{"type", "club"}};
    wish.becomes_active = false;
    // Asked before the transaction: a slow service must not hold a connection.
    wish.own_spaces_max = own_spaces_max_of_plan(context.options, user.user_id());
    const Json guild = context.database.transact([&](Transaction& transaction) {
        Json made = create_space(transaction, user, wish, context.clock.now());
        const std::string id = made["id"].get<std::string>();
        context.mail.queue(transaction, ServiceCall{.call = Call::guild_pool_init,
                                                    .body = {{"organizationId", id}},
                                                    .once_key = "guild-pool:" + id});
        record_space_event(transaction, context, request, user, "ORG_CREATED", id);
        return made;
    });
    return ServerResponse::json({{"gilde", guild}, {"pool", {{"balance", 0}}}}, 201);
}

ServerResponse show_guild(const User& user, const Context& context, const ServerRequest& request) {
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const auto space = find_space(transaction, request.param("id"));
        if (!space) {
            throw base::Failure(base::Failure::Kind::missing, "there is no such guild",
                                "ORGANIZATION_NOT_FOUND");
        }
        return full_space(transaction, user, *space, members_of_space_max);
    }));
}

ServerResponse update_guild(const User& user, const Context& context,
                            const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    SpaceChange change;
    if (fields.has("name")) change.name = read_space_name(fields);
    if (fields.has("slug")) change.slug = read_slug(fields, "slug");
    change.logo = read_logo(fields);
    change.removes_logo = body.contains("logo") && !change.logo;
    if (fields.has("metadata")) change.metadata = fields.object("metadata");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return space_json(
            update_space(transaction, user, request.param("id"), change, context.clock.now()));
    }));
}

ServerResponse delete_guild(const User& user, const Context& context,
                            const ServerRequest& request) {
    context.database.transact([&](Transaction& transaction) {
        const Space space = delete_space(transaction, user, request.param("id"));
        tell_of_deleted_space(transaction, context, request, user, space.id);
    });
    return ServerResponse::json({{"success", true}});
}

ServerResponse invite_to_guild(const User& user, const Context& context,
                               const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    InvitationWish wish;
    wish.organization_id = request.param("id");
    wish.email = checked_email(fields.text("email", 1, 320));
    wish.roles = checked_roles(fields.has("role") ? body["role"] : Json("member"));
    admit_invitation(context, wish.email);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return invitation_json(invite_by_mail(context, request, user, transaction, wish));
    }));
}

ServerResponse remove_guild_member(const User& user, const Context& context,
                                   const ServerRequest& request) {
    const std::string& id = request.param("id");
    context.database.transact([&](Transaction& transaction) {
        const Member removed = remove_member(transaction, user, id, request.param("memberId"));
        record_space_event(transaction, context, request, user, "ORG_MEMBER_REMOVED", id,
                           removed.email);
    });
    return ServerResponse::json({{"success", true}});
}

ServerResponse update_guild_role(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string roles = checked_roles(fields.has("role") ? body["role"] : Json(nullptr));
    const std::string& id = request.param("id");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const Member member =
            update_member_role(transaction, user, id, request.param("memberId"), roles);
        record_space_event(transaction, context, request, user, "ORG_ROLE_CHANGED", id,
                           member.email);
        return member_json(member);
    }));
}

}  // namespace auth
