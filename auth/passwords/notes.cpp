// What the API document says of the routes of the room passwords.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_passwords = std::to_array<RouteNote>({
    {"POST /api/v1/auth/forgot-password",
     "Mails a link for a new password; answers the same for an unknown address", "{success:flag}",
     "{email:text(1,320) redirectTo?:url|null}"},
    {"POST /api/v1/auth/reset-password", "Sets a new password by a mailed link; ends all sessions",
     "{success:flag}", "{newPassword:text(8,128) token:text(1,256)}",
     "400 TOKEN_INVALID WEAK_PASSWORD"},
    {"POST /api/v1/auth/change-password", "Sets a new password; ends the other sessions",
     "{success:flag}", "{currentPassword:text(1,1024) newPassword:text(8,128)}",
     "400 WEAK_PASSWORD, 401 INVALID_CREDENTIALS, 409 CONFLICT, 429 ACCOUNT_LOCKED"},

    {"POST /api/auth/request-password-reset",
     "Mails a link for a new password; answers the same for an unknown address",
     "{status:flag message:text}", "{email:text(1,320) redirectTo?:url|null}",
     "400 INVALID_EMAIL, 403 INVALID_REDIRECT_URL"},
    {"GET /api/auth/reset-password/:token", "The mailed link: on to the page that asks", "302", "",
     "400 INVALID_CALLBACK_URL, 403 INVALID_CALLBACK_URL"},
    {"POST /api/auth/reset-password", "Sets a new password by a mailed link; ends all sessions",
     "{status:flag}", "{newPassword:text(8,128) token?:text(1,256)|null}",
     "400 INVALID_TOKEN PASSWORD_TOO_SHORT PASSWORD_TOO_LONG"},
    {"POST /api/auth/change-password",
     "Sets a new password; ends the other sessions unless told to keep them",
     "{token:text|null user:User|null}",
     "{currentPassword:text(1,1024) newPassword:text(8,128) revokeOtherSessions?:flag|null}",
     "400 INVALID_PASSWORD PASSWORD_TOO_SHORT PASSWORD_TOO_LONG CREDENTIAL_ACCOUNT_NOT_FOUND, "
     "409 CONFLICT, 429 ACCOUNT_LOCKED"},
    {"POST /api/auth/verify-password", "Whether the caller knows her password", "{status:flag}",
     "{password:text(1,1024)}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND, 429 ACCOUNT_LOCKED"},
});

}  // namespace

std::span<const RouteNote> password_notes() {
    return notes_of_passwords;
}

}  // namespace auth
