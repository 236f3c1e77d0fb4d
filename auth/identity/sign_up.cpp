#include "auth/identity/sign_up.hpp"

#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/limits.hpp"
#include "auth/identity/token.hpp"
#include "auth/mail/post_office.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr auto verification_life = std::chrono::hours(1);
constexpr auto verification_pause = std::chrono::minutes(5);

constexpr std::string_view fresh_verification = R"(
    select exists (select from auth.verification
                    where value = $1 and identifier like 'verify-email:%'
                      and created_at > $2::timestamptz) as fresh)";

constexpr std::string_view insert_verification = R"(
    insert into auth.verification (id, identifier, value, expires_at, created_at, updated_at)
    values ($1, $2, $3, $4::timestamptz, $5::timestamptz, $5::timestamptz))";

constexpr std::string_view use_verification_row = R"(
    delete from auth.verification
     where identifier = $1 and value = $2 and expires_at > $3::timestamptz returning id)";

constexpr std::string_view delete_verification_rows = R"(
    delete from auth.verification where value = $1 and identifier like 'verify-email:%')";

constexpr std::string_view forget_verifications = R"(
    delete from auth.verification where id in (
        select id from auth.verification where expires_at <= $1::timestamptz
         limit 100 for update skip locked))";

// The key of mailed links is not the secret itself: what signs cookies must not sign links.
std::string verification_key(const Context& context) {
    return base::derive_key(context.options.secret.reveal(), "auth mail verification");
}

std::string verification_identifier(std::string_view token) {
    return "verify-email:" + base::to_hex(base::sha256(token));
}

// What follows from a new account elsewhere. The credits service redeems gifts that wait for the
// address, so it hears of the account that was made, never of a made-up one.
void tell_of_new_user(const Context& context, base::Transaction& transaction, const Profile& user) {
    context.mail.queue(transaction, ServiceCall{.call = Call::credits_init,
                                                .body = {{"userId", user.id}},
                                                .once_key = "credits.init " + user.id});
    context.mail.queue(transaction,
                       ServiceCall{.call = Call::credits_gifts,
                                   .body = {{"userId", user.id}, {"email", user.email}},
                                   .once_key = "credits.gifts " + user.id});
    context.mail.queue(
        transaction,
        ServiceCall{.call = Call::mailbox_created,
                    .body = {{"userId", user.id}, {"email", user.email}, {"name", user.name}},
                    .once_key = "mailbox.created " + user.id});
}

}  // namespace

SignUpWish read_sign_up_wish(const Context& context, const base::ServerRequest& request,
                             const base::Fields& fields) {
    SignUpWish wish;
    wish.email = fields.text("email", 1, 320);
    wish.password = base::Secret(fields.text("password", 1, 1024));
    wish.address = address_of(context, request);
    wish.user_agent = std::string(request.header("user-agent"));
    wish.locale = locale_of(request.header("accept-language"));
    wish.trusted = has_service_key(context, request);
    return wish;
}

Profile sign_up(const Context& context, const SignUpWish& wish) {
    const std::string email = checked_email(wish.email);
    check_password_length(wish.password);
    if (!wish.trusted) {
        context.limits.admit(sign_up_limit, wish.address);
        context.limits.admit(mail_limit, email);
    }
    const std::string hash = context.passwords.hash(wish.password);
    const base::Moment now = context.clock.now();
    NewUser user{.email = email, .name = std::string(base::trim(wish.name)), .image = wish.image};
    user.password_hash = hash;

    const auto made =
        context.database.transact([&](base::Transaction& transaction) -> std::optional<Profile> {
            const int cap = wish.trusted ? 0 : context.options.daily_signups_max;
            if (cap > 0 && count_users_created_on_day(transaction, now) >= cap) {
                throw Failure(Failure::Kind::throttled,
                              "no more registrations are open today; try again tomorrow",
                              "SIGNUP_LIMIT_REACHED");
            }
            const auto id = create_user(transaction, user, now);
            if (!id) return std::nullopt;
            record_event(transaction,
                         {.type = "REGISTER",
                          .user_id = *id,
                          .address = wish.address,
                          .user_agent = wish.user_agent},
                         now);
            const auto profile = find_user(transaction, *id);
            queue_verification(context, transaction, *profile, wish.callback, wish.locale, now);
            tell_of_new_user(context, transaction, *profile);
            return profile;
        });
    if (made) return *made;
    Profile taken;
    taken.id = base::random_id();
    taken.name = user.name.empty() ? email.substr(0, email.find('@')) : user.name;
    taken.email = email;
    taken.image = wish.image;
    taken.created_at = taken.updated_at = now;
    return taken;
}

void queue_verification(const Context& context, base::Transaction& transaction, const Profile& user,
                        std::string_view callback, Locale locale, base::Moment now) {
    transaction.run(forget_verifications, {now});
    const auto asked =
        transaction.run(fresh_verification, {user.id, base::Moment(now - verification_pause)});
    if (asked[0].flag("fresh")) return;
    const std::string token = sign_mail_token(verification_key(context), user.email, now);
    transaction.run(insert_verification, {base::random_id(), verification_identifier(token),
                                          user.id, base::Moment(now + verification_life), now});
    const std::string_view target = callback.empty() ? context.options.web_url : callback;
    std::string link = context.options.base_url + "/api/auth/verify-email?token=" + token;
    if (!target.empty()) link += "&callbackURL=" + base::url_encode(target);
    context.mail.queue(transaction, Mail{.to = user.email,
                                         .text = MailText::verify_email,
                                         .locale = locale,
                                         .fields = {.name = user.name, .link = link}});
}

const char* code_of(VerifyResult result) {
    switch (result) {
        case VerifyResult::verified:
        case VerifyResult::already: return "";
        case VerifyResult::invalid_token: return "INVALID_TOKEN";
        case VerifyResult::expired: return "TOKEN_EXPIRED";
        case VerifyResult::unknown_user: return "USER_NOT_FOUND";
    }
    base::unreachable("a verify result outside its enumerators");
}

VerifyResult use_verification(const Context& context, std::string_view token,
                              const std::string& address, const std::string& user_agent) {
    const base::Moment now = context.clock.now();
    const MailToken opened = open_mail_token(verification_key(context), token, now);
    if (opened.fault == MailTokenFault::expired) return VerifyResult::expired;
    if (opened.fault != MailTokenFault::none) return VerifyResult::invalid_token;
    return context.database.transact([&](base::Transaction& transaction) {
        const auto user = find_user_by_email(transaction, opened.email);
        if (!user) return VerifyResult::unknown_user;
        if (user->email_verified) return VerifyResult::already;
        const auto used =
            transaction.run(use_verification_row, {verification_identifier(token), user->id, now});
        if (used.empty()) return VerifyResult::invalid_token;
        transaction.run(delete_verification_rows, {user->id});
        mark_email_verified(transaction, user->id, now);
        record_event(transaction,
                     {.type = "EMAIL_VERIFIED",
                      .user_id = user->id,
                      .address = address,
                      .user_agent = user_agent},
                     now);
        return VerifyResult::verified;
    });
}

}  // namespace auth
