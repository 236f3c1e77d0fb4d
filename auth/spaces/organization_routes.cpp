// /api/auth/organization: the space itself, as better-auth's client speaks of it.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/organizations.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/space_requests.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

constexpr const char* not_a_member = "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION";

int organization_members_limit(const ServerRequest& request) {
    const auto asked = request.query_value("membersLimit");
    if (!asked) return members_of_space_max;
    int limit = 0;
    const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), limit);
    if (error != std::errc{} || end != asked->data() + asked->size() || limit < 1) {
        throw Failure(Failure::Kind::invalid, "membersLimit must be a whole number from 1",
                      "VALIDATION_ERROR");
    }
    return std::min(limit, members_of_space_max);
}

// Which space set-active means: nothing to leave the active one.
std::optional<std::string> organization_wished(Transaction& transaction, const User& user,
                                               const Json& body, const base::Fields& fields) {
    const auto id = fields.text_or_none("organizationId", space_id_bytes_max);
    const auto slug = fields.text_or_none("organizationSlug", space_id_bytes_max);
    if (body.contains("organizationId") && body["organizationId"].is_null()) return std::nullopt;
    if (id && !id->empty()) return id;
    if (!slug || slug->empty()) return active_space(transaction, user);
    const auto space = find_space_by_slug(transaction, *slug);
    if (!space) {
        throw Failure(Failure::Kind::missing, "organizationSlug must name a space that exists",
                      "ORGANIZATION_NOT_FOUND");
    }
    return space->id;
}

}  // namespace

ServerResponse create_organization(const User& user, const Context& context,
                                   const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    SpaceWish wish;
    wish.name = read_space_name(fields);
    wish.slug = read_slug(fields, "slug");
    wish.logo = read_logo(fields);
    wish.metadata = fields.has("metadata") ? fields.object("metadata") : Json::object();
    wish.becomes_active = !fields.flag_or_none("keepCurrentActiveOrganization").value_or(false);
    ServerResponse answer =
        ServerResponse::json(context.database.transact([&](Transaction& transaction) {
            Json made = create_space(transaction, user, wish, context.clock.now());
            record_space_event(transaction, context, request, user, "ORG_CREATED",
                               made["id"].get<std::string>());
            return made;
        }));
    renew_session_cookie(context, request, answer);
    return answer;
}

ServerResponse list_organizations(const User& user, const Context& context, const ServerRequest&) {
    return ServerResponse::json(context.database.transact(
        [&](Transaction& transaction) { return list_spaces(transaction, user.user_id()); }));
}

ServerResponse update_organization(const User& user, const Context& context,
                                   const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Fields data(fields.object("data"), "data");
    SpaceChange change;
    if (data.has("name")) change.name = read_space_name(data);
    if (data.has("slug")) change.slug = read_slug(data, "slug");
    change.logo = read_logo(data);
    change.removes_logo = body["data"].contains("logo") && !change.logo;
    if (data.has("metadata")) change.metadata = data.object("metadata");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const std::string id = space_of_body(transaction, user, fields, "ORGANIZATION_NOT_FOUND");
        return space_json(update_space(transaction, user, id, change, context.clock.now(),
                                       Failure::Kind::invalid));
    }));
}

ServerResponse delete_organization(const User& user, const Context& context,
                                   const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string id = fields.text("organizationId", 1, space_id_bytes_max);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const Space space = delete_space(transaction, user, id, Failure::Kind::invalid);
        tell_of_deleted_space(transaction, context, request, user, space.id);
        return space_json(space);
    }));
}

ServerResponse check_slug(const User&, const Context& context, const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string slug = read_slug(fields, "slug");
    context.database.transact(
        [&](Transaction& transaction) { check_slug_is_free(transaction, slug); });
    return ServerResponse::json({{"status", true}});
}

ServerResponse get_full_organization(const User& user, const Context& context,
                                     const ServerRequest& request) {
    const int members_max = organization_members_limit(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const auto id = space_of_query(transaction, user, request);
        if (!id) return nullptr;
        const auto space = find_space(transaction, *id);
        if (!space) {
            throw Failure(Failure::Kind::missing, "organizationId must name a space that exists",
                          "ORGANIZATION_NOT_FOUND");
        }
        return full_space(transaction, user, *space, members_max);
    }));
}

ServerResponse set_active_organization(const User& user, const Context& context,
                                       const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    ServerResponse answer =
        ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
            const auto id = organization_wished(transaction, user, body, fields);
            if (id) {
                own_membership(transaction, user, *id, not_a_member);
            }
            set_active_space(transaction, user, id);
            return id ? space_json(*find_space(transaction, *id)) : Json(nullptr);
        }));
    renew_session_cookie(context, request, answer);
    return answer;
}

}  // namespace auth
