#include "auth/spaces/space_requests.hpp"

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "auth/mail/post_office.hpp"
#include "base/failure.hpp"

namespace auth {

std::string space_of_body(base::Transaction& transaction, const User& user,
                          const base::Fields& fields, const char* code) {
    if (auto named = fields.text_or_none("organizationId", space_id_bytes_max)) {
        if (!named->empty()) return std::move(*named);
    }
    if (auto active = active_space(transaction, user)) return std::move(*active);
    throw base::Failure(base::Failure::Kind::invalid,
                        "organizationId must be given: no space is active", code);
}

std::optional<std::string> space_of_query(base::Transaction& transaction, const User& user,
                                          const base::ServerRequest& request) {
    const auto slug = request.query_value("organizationSlug");
    if (slug && !slug->empty()) {
        const auto space = find_space_by_slug(transaction, *slug);
        if (!space) {
            throw base::Failure(base::Failure::Kind::missing,
                                "organizationSlug must name a space that exists",
                                "ORGANIZATION_NOT_FOUND");
        }
        return space->id;
    }
    const auto id = request.query_value("organizationId");
    if (id && !id->empty()) return id;
    return active_space(transaction, user);
}

void renew_session_cookie(const Context& context, const base::ServerRequest& request,
                          base::ServerResponse& answer) {
    const auto token = session_token_of(context.options, request);
    if (!token) return;
    std::optional<std::chrono::seconds> life;
    if (!has_dont_remember(context.options, request)) life = session_life;
    answer.headers.emplace_back("Set-Cookie", set_session_cookie(context.options, *token, life));
}

void record_space_event(base::Transaction& transaction, const Context& context,
                        const base::ServerRequest& request, const User& user, std::string_view type,
                        const std::string& space_id, const std::string& email) {
    base::Json more = {{"organizationId", space_id}};
    if (!email.empty()) more["member"] = email;
    record_act(transaction, type, user.user_id(), client_of(context, request), context.clock.now(),
               more);
}

void tell_of_deleted_space(base::Transaction& transaction, const Context& context,
                           const base::ServerRequest& request, const User& user,
                           const std::string& space_id) {
    record_space_event(transaction, context, request, user, "ORG_DELETED", space_id);
    context.mail.queue(transaction, ServiceCall{.call = Call::product_space_delete,
                                                .body = {{"organizationId", space_id}},
                                                .once_key = "product-space:" + space_id,
                                                .after = space_deletion_pause});
}

void admit_invitation(const Context& context, const std::string& email) {
    context.limits.admit(mail_limit, email);
}

Invitation invite_by_mail(const Context& context, const base::ServerRequest& request,
                          const User& user, base::Transaction& transaction,
                          const InvitationWish& wish) {
    const base::Moment now = context.clock.now();
    Invitation invitation = invite_member(transaction, user, wish, now);
    const auto inviter = find_user(transaction, user.user_id());
    Mail mail{.to = invitation.email,
              .text = MailText::invitation,
              .locale = client_of(context, request).locale};
    // The page that answers an invitation is the web application's, not ours.
    const std::string& pages =
        context.options.web_url.empty() ? context.options.base_url : context.options.web_url;
    mail.fields.link = pages + "/accept-invitation?id=" + invitation.id;
    mail.fields.inviter = inviter && !inviter->name.empty() ? inviter->name : user.email();
    mail.fields.space = invitation.organization_name;
    mail.fields.life = invitation_life;
    context.mail.queue(transaction, mail);
    record_space_event(transaction, context, request, user, "ORG_INVITED",
                       invitation.organization_id, invitation.email);
    return invitation;
}

}  // namespace auth
