// What the API document says of the routes of the room profile.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_profile = std::to_array<RouteNote>({
    {"GET /api/v1/auth/signup-status", "Whether accounts can be made today",
     "{registrationOpen:flag spotsRemaining:integer|null totalToday:integer limit:integer "
     "resetsAt:text}"},
    {"GET /api/v1/auth/profile", "The caller's session and account",
     "{session:Session user:User}|null"},
    {"POST /api/v1/auth/profile", "Changes name and picture", "{status:flag}",
     "{name?:text(1,200)|null image?:text(0,2048)|null}"},
    {"DELETE /api/v1/auth/account", "Deletes the caller's account after her password",
     "{success:flag}", "{password:text(1,1024)}",
     "401 INVALID_CREDENTIALS, 403 FORBIDDEN, 429 ACCOUNT_LOCKED"},
    {"GET /api/v1/auth/security-events", "What happened to the caller's account, newest first",
     "Event[]"},
    {"GET /api/v1/auth/sessions", "Where the caller is logged in", "OwnSession[]"},
    {"DELETE /api/v1/auth/sessions/:id", "Ends one of the caller's sessions", "{success:flag}", "",
     "404 NOT_FOUND"},

    {"POST /api/auth/update-user", "Changes name and picture", "{status:flag}",
     "{name?:text(1,200)|null image?:text(0,2048)|null}",
     "400 EMAIL_CAN_NOT_BE_UPDATED FIELD_NOT_ALLOWED"},
    {"POST /api/auth/delete-user", "Deletes the caller's account", "{success:flag message:text}",
     "{password?:text(0,1024)|null}",
     "400 INVALID_PASSWORD CREDENTIAL_ACCOUNT_NOT_FOUND SESSION_EXPIRED, 403 PERSONA, "
     "429 ACCOUNT_LOCKED"},
    {"GET /api/auth/list-accounts", "The ways in which the caller can prove who she is",
     "{id:text providerId:text accountId:text userId:text scopes:text[] createdAt:time "
     "updatedAt:time}[]"},
    {"POST /api/auth/sign-in/social", "Refuses: no other provider is set up", "object",
     "{provider:text(1,64) callbackURL?:url|null newUserCallbackURL?:url|null "
     "errorCallbackURL?:url|null ...}",
     "403 INVALID_CALLBACK_URL INVALID_NEW_USER_CALLBACK_URL INVALID_ERROR_CALLBACK_URL, "
     "404 PROVIDER_NOT_FOUND"},
    {"POST /api/auth/link-social", "Refuses: no other provider is set up", "object",
     "{provider:text(1,64) callbackURL?:url|null errorCallbackURL?:url|null ...}",
     "403 INVALID_CALLBACK_URL INVALID_ERROR_CALLBACK_URL, 404 PROVIDER_NOT_FOUND"},
    {"POST /api/auth/unlink-account",
     "Lets go of one of the caller's accounts, but never of the last; needs a session of this day",
     "{status:flag}", "{providerId:text(1,64) accountId?:text(0,256)|null}",
     "400 FAILED_TO_UNLINK_LAST_ACCOUNT ACCOUNT_NOT_FOUND, 403 SESSION_NOT_FRESH"},
    {"POST /api/auth/refresh-token", "Refuses: no other provider is set up", "object",
     "{providerId:text(1,64) ...}", "400 PROVIDER_NOT_SUPPORTED"},
    {"POST /api/auth/get-access-token", "Refuses: no other provider is set up", "object",
     "{providerId:text(1,64) ...}", "400 PROVIDER_NOT_SUPPORTED"},
    {"GET /api/auth/account-info", "Refuses: no other provider is set up", "object", "",
     "400 ACCOUNT_NOT_FOUND PROVIDER_NOT_CONFIGURED"},
    {"GET /api/auth/callback/:id", "Leads to the page of errors: no login at a provider was begun",
     "302"},
    {"GET /api/auth/delete-user/callback", "Refuses: no link that deletes an account is mailed",
     "object", "", "404 INVALID_TOKEN"},
    {"POST /api/auth/update-session",
     "Refuses: no field of a session is its user's to set in this way", "Session", "object",
     "400 FIELD_NOT_ALLOWED"},
    {"GET /api/auth/list-sessions",
     "Where the caller is logged in; of other sessions the id stands for the token", "Session[]"},
    {"POST /api/auth/revoke-session", "Ends one of the caller's sessions, by token or id",
     "{status:flag}", "{token:text(1,256)}"},
    {"POST /api/auth/revoke-sessions", "Ends all of the caller's sessions", "{status:flag}", "{}"},
    {"POST /api/auth/revoke-other-sessions", "Ends all of the caller's other sessions",
     "{status:flag}", "{}"},
});

}  // namespace

std::span<const RouteNote> profile_notes() {
    return notes_of_profile;
}

}  // namespace auth
