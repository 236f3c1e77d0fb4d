// /api/auth/organization: who shall belong to a space, as better-auth's client speaks of it.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/identity/users.hpp"
#include "auth/spaces/invitations.hpp"
#include "auth/spaces/rights.hpp"
#include "auth/spaces/routes.hpp"
#include "auth/spaces/space_requests.hpp"
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

std::string invitation_id_of(const ServerRequest& request) {
    const Json body = request.json();
    return base::Fields(body).text("invitationId", 1, space_id_bytes_max);
}

}  // namespace

ServerResponse invite_member(const User& user, const Context& context,
                             const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    InvitationWish wish;
    wish.email = checked_email(fields.text("email", 1, 320));
    wish.roles = checked_roles(fields.has("role") ? body["role"] : Json(nullptr));
    wish.resend = fields.flag_or_none("resend").value_or(false);
    admit_invitation(context, wish.email);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        wish.organization_id = space_of_body(transaction, user, fields, "ORGANIZATION_NOT_FOUND");
        return invitation_json(invite_by_mail(context, request, user, transaction, wish));
    }));
}

ServerResponse accept_invitation(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const std::string id = invitation_id_of(request);
    ServerResponse answer =
        ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
            const Accepted accepted = accept_invitation(transaction, user, id, context.clock.now());
            record_space_event(transaction, context, request, user, "ORG_JOINED",
                               accepted.member.organization_id);
            return {{"invitation", invitation_json(accepted.invitation)},
                    {"member", member_json(accepted.member)}};
        }));
    renew_session_cookie(context, request, answer);
    return answer;
}

ServerResponse reject_invitation(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const std::string id = invitation_id_of(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const Invitation rejected = reject_invitation(transaction, user, id, context.clock.now());
        return {{"invitation", invitation_json(rejected)}, {"member", nullptr}};
    }));
}

ServerResponse cancel_invitation(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const std::string id = invitation_id_of(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return invitation_json(cancel_invitation(transaction, user, id));
    }));
}

ServerResponse get_invitation(const User& user, const Context& context,
                              const ServerRequest& request) {
    const auto id = request.query_value("id");
    if (!id || id->empty() || id->size() > space_id_bytes_max) {
        throw Failure(Failure::Kind::invalid, "id must be an invitation's, from the mailed link",
                      "VALIDATION_ERROR");
    }
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const Invitation invitation = show_invitation(transaction, user, *id, context.clock.now());
        Json shown = invitation_json(invitation);
        shown["organizationName"] = invitation.organization_name;
        shown["organizationSlug"] = invitation.organization_slug.value_or("");
        shown["inviterEmail"] = invitation.inviter_email.value_or("");
        return shown;
    }));
}

ServerResponse list_invitations(const User& user, const Context& context,
                                const ServerRequest& request) {
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        const auto id = space_of_query(transaction, user, request);
        if (!id) {
            throw Failure(Failure::Kind::invalid,
                          "organizationId must be given: no space is active",
                          "NO_ACTIVE_ORGANIZATION");
        }
        own_membership(transaction, user, *id, "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");
        return list_invitations_of(transaction, *id);
    }));
}

ServerResponse list_user_invitations(const User& user, const Context& context,
                                     const ServerRequest& request) {
    if (request.query_value("email")) {
        throw Failure(Failure::Kind::invalid, "email must not be given: it is the session's",
                      "VALIDATION_ERROR");
    }
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return list_invitations_to(transaction, user, context.clock.now());
    }));
}

}  // namespace auth
