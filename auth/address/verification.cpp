#include "auth/address/verification.hpp"

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/guard/even_time.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/one_time.hpp"
#include "auth/identity/token.hpp"
#include "auth/keys/purposes.hpp"
#include "auth/mail/post_office.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr auto verification_life = std::chrono::hours(1);
constexpr auto verification_pause = std::chrono::minutes(5);
constexpr std::string_view verification_purpose = "verify-email";
constexpr std::string_view change_purpose = "change-email";

std::string verification_key(const Context& context) {
    return key_for(Purpose::mailed_links, context.options.secret).reveal();
}

std::string verification_link(const Context& context, const std::string& token,
                              std::string_view callback) {
    const std::string_view page = callback.empty() ? context.options.web_url : callback;
    std::string link = context.options.base_url + "/api/auth/verify-email?token=" + token;
    if (!page.empty()) link += "&callbackURL=" + base::url_encode(page);
    return link;
}

Verified verification_confirm(base::Transaction& transaction, std::string_view token,
                              const Profile& user, const Client& client, base::Moment now) {
    if (user.email_verified) return {};
    const auto used = use_one_time(transaction, verification_purpose, token, now);
    if (!used || used->user_id != user.id) return {VerifyFault::invalid_token, {}};
    drop_one_time(transaction, verification_purpose, user.id);
    mark_email_verified(transaction, user.id, now);
    record_act(transaction, "EMAIL_VERIFIED", user.id, client, now);
    return {};
}

Verified verification_change(const Context& context, base::Transaction& transaction,
                             std::string_view token, const MailToken& opened, const Profile& user,
                             const Client& client, base::Moment now) {
    const auto used = use_one_time(transaction, change_purpose, token, now);
    if (!used || used->user_id != user.id) return {VerifyFault::invalid_token, {}};
    // Somebody else may have taken it meanwhile.
    if (!change_user_email(transaction, user.id, opened.update_to, now)) {
        return {VerifyFault::invalid_token, {}};
    }
    drop_one_time(transaction, change_purpose, user.id);
    drop_one_time(transaction, verification_purpose, user.id);
    record_act(transaction, "EMAIL_CHANGED", user.id, client, now,
               {{"oldEmail", user.email}, {"newEmail", opened.update_to}});
    context.mail.queue(transaction,
                       Mail{.to = user.email,
                            .text = MailText::email_changed,
                            .locale = client.locale,
                            .fields = {.name = user.name, .detail = opened.update_to}});
    return {VerifyFault::none, find_user(transaction, user.id)};
}

}  // namespace

void queue_verification(const Context& context, base::Transaction& transaction, const Profile& user,
                        std::string_view callback, Locale locale, base::Moment now) {
    if (has_one_time(transaction, verification_purpose, user.id,
                     base::Moment(now - verification_pause))) {
        return;
    }
    const std::string token = sign_mail_token(verification_key(context), user.email, now);
    put_one_time(transaction,
                 {.purpose = verification_purpose,
                  .secret = token,
                  .about = {.user_id = user.id},
                  .life = verification_life},
                 now);
    context.mail.queue(
        transaction,
        Mail{.to = user.email,
             .text = MailText::verify_email,
             .locale = locale,
             .fields = {.name = user.name, .link = verification_link(context, token, callback)}});
}

void ask_verification(const Context& context, std::string_view email, std::string_view callback,
                      const Client& client) {
    const std::string address = checked_email(email);
    if (!client.trusted) context.limits.admit(mail_limit, address);
    const EvenTime even;
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const auto user = find_user_by_email(transaction, address);
        if (!user || user->email_verified) return;
        queue_verification(context, transaction, *user, callback, client.locale, now);
    });
}

void ask_email_change(const Context& context, const User& user, std::string_view new_email,
                      std::string_view callback, const Client& client) {
    const std::string address = checked_email(new_email, "newEmail");
    if (address == user.email()) {
        throw Failure(Failure::Kind::invalid, "newEmail: must be another address than before");
    }
    if (!client.trusted) {
        context.limits.admit(mail_limit, user.user_id());
        context.limits.admit(mail_limit, address);  // Whose box it is has not asked for mails.
    }
    const EvenTime even;
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const auto profile = find_user(transaction, user.user_id());
        record_act(transaction, "EMAIL_CHANGE_REQUESTED", user.user_id(), client, now,
                   {{"newEmail", address}});
        if (!profile || is_email_taken(transaction, address)) return;
        drop_one_time(transaction, change_purpose, user.user_id());
        const std::string token =
            sign_mail_token(verification_key(context), profile->email, now, address);
        put_one_time(transaction,
                     {.purpose = change_purpose,
                      .secret = token,
                      .about = {.user_id = user.user_id(), .detail = {{"newEmail", address}}},
                      .life = verification_life},
                     now);
        context.mail.queue(transaction,
                           Mail{.to = address,
                                .text = MailText::change_email,
                                .locale = client.locale,
                                .fields = {.name = profile->name,
                                           .link = verification_link(context, token, callback)}});
    });
}

const char* code_of(VerifyFault fault) {
    switch (fault) {
        case VerifyFault::none: return "";
        case VerifyFault::invalid_token: return "INVALID_TOKEN";
        case VerifyFault::expired: return "TOKEN_EXPIRED";
        case VerifyFault::unknown_user: return "USER_NOT_FOUND";
        case VerifyFault::other_user: return "INVALID_USER";
    }
    base::unreachable("a verify fault outside its enumerators");
}

Verified use_verification(const Context& context, std::string_view token, std::string_view visitor,
                          const Client& client) {
    const base::Moment now = context.clock.now();
    const MailToken opened = open_mail_token(verification_key(context), token, now);
    if (opened.fault == MailTokenFault::expired) return {VerifyFault::expired, {}};
    if (opened.fault != MailTokenFault::none) return {VerifyFault::invalid_token, {}};
    return context.database.transact([&](base::Transaction& transaction) -> Verified {
        const auto user = find_user_by_email(transaction, opened.email);
        if (!user) return {VerifyFault::unknown_user, {}};
        if (opened.update_to.empty()) {
            return verification_confirm(transaction, token, *user, client, now);
        }
        if (!visitor.empty() && visitor != user->id) return {VerifyFault::other_user, {}};
        return verification_change(context, transaction, token, opened, *user, client, now);
    });
}

}  // namespace auth
