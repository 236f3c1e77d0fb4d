#include "auth/passwords/passwords.hpp"

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/factors/challenge.hpp"
#include "auth/guard/even_time.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/lockout.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/one_time.hpp"
#include "auth/identity/password_check.hpp"
#include "auth/identity/users.hpp"
#include "auth/mail/post_office.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::string_view reset_purpose = "reset-password";
constexpr std::size_t reset_token_length = 24;
constexpr auto reset_pause = std::chrono::minutes(1);

[[noreturn]] void reset_refuse() {
    throw Failure(Failure::Kind::invalid,
                  "token: the link is not valid any more; ask for a new one", "INVALID_TOKEN");
}

void reset_queue(const Context& context, base::Transaction& transaction, const Profile& user,
                 const std::string& redirect, const Client& client, base::Moment now) {
    if (has_one_time(transaction, reset_purpose, user.id, base::Moment(now - reset_pause))) return;
    const std::string token = base::random_text(reset_token_length, base::alphanumeric);
    put_one_time(transaction,
                 {.purpose = reset_purpose,
                  .secret = token,
                  .about = {.user_id = user.id, .detail = {{"redirect", redirect}}}},
                 now);
    context.mail.queue(
        transaction,
        Mail{.to = user.email,
             .text = MailText::reset_password,
             .locale = client.locale,
             .fields = {.name = user.name,
                        .link = context.options.base_url + "/api/auth/reset-password/" + token +
                                "?callbackURL=" + base::url_encode(redirect)}});
}

void password_tell(const Context& context, base::Transaction& transaction, const Profile& user,
                   const Client& client) {
    context.mail.queue(transaction, Mail{.to = user.email,
                                         .text = MailText::password_changed,
                                         .locale = client.locale,
                                         .fields = {.name = user.name}});
}

}  // namespace

void ask_password_reset(const Context& context, std::string_view email, const std::string& redirect,
                        const Client& client) {
    const std::string address = checked_email(email);
    if (!client.trusted) context.limits.admit(mail_limit, address);
    const EvenTime even;
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const auto user = find_user_by_email(transaction, address);
        SecurityEvent event{.type = "PASSWORD_RESET_REQUESTED",
                            .address = client.address,
                            .user_agent = client.user_agent,
                            .email = address};
        if (user) event.user_id = user->id;
        record_event(transaction, event, now);
        if (user) reset_queue(context, transaction, *user, redirect, client, now);
    });
}

std::optional<std::string> page_of_password_reset(const Context& context, std::string_view token) {
    const auto found = context.database.transact([&](base::Transaction& transaction) {
        return look_at_one_time(transaction, reset_purpose, token, context.clock.now());
    });
    if (!found) return std::nullopt;
    return found->detail.is_object() ? found->detail.value("redirect", "") : std::string();
}

void finish_password_reset(const Context& context, std::string_view token,
                           const base::Secret& password, const Client& client) {
    check_password_length(password, "newPassword");
    // Only who holds a link costs us a hash.
    if (!page_of_password_reset(context, token)) reset_refuse();
    const std::string hash = context.passwords.hash(password);
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const auto used = use_one_time(transaction, reset_purpose, token, now);
        const auto user = used ? find_user(transaction, used->user_id) : std::nullopt;
        if (!user) reset_refuse();
        set_password_hash(transaction, user->id, hash, now);
        drop_one_time(transaction, reset_purpose, user->id);
        close_challenges_of(transaction, user->id);
        delete_sessions_of(transaction, user->id);
        unlock_account(transaction, user->email);
        record_act(transaction, "PASSWORD_RESET_COMPLETED", user->id, client, now);
        password_tell(context, transaction, *user, client);
    });
}

std::optional<Session> change_password(const Context& context, const User& user,
                                       const base::Secret& current, const base::Secret& password,
                                       OtherSessions others, const Client& client) {
    check_password_length(password, "newPassword");
    const std::string known = require_password(context, user, current, client);
    const std::string hash = context.passwords.hash(password);
    const base::Moment now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) {
        const auto profile = find_user(transaction, user.user_id());
        const bool changed =
            profile && replace_password_hash(transaction, user.user_id(), known, hash, now);
        if (!changed) {
            throw Failure(Failure::Kind::conflict,
                          "the password was changed elsewhere at the same time; log in again");
        }
        close_challenges_of(transaction, user.user_id());
        std::optional<Session> replaced;
        if (others == OtherSessions::end) {
            delete_other_sessions(transaction, user.user_id(), user.session_id());
        } else if (others == OtherSessions::replace) {
            delete_sessions_of(transaction, user.user_id());
            replaced = create_session(transaction,
                                      {.user_id = user.user_id(),
                                       .ip_address = client.address,
                                       .user_agent = client.user_agent},
                                      now);
        }
        record_act(transaction, "PASSWORD_CHANGED", user.user_id(), client, now);
        password_tell(context, transaction, *profile, client);
        return replaced;
    });
}

}  // namespace auth
