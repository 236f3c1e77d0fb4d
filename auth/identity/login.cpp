#include "auth/identity/login.hpp"

#include "auth/address/verification.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/lockout.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/events.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;

// A password that is replaced while it is being checked is checked anew.
constexpr int login_tries_max = 3;

struct LoginCandidate {
    LoginPlace place;
    std::optional<base::Moment> locked;
    std::optional<Profile> user;
    std::optional<std::string> hash;
    bool derived = false;      // A persona's, and the password is the one we derive for her.
    bool passes_lock = false;  // And a service of ours asks.
};

struct LoginOutcome {
    enum class Kind { in, wrong, locked, unverified, changed } kind = Kind::wrong;
    std::optional<base::Moment> locked;
    LoginAnswer answer;
};

void login_event(base::Transaction& transaction, const LoginWish& wish,
                 const std::optional<Profile>& user, std::string_view type, std::string_view code,
                 base::Moment now) {
    SecurityEvent event{.type = type, .address = wish.address, .user_agent = wish.user_agent};
    if (user) event.user_id = user->id;
    if (!code.empty()) {
        event.code = std::string(code);
        event.endpoint = wish.endpoint;
        event.email = wish.email;
    }
    record_event(transaction, event, now);
}

LoginCandidate login_candidate(base::Transaction& transaction, const LoginWish& wish, bool derived,
                               base::Moment now) {
    LoginCandidate candidate;
    candidate.place = find_place(transaction, wish.email, wish.address, now);
    candidate.locked = locked_until(transaction, candidate.place, now);
    candidate.user = find_user_by_email(transaction, wish.email);
    candidate.derived = derived && candidate.user && candidate.user->kind == "persona";
    candidate.passes_lock = candidate.derived && wish.trusted;
    if (candidate.locked && !candidate.passes_lock) {
        login_event(transaction, wish, candidate.user, "ACCOUNT_LOCKED", "ACCOUNT_LOCKED", now);
    } else if (candidate.user) {
        candidate.hash = find_password_hash(transaction, candidate.user->id);
    }
    return candidate;
}

// One login in sixteen clears away old rows, a hundred of each kind: more than the others leave.
bool login_cleans_up(const Session& session) {
    return session.id.ends_with('0');
}

LoginOutcome login_settle(const Context& context, base::Transaction& transaction,
                          const LoginWish& wish, const LoginCandidate& candidate, bool matches,
                          base::Moment now) {
    using Kind = LoginOutcome::Kind;
    // It may have been replaced while this one was computed: what fitted the old one opens nothing.
    // Held, so that a reset that comes now ends the session that is made here.
    if (candidate.user && hold_password_hash(transaction, candidate.user->id) != candidate.hash) {
        return {Kind::changed, std::nullopt, {}};
    }
    const Verdict verdict =
        settle_password(transaction, candidate.place,
                        {.matches = matches, .passes_lock = candidate.passes_lock}, now);
    if (verdict == Verdict::locked) {
        login_event(transaction, wish, candidate.user, "ACCOUNT_LOCKED", "ACCOUNT_LOCKED", now);
        return {Kind::locked, locked_until(transaction, candidate.place, now), {}};
    }
    // She may have been deleted while the password was computed.
    const auto user = candidate.user ? find_user(transaction, candidate.user->id) : std::nullopt;
    if (verdict == Verdict::wrong || !user) {
        login_event(transaction, wish, user, "LOGIN_FAILURE", "INVALID_CREDENTIALS", now);
        return {};
    }
    if (!user->email_verified) {
        login_event(transaction, wish, user, "LOGIN_FAILURE", "EMAIL_NOT_VERIFIED", now);
        queue_verification(context, transaction, *user, "", wish.locale, now);
        return {Kind::unverified, std::nullopt, {}};
    }
    LoginAnswer answer;
    if (user->two_factor) {
        if (wish.trusted_device) {
            answer.trusted_device = renew_trust(transaction, context.options.secret, user->id,
                                                *wish.trusted_device, now);
        }
        if (!answer.trusted_device) {
            answer.challenge =
                open_challenge(transaction, {.user_id = user->id, .remember = wish.remember}, now);
            return {Kind::in, std::nullopt, std::move(answer)};
        }
    }
    if (candidate.derived && user->kind == "persona" && !is_light_hash(*candidate.hash)) {
        replace_password_hash(transaction, user->id, *candidate.hash,
                              hash_derived_password(wish.password), now);
    }

    ensure_personal_space(transaction, user->id, now);
    Session session = create_session(transaction,
                                     {.user_id = user->id,
                                      .ip_address = wish.address,
                                      .user_agent = wish.user_agent,
                                      .life = wish.remember ? session_life : session_life_short,
                                      .short_lived = !wish.remember},
                                     now);
    login_event(transaction, wish, user, "LOGIN_SUCCESS", "", now);
    if (login_cleans_up(session)) {
        delete_expired_sessions(transaction, now);
        forget_old_attempts(transaction, now);
    }
    answer.login = Login{std::move(session), *user};
    return {Kind::in, std::nullopt, std::move(answer)};
}

// One look at the account and one check of the password.
LoginOutcome login_try(const Context& context, const LoginWish& wish) {
    base::Moment now = context.clock.now();
    const bool derived = context.passwords.is_derived(wish.email, wish.password);
    const LoginCandidate candidate = context.database.transact([&](base::Transaction& transaction) {
        return login_candidate(transaction, wish, derived, now);
    });
    if (candidate.locked && !candidate.passes_lock) {
        return {LoginOutcome::Kind::locked, candidate.locked, {}};
    }
    const bool matches = context.passwords.matches(wish.password, candidate.hash);

    now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) {
        return login_settle(context, transaction, wish, candidate, matches, now);
    });
}

[[noreturn]] void login_refuse_locked(std::optional<base::Moment> until, base::Moment now) {
    const auto wait = until && *until > now ? *until - now : base::Moment::duration(1);
    throw Failure(Failure::Kind::throttled,
                  "too many wrong passwords: the account is locked for a while", "ACCOUNT_LOCKED")
        .retry_after(std::chrono::ceil<std::chrono::milliseconds>(wait));
}

}  // namespace

LoginWish read_login_wish(const Context& context, const base::ServerRequest& request,
                          const base::Fields& fields) {
    LoginWish wish;
    wish.email = fields.text("email", 1, 320);
    wish.password = base::Secret(fields.text("password", 1, 1024));
    wish.trusted = has_service_key(context, request);
    wish.address = address_of(context, request);
    wish.user_agent = std::string(request.header("user-agent"));
    wish.endpoint = request.path;
    wish.locale = locale_of(request.header("accept-language"));
    admit_address(context, request, sign_in_limit);
    wish.trusted_device = trust_of(context.options, request);
    return wish;
}

LoginAnswer log_in(const Context& context, const LoginWish& asked) {
    LoginWish wish = asked;
    wish.email = checked_email(asked.email);
    LoginOutcome outcome = login_try(context, wish);
    for (int again = 1; outcome.kind == LoginOutcome::Kind::changed && again < login_tries_max;
         ++again) {
        outcome = login_try(context, wish);
    }
    switch (outcome.kind) {
        case LoginOutcome::Kind::in: return std::move(outcome.answer);
        case LoginOutcome::Kind::locked: login_refuse_locked(outcome.locked, context.clock.now());
        case LoginOutcome::Kind::unverified:
            throw Failure(Failure::Kind::forbidden,
                          "confirm your address first: open the link in the mail we sent",
                          "EMAIL_NOT_VERIFIED");
        case LoginOutcome::Kind::changed:
        case LoginOutcome::Kind::wrong:
            throw Failure(Failure::Kind::unauthenticated, "address or password is wrong",
                          "INVALID_EMAIL_OR_PASSWORD");
    }
    base::unreachable("a login outcome outside its enumerators");
}

}  // namespace auth
