#include "auth/factors/two_factor.hpp"

#include <nlohmann/json.hpp>

#include "auth/factors/sealing.hpp"
#include "auth/factors/totp.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

constexpr std::size_t factor_code_half = 5;

constexpr std::string_view hold_factor = R"(
    select secret, backup_codes, totp_verified, last_step, locked_until, pending_secret
      from auth.two_factor_auth where user_id = $1 for update)";

constexpr std::string_view put_factor = R"(
    insert into auth.two_factor_auth (user_id, secret, backup_codes, created_at)
    values ($1, $2, $3, $4::timestamptz)
    on conflict (user_id) do update
       set secret = excluded.secret, backup_codes = excluded.backup_codes, totp_verified = false,
           last_step = null, pending_secret = null, pending_backup_codes = null,
           created_at = excluded.created_at)";

constexpr std::string_view put_factor_aside = R"(
    update auth.two_factor_auth set pending_secret = $2, pending_backup_codes = $3
     where user_id = $1)";

constexpr std::string_view take_totp_step = R"(
    update auth.two_factor_auth
       set last_step = $2, totp_verified = true, failures = 0, locked_until = null
     where user_id = $1)";

constexpr std::string_view take_pending_step = R"(
    update auth.two_factor_auth
       set secret = pending_secret, backup_codes = pending_backup_codes, last_step = $2,
           totp_verified = true, failures = 0, locked_until = null, pending_secret = null,
           pending_backup_codes = null
     where user_id = $1)";

constexpr std::string_view count_factor_failure = R"(
    update auth.two_factor_auth
       set failures = case when failures + 1 >= $2 then 0 else failures + 1 end,
           locked_until = case when failures + 1 >= $2 then $3::timestamptz end
     where user_id = $1)";

constexpr std::string_view clear_factor_failures = R"(
    update auth.two_factor_auth set failures = 0, locked_until = null where user_id = $1)";

constexpr std::string_view put_backup_codes = R"(
    update auth.two_factor_auth set backup_codes = $2 where user_id = $1)";

constexpr std::string_view turn_factor_on = R"(
    update auth.two_factor_auth
       set enabled = true, enabled_at = coalesce(enabled_at, $2::timestamptz) where user_id = $1)";
constexpr std::string_view flag_user = R"(
    update auth.users set two_factor_enabled = $2, updated_at = $3::timestamptz where id = $1)";
constexpr std::string_view delete_factor = "delete from auth.two_factor_auth where user_id = $1";
constexpr std::string_view delete_devices = "delete from auth.trusted_devices where user_id = $1";

std::vector<std::string> factor_new_codes() {
    std::vector<std::string> codes;
    for (int i = 0; i < backup_codes_count; ++i) {
        const std::string text = base::random_text(2 * factor_code_half, base::alphanumeric);
        codes.push_back(text.substr(0, factor_code_half) + "-" + text.substr(factor_code_half));
    }
    return codes;
}

std::string factor_sealed_codes(const base::Secret& secret, const std::vector<std::string>& codes) {
    return seal_factor(secret, base::to_text(base::Json(codes)));
}

std::vector<std::string> factor_opened_codes(const base::Secret& secret, std::string_view stored) {
    const auto plain = open_factor(secret, stored);
    const auto list = plain ? base::try_parse_json(plain->reveal(), 2) : std::nullopt;
    std::vector<std::string> codes;
    if (!list || !list->is_array()) return codes;
    for (const base::Json& code : *list) {
        if (code.is_string()) codes.push_back(code.get<std::string>());
    }
    return codes;
}

base::Secret factor_opened(const base::Secret& secret, std::string_view stored) {
    auto plain = open_factor(secret, stored);
    if (plain) return std::move(*plain);
    throw base::Failure(base::Failure::Kind::internal,
                        "a second factor does not open with BETTER_AUTH_SECRET; start with the "
                        "secret it was sealed with");
}

CodeVerdict factor_take(base::Transaction& transaction, const SecondFactor& factor,
                        const base::Secret& secret, std::optional<std::int64_t> last_step,
                        std::string_view statement, std::string_view code, base::Moment now) {
    if (factor.locked_until && *factor.locked_until > now) return CodeVerdict::locked;
    const auto step = step_of_code(secret, code, now);
    if (!step) return settle_code(transaction, factor, false, now);
    if (last_step && *step <= *last_step) return CodeVerdict::used;
    transaction.run(statement, {factor.user_id, *step});
    return CodeVerdict::right;
}

}  // namespace

std::optional<SecondFactor> hold_second_factor(base::Transaction& transaction,
                                               const base::Secret& secret,
                                               std::string_view user_id) {
    const auto row = transaction.run(hold_factor, {user_id}).first();
    if (!row) return std::nullopt;
    SecondFactor factor;
    factor.user_id = user_id;
    factor.secret = factor_opened(secret, row->text("secret"));
    factor.backup_codes = factor_opened_codes(secret, row->text("backup_codes"));
    factor.totp_verified = row->flag("totp_verified");
    factor.last_step = row->integer_or_none("last_step");
    factor.locked_until = row->moment_or_none("locked_until");
    if (const auto pending = row->text_or_none("pending_secret")) {
        factor.pending_secret = factor_opened(secret, *pending);
    }
    return factor;
}

Enrolment enrol(base::Transaction& transaction, const base::Secret& secret,
                std::string_view user_id, bool aside, base::Moment now) {
    Enrolment made{make_totp_secret(), factor_new_codes()};
    const std::string sealed = seal_factor(secret, made.secret.reveal());
    const std::string codes = factor_sealed_codes(secret, made.backup_codes);
    if (aside) {
        transaction.run(put_factor_aside, {user_id, sealed, codes});
    } else {
        transaction.run(put_factor, {user_id, sealed, codes, now});
    }
    return made;
}

CodeVerdict take_totp(base::Transaction& transaction, const SecondFactor& factor,
                      std::string_view code, base::Moment now) {
    return factor_take(transaction, factor, factor.secret, factor.last_step, take_totp_step, code,
                       now);
}

CodeVerdict take_pending_totp(base::Transaction& transaction, const SecondFactor& factor,
                              std::string_view code, base::Moment now) {
    base::require(factor.pending_secret.has_value(), "there is no pending enrolment");
    return factor_take(transaction, factor, *factor.pending_secret, std::nullopt, take_pending_step,
                       code, now);
}

CodeVerdict take_backup_code(base::Transaction& transaction, const base::Secret& secret,
                             const SecondFactor& factor, std::string_view code, base::Moment now) {
    if (factor.locked_until && *factor.locked_until > now) return CodeVerdict::locked;
    std::vector<std::string> left;
    bool found = false;
    for (const std::string& known : factor.backup_codes) {
        const bool same = base::equal_constant_time(known, code);
        if (!same) left.push_back(known);
        found = found || same;
    }
    if (found) {
        transaction.run(put_backup_codes, {factor.user_id, factor_sealed_codes(secret, left)});
    }
    return settle_code(transaction, factor, found, now);
}

CodeVerdict settle_code(base::Transaction& transaction, const SecondFactor& factor, bool matches,
                        base::Moment now) {
    if (factor.locked_until && *factor.locked_until > now) return CodeVerdict::locked;
    if (matches) {
        transaction.run(clear_factor_failures, {factor.user_id});
        return CodeVerdict::right;
    }
    transaction.run(count_factor_failure,
                    {factor.user_id, factor_failures_max, base::Moment(now + factor_lock_time)});
    return CodeVerdict::wrong;
}

std::vector<std::string> renew_backup_codes(base::Transaction& transaction,
                                            const base::Secret& secret, std::string_view user_id) {
    std::vector<std::string> codes = factor_new_codes();
    transaction.run(put_backup_codes, {user_id, factor_sealed_codes(secret, codes)});
    return codes;
}

void switch_on(base::Transaction& transaction, std::string_view user_id, base::Moment now) {
    transaction.run(turn_factor_on, {user_id, now});
    transaction.run(flag_user, {user_id, true, now});
}

void switch_off(base::Transaction& transaction, std::string_view user_id, base::Moment now) {
    transaction.run(delete_factor, {user_id});
    transaction.run(delete_devices, {user_id});
    transaction.run(flag_user, {user_id, false, now});
}

}  // namespace auth
