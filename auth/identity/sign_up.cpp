#include "auth/identity/sign_up.hpp"

#include <nlohmann/json.hpp>

#include "auth/address/verification.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/guard/even_time.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/events.hpp"
#include "auth/mail/post_office.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

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

std::optional<Profile> sign_up_row(const Context& context, base::Transaction& transaction,
                                   const NewUser& user, const SignUpWish& wish, base::Moment now) {
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
    auto profile = find_user(transaction, *id);
    tell_of_new_user(context, transaction, *profile);
    return profile;
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
    // A new account takes more rows than finding out that the address is taken.
    const EvenTime even;
    const base::Moment now = context.clock.now();
    NewUser user{.email = email, .name = std::string(base::trim(wish.name)), .image = wish.image};
    user.password_hash = hash;

    const auto made =
        context.database.transact([&](base::Transaction& transaction) -> std::optional<Profile> {
            auto profile = sign_up_row(context, transaction, user, wish, now);
            if (profile) {
                queue_verification(context, transaction, *profile, wish.callback, wish.locale, now);
            }
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

std::optional<Profile> sign_up_proven(const Context& context, base::Transaction& transaction,
                                      const SignUpWish& wish, base::Moment now) {
    const NewUser user{.email = wish.email,
                       .name = std::string(base::trim(wish.name)),
                       .verified = true,
                       .image = wish.image};
    return sign_up_row(context, transaction, user, wish, now);
}

}  // namespace auth
