// /api/auth/two-factor: switching the second factor on and off, and using it.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/factors/routes.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/factors/totp.hpp"
#include "auth/factors/two_factor.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/password_check.hpp"
#include "auth/identity/presence.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr std::string_view factor_issuer = "Mana";
constexpr LimitRule factor_limit{"two-factor", 3, std::chrono::seconds(10)};
constexpr LimitRule factor_set_up_limit{"two-factor-set-up", 3, std::chrono::seconds(10)};

SecurityEvent factor_event(const Context& context, const User& user, const ServerRequest& request,
                           std::string_view type) {
    return {.type = type,
            .user_id = user.user_id(),
            .address = address_of(context, request),
            .user_agent = std::string(request.header("user-agent"))};
}

// Setting a factor up needs the password; guesses count towards the account's lock.
void factor_prove_password(const Context& context, const User& user, const ServerRequest& request,
                           const base::Fields& fields) {
    const base::Secret password(fields.text("password", 1, 1024));
    admit_address(context, request, factor_set_up_limit);
    require_password(context, user, password, client_of(context, request));
}

// The user again, inside the transaction; she may have been deleted since the door.
Profile factor_user(base::Transaction& transaction, const User& user) {
    auto profile = find_user(transaction, user.user_id());
    if (profile) return std::move(*profile);
    throw Failure(Failure::Kind::unauthenticated, "the account is gone", "UNAUTHORIZED");
}

std::string factor_read_issuer(const base::Fields& fields) {
    const std::string issuer =
        fields.text_or_none("issuer", 64).value_or(std::string(factor_issuer));
    if (issuer.empty() || issuer.find(':') != std::string::npos) {
        fields.fail("issuer", "text of 1 to 64 bytes without ':'");
    }
    return issuer;
}

// Whoever has the password alone must not be able to exchange a second factor that is in use.
CodeVerdict factor_prove(const Context& context, base::Transaction& transaction,
                         const SecondFactor& factor, const std::string& code, base::Moment now) {
    const bool backup = code.find('-') != std::string::npos;
    // A secret that nobody has shown a code of proves nothing.
    if (!backup && !factor.totp_verified) return settle_code(transaction, factor, false, now);
    return backup ? take_backup_code(transaction, context.options.secret, factor, code, now)
                  : take_totp(transaction, factor, code, now);
}

void factor_cookie(const Context& context, ServerResponse& answer, std::string_view name,
                   std::string_view value, std::optional<std::chrono::seconds> life) {
    answer.headers.emplace_back("Set-Cookie", set_cookie(context.options, name, value, life));
}

void factor_session_cookie(const Context& context, ServerResponse& answer, const Session& session) {
    std::optional<std::chrono::seconds> life;
    if (!session.short_lived) life = session_life;
    answer.headers.emplace_back("Set-Cookie",
                                set_session_cookie(context.options, session.token, life));
    if (session.short_lived) {
        factor_cookie(context, answer, dont_remember_cookie,
                      sign_cookie(context.options.secret, "true"), std::nullopt);
    }
}

StepWish factor_step(const Context& context, const ServerRequest& request, const Json& body,
                     HeaderList& headers) {
    const base::Fields fields(body);
    StepWish wish;
    wish.trust_device = fields.flag_or_none("trustDevice").value_or(false);
    const auto id = fields.text_or_none("challengeId", 64);
    wish.address = address_of(context, request);
    admit_address(context, request, factor_limit);
    wish.user_agent = std::string(request.header("user-agent"));
    wish.endpoint = request.path;
    wish.locale = locale_of(request.header("accept-language"));

    Presence presence = find_presence(context, request);
    headers = std::move(presence.headers);
    wish.login = std::move(presence.login);
    if (wish.login) return wish;
    const auto cookie = request.cookie(cookie_name(context.options, two_factor_cookie));
    if (cookie) wish.challenge = open_cookie(context.options.secret, *cookie);
    if (!cookie && id) wish.challenge = base::Secret(*id);
    return wish;
}

ServerResponse factor_verify(const Context& context, const ServerRequest& request, CodeKind kind) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string code = fields.text("code", 1, 64);
    const bool alone =
        kind == CodeKind::backup && fields.flag_or_none("disableSession").value_or(false);
    HeaderList headers;
    StepWish wish = factor_step(context, request, body, headers);
    wish.kind = kind;
    wish.code = code;
    wish.without_session = alone;

    const StepResult result = take_step(context, wish);
    Json shown = {{"token", nullptr}, {"user", user_json(result.user)}};
    if (result.login && !result.login->session.token.empty()) {
        shown["token"] = result.login->session.token.reveal();
    }
    ServerResponse answer = ServerResponse::json(shown);
    if (result.fresh) {
        factor_session_cookie(context, answer, result.login->session);
    } else {
        answer.headers = std::move(headers);
    }
    if (result.finished) {
        factor_cookie(context, answer, two_factor_cookie, "", std::chrono::seconds(0));
    }
    if (result.trust) {
        answer.headers.emplace_back("Set-Cookie", set_trust_cookie(context.options, *result.trust));
    }
    return answer;
}

}  // namespace

ServerResponse enable_two_factor(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string issuer = factor_read_issuer(fields);
    const auto code = fields.text_or_none("code", 64);
    factor_prove_password(context, user, request, fields);

    const base::Moment now = context.clock.now();
    CodeVerdict verdict = CodeVerdict::right;
    const auto made =
        context.database.transact([&](base::Transaction& transaction) -> std::optional<Enrolment> {
            const bool on = factor_user(transaction, user).two_factor;
            const base::Secret& secret = context.options.secret;
            const auto factor = hold_second_factor(transaction, secret, user.user_id());
            const bool guarded = on && factor;
            if (guarded && !code) return std::nullopt;
            verdict = guarded ? factor_prove(context, transaction, *factor, *code, now)
                              : CodeVerdict::right;
            if (verdict != CodeVerdict::right) return std::nullopt;
            return enrol(transaction, secret, user.user_id(), guarded, now);
        });
    if (!made && verdict == CodeVerdict::right) {
        throw Failure(Failure::Kind::invalid,
                      "code: the second factor is on already; exchanging it needs a code of the "
                      "app or a backup code",
                      "TWO_FACTOR_CODE_REQUIRED");
    }
    if (verdict == CodeVerdict::locked) {
        throw Failure(Failure::Kind::throttled,
                      "too many wrong codes: the second factor is locked for a while",
                      "ACCOUNT_TEMPORARILY_LOCKED")
            .retry_after(factor_lock_time);
    }
    if (!made) {
        throw Failure(Failure::Kind::unauthenticated, "code: is not the right one", "INVALID_CODE");
    }
    return ServerResponse::json({{"totpURI", totp_uri(made->secret, issuer, user.email())},
                                 {"backupCodes", made->backup_codes}});
}

ServerResponse disable_two_factor(const User& user, const Context& context,
                                  const ServerRequest& request) {
    const Json body = request.json();
    factor_prove_password(context, user, request, base::Fields(body));
    const base::Moment now = context.clock.now();
    const auto login =
        context.database.transact([&](base::Transaction& transaction) -> std::optional<Login> {
            const bool on = factor_user(transaction, user).two_factor;
            switch_off(transaction, user.user_id(), now);
            if (on) {
                record_event(transaction,
                             factor_event(context, user, request, "TWO_FACTOR_DISABLED"), now);
            }
            auto found = find_login_by_id(transaction, user.session_id(), now);
            if (found) {
                found->session.token = replace_session_token(transaction, user.session_id());
            }
            return found;
        });
    ServerResponse answer = ServerResponse::json({{"status", true}});
    if (login) factor_session_cookie(context, answer, login->session);
    factor_cookie(context, answer, trust_device_cookie, "", std::chrono::seconds(0));
    return answer;
}

ServerResponse get_totp_uri(const User& user, const Context& context,
                            const ServerRequest& request) {
    const Json body = request.json();
    factor_prove_password(context, user, request, base::Fields(body));
    const auto factor = context.database.transact([&](base::Transaction& transaction) {
        return hold_second_factor(transaction, context.options.secret, user.user_id());
    });
    if (!factor) {
        throw Failure(Failure::Kind::invalid, "no authenticator app is set up", "TOTP_NOT_ENABLED");
    }
    return ServerResponse::json(
        {{"totpURI", totp_uri(factor->secret, factor_issuer, user.email())}});
}

ServerResponse generate_backup_codes(const User& user, const Context& context,
                                     const ServerRequest& request) {
    const Json body = request.json();
    factor_prove_password(context, user, request, base::Fields(body));
    const base::Moment now = context.clock.now();
    const auto codes = context.database.transact([&](base::Transaction& transaction) {
        const base::Secret& secret = context.options.secret;
        const bool on = factor_user(transaction, user).two_factor &&
                        hold_second_factor(transaction, secret, user.user_id());
        if (!on) return std::vector<std::string>();
        record_event(transaction, factor_event(context, user, request, "BACKUP_CODES_RENEWED"),
                     now);
        return renew_backup_codes(transaction, secret, user.user_id());
    });
    if (codes.empty()) {
        throw Failure(Failure::Kind::invalid, "the second factor is not enabled",
                      "TWO_FACTOR_NOT_ENABLED");
    }
    return ServerResponse::json({{"status", true}, {"backupCodes", codes}});
}

ServerResponse verify_totp(const Context& context, const ServerRequest& request) {
    return factor_verify(context, request, CodeKind::totp);
}

ServerResponse verify_otp(const Context& context, const ServerRequest& request) {
    return factor_verify(context, request, CodeKind::mailed);
}

ServerResponse verify_backup_code(const Context& context, const ServerRequest& request) {
    return factor_verify(context, request, CodeKind::backup);
}

ServerResponse send_otp(const Context& context, const ServerRequest& request) {
    const Json body = request.body.empty() ? Json::object() : request.json();
    HeaderList headers;
    const StepWish wish = factor_step(context, request, body, headers);
    mail_code(context, wish);
    ServerResponse answer = ServerResponse::json({{"status", true}});
    answer.headers = std::move(headers);
    return answer;
}

}  // namespace auth
