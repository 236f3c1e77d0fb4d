#include "auth/factors/challenge.hpp"

#include <array>

#include "auth/factors/sealing.hpp"
#include "auth/keys/purposes.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::string_view challenge_alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
constexpr std::string_view challenge_trust_prefix = "trust-device-";
constexpr std::array<std::string_view, 3> challenge_first_words{"password", "magic_link",
                                                                "passkey"};

constexpr std::string_view insert_challenge = R"(
    insert into auth.login_challenges (id, user_id, first_factor, remember, created_at, expires_at)
    values ($1, $2, $3, $4, $5::timestamptz, $6::timestamptz))";
constexpr std::string_view challenge_by_id = R"(
    select user_id, first_factor, remember, attempts from auth.login_challenges
     where id = $1 and expires_at > $2::timestamptz for update)";
constexpr std::string_view count_challenge_attempt =
    "update auth.login_challenges set attempts = attempts + 1 where id = $1";
constexpr std::string_view delete_challenge = "delete from auth.login_challenges where id = $1";
constexpr std::string_view delete_its_code = "delete from auth.mailed_codes where holder = $1";
constexpr std::string_view delete_challenges_of_user = R"(
    with gone as (delete from auth.login_challenges where user_id = $1 returning id)
    delete from auth.mailed_codes where holder in (select id from gone))";
constexpr std::string_view totp_of_user = R"(
    select totp_verified from auth.two_factor_auth where user_id = $1)";

// A login leaves one row; clearing away two keeps the tables small.
constexpr std::string_view forget_challenges = R"(
    delete from auth.login_challenges where id in (
        select id from auth.login_challenges where expires_at <= $1::timestamptz
         limit 10 for update skip locked))";
constexpr std::string_view forget_devices = R"(
    delete from auth.trusted_devices where id in (
        select id from auth.trusted_devices where expires_at <= $1::timestamptz
         limit 10 for update skip locked))";

constexpr std::string_view insert_device = R"(
    insert into auth.trusted_devices (id, user_id, created_at, expires_at)
    values ($1, $2, $3::timestamptz, $4::timestamptz))";
constexpr std::string_view use_device = R"(
    delete from auth.trusted_devices
     where id = $1 and user_id = $2 and expires_at > $3::timestamptz returning id)";

std::string challenge_trust_mac(const base::Secret& key, std::string_view user_id,
                                std::string_view trust_id) {
    return base::to_base64url(
        base::hmac_sha256(key.reveal(), std::string(user_id) + "!" + std::string(trust_id)));
}

// The service before us used the secret itself; its devices are trusted until they are renewed.
bool challenge_trust_holds(const base::Secret& secret, std::string_view mac,
                           std::string_view user_id, std::string_view trust_id) {
    for (const base::Secret& key : {key_for(Purpose::devices, secret), secret}) {
        if (base::equal_constant_time(mac, challenge_trust_mac(key, user_id, trust_id))) {
            return true;
        }
    }
    return false;
}

}  // namespace

Challenge open_challenge(base::Transaction& transaction, const ChallengeWish& wish,
                         base::Moment now) {
    transaction.run(forget_challenges, {now});
    Challenge challenge{base::Secret("2fa-" + base::random_text(20, challenge_alphabet)), {}};
    const auto word = challenge_first_words[static_cast<std::size_t>(wish.first)];
    transaction.run(insert_challenge, {factor_digest(challenge.id.reveal()), wish.user_id, word,
                                       wish.remember, now, base::Moment(now + challenge_life)});
    const auto totp = transaction.run(totp_of_user, {wish.user_id}).first();
    if (totp && totp->flag("totp_verified")) challenge.methods.emplace_back("totp");
    // Who came by mail has shown the mail box already: a mailed code would be the same factor.
    if (wish.first != FirstFactor::magic_link) challenge.methods.emplace_back("otp");
    return challenge;
}

std::optional<WaitingLogin> hold_challenge(base::Transaction& transaction, const base::Secret& id,
                                           base::Moment now) {
    WaitingLogin waiting;
    waiting.id = factor_digest(id.reveal());
    const auto row = transaction.run(challenge_by_id, {waiting.id, now}).first();
    if (!row) return std::nullopt;
    waiting.user_id = row->text("user_id");
    waiting.remember = row->flag("remember");
    waiting.attempts = static_cast<int>(row->integer("attempts"));
    const std::string word = row->text("first_factor");
    for (std::size_t i = 0; i < challenge_first_words.size(); ++i) {
        if (word == challenge_first_words[i]) waiting.first = static_cast<FirstFactor>(i);
    }
    return waiting;
}

void count_attempt(base::Transaction& transaction, const WaitingLogin& waiting) {
    transaction.run(count_challenge_attempt, {waiting.id});
}

void close_challenge(base::Transaction& transaction, const WaitingLogin& waiting) {
    transaction.run(delete_challenge, {waiting.id});
    transaction.run(delete_its_code, {waiting.id});
}

void close_challenges_of(base::Transaction& transaction, std::string_view user_id) {
    transaction.run(delete_challenges_of_user, {user_id});
}

base::Secret trust_device(base::Transaction& transaction, const base::Secret& secret,
                          std::string_view user_id, base::Moment now) {
    transaction.run(forget_devices, {now});
    const std::string id =
        std::string(challenge_trust_prefix) + base::random_text(32, challenge_alphabet);
    transaction.run(insert_device,
                    {factor_digest(id), user_id, now, base::Moment(now + trust_life)});
    const base::Secret key = key_for(Purpose::devices, secret);
    return base::Secret(challenge_trust_mac(key, user_id, id) + "!" + id);
}

std::optional<base::Secret> renew_trust(base::Transaction& transaction, const base::Secret& secret,
                                        std::string_view user_id, const base::Secret& payload,
                                        base::Moment now) {
    const std::string& text = payload.reveal();
    const std::size_t mark = text.find('!');
    if (mark == std::string::npos || text.size() > 256) return std::nullopt;
    const std::string id = text.substr(mark + 1);
    const bool genuine = challenge_trust_holds(secret, text.substr(0, mark), user_id, id);
    if (!genuine || transaction.run(use_device, {factor_digest(id), user_id, now}).empty()) {
        return std::nullopt;
    }
    return trust_device(transaction, secret, user_id, now);
}

}  // namespace auth
