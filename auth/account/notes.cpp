// What the API document says of the routes of the room account.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_account = std::to_array<RouteNote>({
    {"GET /api/v1/me/data", "What is known of the caller, counted", "UserData", "",
     "404 NOT_FOUND"},
    {"GET /api/v1/me/data/export", "All that is known of the caller, as a file",
     "{exportedAt:time exportVersion:text data:UserData details:object}", "", "404 NOT_FOUND"},
    {"DELETE /api/v1/me/data", "Deletes the caller's account after her password", "Erased",
     "{password?:text}",
     "400 INVALID_PASSWORD, 403 SESSION_NOT_FRESH PERSONA, 404 NOT_FOUND, 429 ACCOUNT_LOCKED"},
    {"PATCH /api/v1/me/profile", "Changes name, picture and how feedback is signed",
     "{name:text image:text|null feedbackShowRealName:flag}",
     "{name?:text image?:text|null feedbackShowRealName?:flag}", "404 NOT_FOUND"},
    {"GET /api/v1/me/onboarding", "When the caller's first steps were done",
     "{completedAt:time|null}", "", "404 NOT_FOUND"},
    {"POST /api/v1/me/onboarding/complete", "The first steps are done; the first time counts",
     "{completedAt:time}", "{}", "404 NOT_FOUND"},
    {"PATCH /api/v1/me/onboarding/reset", "The first steps begin again", "{completedAt:null}", "{}",
     "404 NOT_FOUND"},
    {"POST /api/v1/me/bootstrap-singletons",
     "Lets the product make what every user and space has once",
     "{ok:flag bootstrapped:{userContext:word(written,existed,failed) spaces:object}}", "{}"},

    {"GET /api/v1/settings", "The caller's settings", "Settings"},
    {"PATCH /api/v1/settings/global", "Merges into the settings for everything", "Settings",
     "object"},
    {"PATCH /api/v1/settings/app/:appId", "Merges into the settings of one application", "Settings",
     "object"},
    {"DELETE /api/v1/settings/app/:appId", "Forgets the settings of one application", "Settings"},
    {"GET /api/v1/settings/devices", "The devices that have settings, last seen first",
     "{success:flag devices:{deviceId:text deviceName:text deviceType:text lastSeen:text "
     "appCount:integer}[]}"},
    {"PATCH /api/v1/settings/device/:deviceId/:appId",
     "Replaces members of one application's settings on one device", "Settings",
     "{deviceName?:text(0,200) deviceType?:text(0,200) settings?:object}"},
    {"DELETE /api/v1/settings/device/:deviceId", "Forgets a device", "Settings"},
});

}  // namespace

std::span<const RouteNote> account_notes() {
    return notes_of_account;
}

}  // namespace auth
