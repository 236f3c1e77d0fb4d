// What the API document says of the routes of the room identity.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_identity = std::to_array<RouteNote>({

    {"GET /health", "Whether the service answers", "{status:text service:text timestamp:time}"},

    {"POST /api/v1/auth/register", "Makes an account; its address is confirmed by mail",
     "{token:null user:User}",
     "{email:email password:text(8,128) name?:text(0,200) sourceAppUrl?:url}",
     "400 WEAK_PASSWORD, 429 SIGNUP_LIMIT_REACHED"},
    {"POST /api/v1/auth/login", "Logs in with a password",
     "{redirect:flag token:text user:User accessToken:text refreshToken:text}|SecondStep",
     "{email:email password:text(1,1024)}",
     "401 INVALID_CREDENTIALS, 403 EMAIL_NOT_VERIFIED, 429 ACCOUNT_LOCKED"},
    {"POST /api/v1/auth/logout", "Ends the caller's session, if there is one", "{success:flag}",
     "{}"},
    {"POST /api/v1/auth/validate", "Whether an access token is valid, and what it says",
     "{valid:flag payload?:Claims}", "{token:text(1,16384)}"},
    {"GET /api/v1/auth/session", "The caller's session", "{session:Session user:User}|null"},
    {"POST /api/v1/auth/session-to-token", "Tokens for the caller's session", "Tokens", "{}",
     "401 UNAUTHORIZED"},
    {"POST /api/v1/auth/refresh", "A new access token", "Tokens", "{refreshToken?:text(0,256)}",
     "401 TOKEN_EXPIRED"},

    {"POST /api/auth/sign-up/email", "Makes an account; its address is confirmed by mail",
     "{token:null user:User}",
     "{name:text(1,200) email:email password:text(8,128) image?:text(0,2048)|null "
     "callbackURL?:url|null}",
     "400 INVALID_EMAIL PASSWORD_TOO_SHORT PASSWORD_TOO_LONG, 403 INVALID_CALLBACK_URL, "
     "429 SIGNUP_LIMIT_REACHED"},
    {"POST /api/auth/sign-in/email", "Logs in with a password; takes the body of a form, too",
     "{redirect:flag token:text url?:url user:User}|SecondStep",
     "{email:email password:text(1,1024) rememberMe?:flag|null callbackURL?:url|null}",
     "400 INVALID_EMAIL, 401 INVALID_EMAIL_OR_PASSWORD, "
     "403 EMAIL_NOT_VERIFIED INVALID_CALLBACK_URL, 429 ACCOUNT_LOCKED"},
    {"POST /api/auth/sign-out", "Ends the caller's session, if there is one", "{success:flag}",
     "{}"},
    {"GET /api/auth/get-session", "The caller's session", "{session:Session user:User}|null"},
    {"GET /api/auth/token", "An access token for the caller's session", "{token:text}"},
    {"GET /api/auth/ok", "Whether the service answers", "{ok:flag}"},
    {"GET /api/auth/error", "A page that tells of a link that did not work", "200"},
});

}  // namespace

std::span<const RouteNote> identity_notes() {
    return notes_of_identity;
}

}  // namespace auth
