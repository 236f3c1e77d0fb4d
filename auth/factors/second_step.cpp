#include "auth/factors/second_step.hpp"

#include "auth/context.hpp"
#include "auth/factors/mailed_code.hpp"
#include "auth/factors/sealing.hpp"
#include "auth/factors/totp.hpp"
#include "auth/factors/two_factor.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/mail/post_office.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

// What the transaction found out; it commits either way.
struct StepOutcome {
    std::string refusal;  // Empty: it is done.
    std::optional<base::Moment> locked_until;
    StepResult result;
};

[[noreturn]] void step_refuse(const StepOutcome& outcome, base::Moment now) {
    struct Refusal {
        std::string_view code;
        Failure::Kind kind;
        const char* reason;
    };
    static constexpr Refusal refusals[] = {
        {"INVALID_TWO_FACTOR_COOKIE", Failure::Kind::unauthenticated,
         "no login waits for a second factor here; log in again"},
        {"INVALID_CODE", Failure::Kind::unauthenticated, "code: is not the right one"},
        {"INVALID_BACKUP_CODE", Failure::Kind::unauthenticated,
         "code: is none of the unused backup codes"},
        {"TOTP_NOT_ENABLED", Failure::Kind::invalid, "no authenticator app is set up"},
        {"TWO_FACTOR_NOT_ENABLED", Failure::Kind::invalid, "the second factor is not enabled"},
        {"BACKUP_CODES_NOT_ENABLED", Failure::Kind::invalid, "there are no backup codes"},
        {"OTP_NOT_ENABLED", Failure::Kind::invalid,
         "a mailed code does not go with a mailed link; use the app or a backup code"},
        {"OTP_HAS_EXPIRED", Failure::Kind::invalid,
         "the mailed code has expired; ask for a new one"},
        {"TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", Failure::Kind::invalid,
         "too many wrong codes; start again"},
    };
    if (outcome.refusal == "ACCOUNT_TEMPORARILY_LOCKED") {
        const auto until = outcome.locked_until.value_or(now + factor_lock_time);
        throw Failure(Failure::Kind::throttled,
                      "too many wrong codes: the second factor is locked for a while",
                      "ACCOUNT_TEMPORARILY_LOCKED")
            .retry_after(std::chrono::ceil<std::chrono::milliseconds>(until - now));
    }
    if (outcome.refusal == "RATE_LIMITED") {
        throw Failure(Failure::Kind::throttled, "enough codes were mailed; log in again",
                      "RATE_LIMITED")
            .retry_after(std::chrono::seconds(60));
    }
    for (const Refusal& refusal : refusals) {
        if (outcome.refusal == refusal.code) {
            throw Failure(refusal.kind, refusal.reason, std::string(refusal.code));
        }
    }
    base::unreachable("a refusal of the second step outside its table");
}

const char* step_missing(CodeKind kind) {
    switch (kind) {
        case CodeKind::totp: return "TOTP_NOT_ENABLED";
        case CodeKind::mailed: return "TWO_FACTOR_NOT_ENABLED";
        case CodeKind::backup: return "BACKUP_CODES_NOT_ENABLED";
    }
    base::unreachable("a code kind outside its enumerators");
}

std::string step_holder(const std::optional<WaitingLogin>& waiting, const StepWish& wish) {
    return waiting ? waiting->id : factor_digest("session:" + wish.login->session.id);
}

void step_event(base::Transaction& transaction, const StepWish& wish, std::string_view type,
                const Profile& user, std::string_view code, base::Moment now) {
    SecurityEvent event{
        .type = type, .user_id = user.id, .address = wish.address, .user_agent = wish.user_agent};
    if (!code.empty()) {
        event.code = std::string(code);
        event.endpoint = wish.endpoint;
    }
    record_event(transaction, event, now);
}

// The verdict's constant; empty when the code is right.
std::string step_verdict(const Context& context, base::Transaction& transaction,
                         const StepWish& wish, const SecondFactor& factor,
                         const std::string& holder, base::Moment now) {
    CodeVerdict verdict = CodeVerdict::wrong;
    const base::Secret& secret = context.options.secret;
    if (wish.kind == CodeKind::mailed) {
        switch (take_mailed_code(transaction, secret, holder, wish.code, now)) {
            case MailedVerdict::expired: return "OTP_HAS_EXPIRED";
            case MailedVerdict::exhausted: return "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE";
            case MailedVerdict::right: verdict = settle_code(transaction, factor, true, now); break;
            case MailedVerdict::wrong: verdict = settle_code(transaction, factor, false, now);
        }
    } else if (wish.kind == CodeKind::backup) {
        verdict = take_backup_code(transaction, secret, factor, wish.code, now);
    } else {
        const bool renewed = wish.login && factor.pending_secret &&
                             step_of_code(*factor.pending_secret, wish.code, now).has_value();
        verdict = renewed ? take_pending_totp(transaction, factor, wish.code, now)
                          : take_totp(transaction, factor, wish.code, now);
    }
    switch (verdict) {
        case CodeVerdict::right: return "";
        case CodeVerdict::locked: return "ACCOUNT_TEMPORARILY_LOCKED";
        case CodeVerdict::wrong:
        case CodeVerdict::used:
            return wish.kind == CodeKind::backup ? "INVALID_BACKUP_CODE" : "INVALID_CODE";
    }
    base::unreachable("a code verdict outside its enumerators");
}

StepOutcome step_of_session(const Context& context, base::Transaction& transaction,
                            const StepWish& wish, base::Moment now) {
    StepOutcome outcome;
    const auto user = find_user(transaction, wish.login->user.id);
    const auto factor =
        user ? hold_second_factor(transaction, context.options.secret, user->id) : std::nullopt;
    if (!factor) return {step_missing(wish.kind), std::nullopt, {}};
    outcome.locked_until = factor->locked_until;
    const std::string holder = step_holder(std::nullopt, wish);
    outcome.refusal = step_verdict(context, transaction, wish, *factor, holder, now);
    if (!outcome.refusal.empty()) {
        step_event(transaction, wish, "TWO_FACTOR_FAILURE", *user, "TWO_FACTOR_FAILED", now);
        return outcome;
    }
    StepResult& result = outcome.result;
    result.user = *user;
    result.login = wish.login;
    if (!user->two_factor && wish.kind != CodeKind::backup) {
        switch_on(transaction, user->id, now);
        result.login->session.token = replace_session_token(transaction, wish.login->session.id);
        result.user = *find_user(transaction, user->id);
        result.login->user = result.user;
        result.fresh = true;
        step_event(transaction, wish, "TWO_FACTOR_ENABLED", *user, "", now);
    }
    return outcome;
}

void step_let_in(const Context& context, base::Transaction& transaction, const StepWish& wish,
                 const WaitingLogin& waiting, StepResult& result, base::Moment now) {
    close_challenge(transaction, waiting);
    ensure_personal_space(transaction, waiting.user_id, now);
    Session session = create_session(transaction,
                                     {.user_id = waiting.user_id,
                                      .ip_address = wish.address,
                                      .user_agent = wish.user_agent,
                                      .life = waiting.remember ? session_life : session_life_short,
                                      .short_lived = !waiting.remember},
                                     now);
    result.login = Login{std::move(session), result.user};
    result.fresh = result.finished = true;
    if (wish.trust_device) {
        result.trust = trust_device(transaction, context.options.secret, waiting.user_id, now);
    }
    step_event(transaction, wish, "LOGIN_SUCCESS", result.user, "", now);
}

StepOutcome step_of_challenge(const Context& context, base::Transaction& transaction,
                              const StepWish& wish, base::Moment now) {
    const auto waiting =
        wish.challenge ? hold_challenge(transaction, *wish.challenge, now) : std::nullopt;
    const auto user = waiting ? find_user(transaction, waiting->user_id) : std::nullopt;
    if (!user) return {"INVALID_TWO_FACTOR_COOKIE", std::nullopt, {}};
    if (waiting->attempts >= challenge_attempts_max) {
        close_challenge(transaction, *waiting);
        return {"TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", std::nullopt, {}};
    }
    const auto factor = hold_second_factor(transaction, context.options.secret, user->id);
    const bool usable = factor && (wish.kind != CodeKind::totp || factor->totp_verified);
    if (!usable) return {step_missing(wish.kind), std::nullopt, {}};

    StepOutcome outcome;
    outcome.locked_until = factor->locked_until;
    outcome.refusal = step_verdict(context, transaction, wish, *factor, waiting->id, now);
    if (!outcome.refusal.empty()) {
        count_attempt(transaction, *waiting);
        step_event(transaction, wish, "LOGIN_FAILURE", *user, "TWO_FACTOR_FAILED", now);
        return outcome;
    }
    outcome.result.user = *user;
    if (!wish.without_session) {
        step_let_in(context, transaction, wish, *waiting, outcome.result, now);
    }
    return outcome;
}

StepOutcome step_mail(const Context& context, base::Transaction& transaction, const StepWish& wish,
                      const std::string& code, base::Moment now) {
    std::optional<WaitingLogin> waiting;
    if (!wish.login && wish.challenge) waiting = hold_challenge(transaction, *wish.challenge, now);
    if (!wish.login && !waiting) return {"INVALID_TWO_FACTOR_COOKIE", std::nullopt, {}};
    const auto user =
        find_user(transaction, waiting ? waiting->user_id : wish.login->session.user_id);
    if (!user) return {"INVALID_TWO_FACTOR_COOKIE", std::nullopt, {}};
    if (waiting && waiting->first == FirstFactor::magic_link) {
        return {"OTP_NOT_ENABLED", std::nullopt, {}};
    }
    if (waiting && waiting->attempts >= challenge_attempts_max) {
        close_challenge(transaction, *waiting);
        return {"TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", std::nullopt, {}};
    }
    const auto factor = hold_second_factor(transaction, context.options.secret, user->id);
    if (!factor) return {"TWO_FACTOR_NOT_ENABLED", std::nullopt, {}};
    if (factor->locked_until && *factor->locked_until > now) {
        return {"ACCOUNT_TEMPORARILY_LOCKED", factor->locked_until, {}};
    }
    const std::string holder = step_holder(waiting, wish);
    if (!put_mailed_code(transaction, context.options.secret, {holder, user->id, code}, now)) {
        return {"RATE_LIMITED", std::nullopt, {}};
    }
    context.mail.queue(
        transaction, Mail{.to = user->email,
                          .text = MailText::sign_in_code,
                          .locale = wish.locale,
                          .fields = {.name = user->name, .code = code, .life = mailed_code_life}});
    return {};
}

}  // namespace

StepResult take_step(const Context& context, const StepWish& wish) {
    const base::Moment now = context.clock.now();
    StepOutcome outcome = context.database.transact([&](base::Transaction& transaction) {
        return wish.login ? step_of_session(context, transaction, wish, now)
                          : step_of_challenge(context, transaction, wish, now);
    });
    if (!outcome.refusal.empty()) step_refuse(outcome, now);
    return std::move(outcome.result);
}

void mail_code(const Context& context, const StepWish& wish) {
    const base::Moment now = context.clock.now();
    const std::string code = make_mailed_code();
    const StepOutcome outcome = context.database.transact([&](base::Transaction& transaction) {
        return step_mail(context, transaction, wish, code, now);
    });
    if (!outcome.refusal.empty()) step_refuse(outcome, now);
}

}  // namespace auth
