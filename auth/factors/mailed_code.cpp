#include "auth/factors/mailed_code.hpp"

#include "auth/factors/sealing.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::size_t mailed_code_digits = 6;
// As long as a challenge may live: its count of sends is still needed.
constexpr auto mailed_code_kept = std::chrono::minutes(10);

constexpr std::string_view forget_mailed_codes = R"(
    delete from auth.mailed_codes where holder in (
        select holder from auth.mailed_codes where expires_at <= $1::timestamptz
            and holder <> $2 limit 10 for update skip locked))";
constexpr std::string_view upsert_mailed_code = R"(
    insert into auth.mailed_codes as m (holder, user_id, code, expires_at)
    values ($1, $2, $3, $4::timestamptz)
    on conflict (holder) do update
       set code = excluded.code, attempts = 0, sends = m.sends + 1,
           expires_at = excluded.expires_at
     where m.sends < $5
    returning holder)";
constexpr std::string_view hold_mailed_code = R"(
    select code, attempts from auth.mailed_codes
     where holder = $1 and expires_at > $2::timestamptz and code <> '' for update)";
constexpr std::string_view count_mailed_failure =
    "update auth.mailed_codes set attempts = attempts + 1 where holder = $1";
// The row stays for its count of sends.
constexpr std::string_view use_mailed_code =
    "update auth.mailed_codes set code = '' where holder = $1";

}  // namespace

std::string make_mailed_code() {
    return base::random_text(mailed_code_digits, "0123456789");
}

bool put_mailed_code(base::Transaction& transaction, const base::Secret& secret,
                     const MailedCode& mailed, base::Moment now) {
    transaction.run(forget_mailed_codes, {base::Moment(now - mailed_code_kept), mailed.holder});
    const auto put = transaction.run(
        upsert_mailed_code,
        {mailed.holder, mailed.user_id, mac_of_code(secret, mailed.holder, mailed.code),
         base::Moment(now + mailed_code_life), mailed_code_sends_max});
    return !put.empty();
}

MailedVerdict take_mailed_code(base::Transaction& transaction, const base::Secret& secret,
                               std::string_view holder, std::string_view code, base::Moment now) {
    const auto row = transaction.run(hold_mailed_code, {holder, now}).first();
    if (!row) return MailedVerdict::expired;
    if (row->integer("attempts") >= mailed_code_attempts_max) return MailedVerdict::exhausted;
    if (!base::equal_constant_time(row->text("code"), mac_of_code(secret, holder, code))) {
        transaction.run(count_mailed_failure, {holder});
        return MailedVerdict::wrong;
    }
    transaction.run(use_mailed_code, {holder});
    return MailedVerdict::right;
}

}  // namespace auth
