#include "auth/account/deletion.hpp"

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/password_check.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/mail/post_office.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;

constexpr auto deletion_session_max = std::chrono::minutes(10);

}  // namespace

void prove_again(const Context& context, const User& user, const base::Secret& password,
                 const Client& client) {
    const base::Moment now = context.clock.now();
    const bool has_password = context.database.transact([&](base::Transaction& transaction) {
        return find_password_hash(transaction, user.user_id()).has_value();
    });
    if (has_password) {
        if (password.empty()) {
            throw Failure(Failure::Kind::invalid,
                          "password must be text of 1 to 1024 bytes: the one you log in with");
        }
        require_password(context, user, password, client);
        return;
    }
    const auto login = context.database.transact([&](base::Transaction& transaction) {
        return find_login_by_id(transaction, user.session_id(), now);
    });
    if (login && login->session.created_at + deletion_session_max >= now) return;
    throw Failure(Failure::Kind::forbidden,
                  "log in again first: this needs a session of at most ten minutes",
                  "SESSION_NOT_FRESH");
}

Erased erase_account(const Context& context, base::Transaction& transaction, const Profile& user,
                     const Client& client, Farewell farewell) {
    if (user.kind == "persona") {
        throw Failure(Failure::Kind::forbidden,
                      "a persona is deleted by DELETE /api/v1/admin/personas/:id, which knows her "
                      "visits",
                      "PERSONA");
    }
    Erased erased;
    erased.counts = count_account(transaction, user.id);
    erased.records_queued = context.options.product_url && !context.options.product_url().empty();
    erased.credits_queued = !context.options.credits_url.empty();
    context.mail.queue(transaction, ServiceCall{.call = Call::product_delete,
                                                .body = {{"userId", user.id}},
                                                .once_key = "product-delete:" + user.id});
    context.mail.queue(transaction, ServiceCall{.call = Call::credits_delete,
                                                .body = {{"userId", user.id}},
                                                .once_key = "credits-delete:" + user.id});
    if (farewell == Farewell::mailed) {
        Mail mail{.to = user.email, .text = MailText::account_deleted, .locale = client.locale};
        mail.fields.name = user.name;
        context.mail.queue(transaction, mail);
    }
    record_act(transaction, "ACCOUNT_DELETED", user.id, client, context.clock.now());
    // Hers are deleted with her; in her spaces others may have left some.
    const auto spaces = delete_user_completely(transaction, user.id);
    for (const std::string& space : spaces.value_or(std::vector<std::string>())) {
        context.mail.queue(transaction, ServiceCall{.call = Call::product_space_delete,
                                                    .body = {{"organizationId", space}},
                                                    .once_key = "product-space:" + space,
                                                    .after = space_deletion_pause});
    }
    return erased;
}

Json erased_json(const Erased& erased) {
    Json projects = Json::array();
    if (erased.records_queued) {
        projects.push_back({{"projectId", "sync"},
                            {"projectName", "Sync-Daten"},
                            {"success", true},
                            {"queued", true},
                            {"deletedCount", 0}});
    }
    const std::int64_t rows = erased.counts.sessions + erased.counts.accounts;
    return {{"success", true},
            {"deletedFromProjects", projects},
            {"deletedFromAuth",
             {{"sessions", erased.counts.sessions},
              {"accounts", erased.counts.accounts},
              {"credits", 0},
              {"creditsQueued", erased.credits_queued},
              {"user", true}}},
            {"totalDeleted", rows + 1}};
}

}  // namespace auth
