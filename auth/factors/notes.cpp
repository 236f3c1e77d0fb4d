// What the API document says of the routes of the room factors.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_factors = std::to_array<RouteNote>({
    {"POST /api/auth/two-factor/enable",
     "Begins with an authenticator app; a code of it switches the second factor on",
     "{totpURI:text backupCodes:text[]}",
     "{password:text(1,1024) issuer?:text(1,64)|null code?:text(0,64)|null}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND TWO_FACTOR_CODE_REQUIRED, 401 "
     "INVALID_CODE, "
     "429 ACCOUNT_LOCKED ACCOUNT_TEMPORARILY_LOCKED"},
    {"POST /api/auth/two-factor/disable", "Switches the second factor off", "{status:flag}",
     "{password:text(1,1024)}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND, 429 ACCOUNT_LOCKED"},
    {"POST /api/auth/two-factor/get-totp-uri", "What an authenticator app needs to know",
     "{totpURI:text}", "{password:text(1,1024)}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND TOTP_NOT_ENABLED, 429 ACCOUNT_LOCKED"},
    {"POST /api/auth/two-factor/generate-backup-codes", "New backup codes; the old ones end",
     "{status:flag backupCodes:text[]}", "{password:text(1,1024)}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND TWO_FACTOR_NOT_ENABLED, 429 "
     "ACCOUNT_LOCKED"},
    {"POST /api/auth/two-factor/verify-totp", "Ends a login, or the set-up, with a code of the app",
     "{token:text|null user:User}",
     "{code:text(1,64) trustDevice?:flag|null challengeId?:text(0,64)|null}",
     "400 TOTP_NOT_ENABLED TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, "
     "401 INVALID_CODE INVALID_TWO_FACTOR_COOKIE, 429 ACCOUNT_TEMPORARILY_LOCKED"},
    {"POST /api/auth/two-factor/send-otp", "Mails a code", "{status:flag}",
     "{trustDevice?:flag|null challengeId?:text(0,64)|null}",
     "400 OTP_NOT_ENABLED TWO_FACTOR_NOT_ENABLED TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, "
     "401 INVALID_TWO_FACTOR_COOKIE, 429 ACCOUNT_TEMPORARILY_LOCKED"},
    {"POST /api/auth/two-factor/verify-otp", "Ends a login, or the set-up, with a mailed code",
     "{token:text|null user:User}",
     "{code:text(1,64) trustDevice?:flag|null challengeId?:text(0,64)|null}",
     "400 TWO_FACTOR_NOT_ENABLED OTP_HAS_EXPIRED TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, "
     "401 INVALID_CODE INVALID_TWO_FACTOR_COOKIE, 429 ACCOUNT_TEMPORARILY_LOCKED"},
    {"POST /api/auth/two-factor/verify-backup-code", "Ends a login with a code that is good once",
     "{token:text|null user:User}",
     "{code:text(1,64) trustDevice?:flag|null disableSession?:flag|null "
     "challengeId?:text(0,64)|null}",
     "400 BACKUP_CODES_NOT_ENABLED TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE, "
     "401 INVALID_BACKUP_CODE INVALID_TWO_FACTOR_COOKIE, 429 ACCOUNT_TEMPORARILY_LOCKED"},

    {"POST /api/auth/sign-in/magic-link", "Mails a link that logs in", "{status:flag}",
     "{email:email name?:text(0,200)|null callbackURL?:url|null newUserCallbackURL?:url|null "
     "errorCallbackURL?:url|null}",
     "400 INVALID_EMAIL, 403 INVALID_CALLBACK_URL INVALID_NEW_USER_CALLBACK_URL "
     "INVALID_ERROR_CALLBACK_URL"},
    {"POST /api/auth/magic-link/send-magic-link", "Mails a link that logs in", "{status:flag}",
     "{email:email name?:text(0,200)|null callbackURL?:url|null newUserCallbackURL?:url|null "
     "errorCallbackURL?:url|null}",
     "400 INVALID_EMAIL, 403 INVALID_CALLBACK_URL INVALID_NEW_USER_CALLBACK_URL "
     "INVALID_ERROR_CALLBACK_URL"},
    {"GET /api/auth/magic-link/verify", "The mailed link: logs in, once",
     "{token:text user:User session:Session}|SecondStep; 302", "",
     "401 INVALID_TOKEN EXPIRED_TOKEN ATTEMPTS_EXCEEDED failed_to_create_user, "
     "403 INVALID_CALLBACK_URL INVALID_NEW_USER_CALLBACK_URL INVALID_ERROR_CALLBACK_URL, "
     "429 SIGNUP_LIMIT_REACHED"},

    {"GET /api/auth/passkey/generate-register-options", "What a browser needs to make a passkey",
     "PasskeyCreation", "", "403 SESSION_NOT_FRESH"},
    {"POST /api/auth/passkey/verify-registration", "Keeps a new passkey", "Passkey",
     "{response:object name?:text(0,100)|null}",
     "400 CHALLENGE_NOT_FOUND FAILED_TO_VERIFY_REGISTRATION PREVIOUSLY_REGISTERED, "
     "401 YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY, 403 SESSION_NOT_FRESH"},
    {"GET /api/auth/passkey/generate-authenticate-options",
     "What a browser needs to show a passkey", "PasskeyRequest"},
    {"POST /api/auth/passkey/verify-authentication", "Logs in with a passkey",
     "{session:Session user:User}|SecondStep", "{response:object}",
     "400 CHALLENGE_NOT_FOUND AUTHENTICATION_FAILED, 401 PASSKEY_NOT_FOUND"},
    {"GET /api/auth/passkey/list-user-passkeys", "The caller's passkeys", "Passkey[]"},
    {"POST /api/auth/passkey/update-passkey", "Renames a passkey", "{passkey:Passkey}",
     "{id:text(1,64) name:text(1,100)}", "404 PASSKEY_NOT_FOUND"},
    {"POST /api/auth/passkey/delete-passkey", "Forgets a passkey", "{status:flag}",
     "{id:text(1,64)}", "404 PASSKEY_NOT_FOUND"},

    {"GET /api/v1/auth/passkeys/capability", "Whether passkeys work here",
     "{enabled:flag conditionalUIAvailable:flag rpId:text}"},
    {"POST /api/v1/auth/passkeys/register/options", "What a browser needs to make a passkey",
     "PasskeyCreation",
     "{authenticatorAttachment?:word(platform,cross-platform)|null name?:text(0,100)|null}",
     "403 SESSION_NOT_FRESH"},
    {"POST /api/v1/auth/passkeys/register/verify", "Keeps a new passkey", "Passkey",
     "{response:object name?:text(0,100)|null}", "403 SESSION_NOT_FRESH"},
    {"POST /api/v1/auth/passkeys/authenticate/options", "What a browser needs to show a passkey",
     "PasskeyRequest", "{}"},
    {"POST /api/v1/auth/passkeys/authenticate/verify", "Logs in with a passkey",
     "{session:Session user:User accessToken:text refreshToken:text}|SecondStep",
     "{response:object}", "401 PASSKEY_VERIFICATION_FAILED"},
    {"GET /api/v1/auth/passkeys", "The caller's passkeys", "Passkey[]"},
    {"PATCH /api/v1/auth/passkeys/:id", "Renames a passkey", "{passkey:Passkey}",
     "{name:text(1,100)}", "404 NOT_FOUND"},
    {"DELETE /api/v1/auth/passkeys/:id", "Forgets a passkey", "{status:flag}", "", "404 NOT_FOUND"},
});

}  // namespace

std::span<const RouteNote> factors_notes() {
    return notes_of_factors;
}

}  // namespace auth
