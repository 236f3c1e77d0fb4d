// The second step of a login: a TOTP, mailed or backup code for a login that waits, or, by a
// session that lives, for switching the second factor on and for showing it again.
//
//   password right ─► challenge (cookie) ─► code ─► session
//                 └─► trusted device ─────────────► session
#pragma once

#include <optional>
#include <string>

#include "auth/factors/challenge.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/mail/letters.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

enum class CodeKind { totp, mailed, backup };

struct StepWish {
    CodeKind kind = CodeKind::totp;
    std::string code;
    bool trust_device = false;
    bool without_session = false;           // Use up a backup code, log nobody in.
    std::optional<Login> login;             // The session the request came with.
    std::optional<base::Secret> challenge;  // Else: the login that waits.
    std::string address;
    std::string user_agent;
    std::string endpoint;
    Locale locale = Locale::german;
};

struct StepResult {
    std::optional<Login> login;  // With its token when that is new; nothing: asked for no session.
    Profile user;
    bool fresh = false;                 // The session's token is new: the cookie must be set.
    bool finished = false;              // A login that waited has ended.
    std::optional<base::Secret> trust;  // Payload of the trusted device's cookie.
};

// Of simultaneous attempts with one code, one comes through. Throws what better-auth's client
// knows: INVALID_TWO_FACTOR_COOKIE, INVALID_CODE, INVALID_BACKUP_CODE, TOTP_NOT_ENABLED,
// TWO_FACTOR_NOT_ENABLED, BACKUP_CODES_NOT_ENABLED, OTP_HAS_EXPIRED,
// TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE (five per challenge and per mailed code) and
// ACCOUNT_TEMPORARILY_LOCKED (ten per account).
StepResult take_step(const Context& context, const StepWish& wish);

// Mails a code for the challenge or the session of the wish, good for a few minutes.
void mail_code(const Context& context, const StepWish& wish);

// {"twoFactorRedirect":true,…}: cookies of a session end, that of the challenge is set. Programs
// without cookies take the id from the body `with_id` adds.
base::ServerResponse ask_second_factor(const Context& context, const Challenge& challenge,
                                       bool with_id);

// The trusted device's cookie of a request, opened.
std::optional<base::Secret> trust_of(const Options& options, const base::ServerRequest& request);
std::string set_trust_cookie(const Options& options, const base::Secret& payload);

}  // namespace auth
