#include "auth/factors/magic_link.hpp"

#include "auth/context.hpp"
#include "auth/factors/sealing.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/sign_up.hpp"
#include "auth/mail/post_office.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::size_t magic_token_length = 32;
constexpr std::string_view magic_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

constexpr std::string_view forget_magic_links = R"(
    delete from auth.magic_links where token in (
        select token from auth.magic_links where expires_at <= $1::timestamptz
         limit 10 for update skip locked))";
constexpr std::string_view put_magic_link = R"(
    insert into auth.magic_links (token, email, name, created_at, expires_at)
    values ($1, $2, $3, $4::timestamptz, $5::timestamptz))";
constexpr std::string_view take_magic_link =
    "delete from auth.magic_links where token = $1 returning email, name, expires_at";
constexpr std::string_view forget_unproven_accounts =
    "delete from auth.accounts where user_id = $1";

// She proved the address; nobody had before, so what was set up is not hers for sure.
void magic_prove(base::Transaction& transaction, const MagicLinkUse& use, Profile& user,
                 base::Moment now) {
    transaction.run(forget_unproven_accounts, {user.id});
    delete_sessions_of(transaction, user.id);
    mark_email_verified(transaction, user.id, now);
    user.email_verified = true;
    record_event(transaction,
                 {.type = "EMAIL_VERIFIED",
                  .user_id = user.id,
                  .address = use.address,
                  .user_agent = use.user_agent},
                 now);
}

void magic_let_in(base::Transaction& transaction, const MagicLinkUse& use, const Profile& user,
                  LoginAnswer& answer, base::Moment now) {
    if (user.two_factor) {
        answer.challenge = open_challenge(
            transaction, {.user_id = user.id, .first = FirstFactor::magic_link}, now);
        return;
    }
    ensure_personal_space(transaction, user.id, now);
    Session session = create_session(
        transaction, {.user_id = user.id, .ip_address = use.address, .user_agent = use.user_agent},
        now);
    record_event(transaction,
                 {.type = "LOGIN_SUCCESS",
                  .user_id = user.id,
                  .address = use.address,
                  .user_agent = use.user_agent},
                 now);
    answer.login = Login{std::move(session), user};
}

}  // namespace

void mail_magic_link(const Context& context, const MagicLinkWish& wish) {
    const base::Moment now = context.clock.now();
    const std::string token = base::random_text(magic_token_length, magic_letters);
    const std::string link =
        context.options.base_url + "/api/auth/magic-link/verify?token=" + token + wish.query;
    context.database.transact([&](base::Transaction& transaction) {
        transaction.run(forget_magic_links, {now});
        transaction.run(put_magic_link, {factor_digest(token), wish.email, wish.name, now,
                                         base::Moment(now + magic_link_life)});
        context.mail.queue(transaction, Mail{.to = wish.email,
                                             .text = MailText::magic_link,
                                             .locale = wish.locale,
                                             .fields = {.link = link, .life = magic_link_life}});
    });
}

MagicLinkResult use_magic_link(const Context& context, const MagicLinkUse& use) {
    const base::Moment now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) -> MagicLinkResult {
        const auto row = transaction.run(take_magic_link, {factor_digest(use.token)}).first();
        if (!row) return {"INVALID_TOKEN", {}, false};
        if (row->moment("expires_at") <= now) return {"EXPIRED_TOKEN", {}, false};
        MagicLinkResult result;
        auto user = find_user_by_email(transaction, row->text("email"));
        if (!user) {
            SignUpWish wish;
            wish.email = row->text("email");
            wish.name = row->text_or_none("name").value_or("");
            wish.address = use.address;
            wish.user_agent = use.user_agent;
            wish.locale = use.locale;
            user = sign_up_proven(context, transaction, wish, now);
            if (!user) return {"failed_to_create_user", {}, false};
            result.is_new = true;
        } else if (!user->email_verified) {
            magic_prove(transaction, use, *user, now);
        }
        magic_let_in(transaction, use, *user, result.answer, now);
        return result;
    });
}

}  // namespace auth
