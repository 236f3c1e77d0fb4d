// What the API document says of the routes of the room administration.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_administration = std::to_array<RouteNote>({
    {"GET /api/v1/admin/stats", "Numbers of the whole service",
     "{totalUsers:integer newUsers7d:integer newUsers30d:integer activeSessions:integer "
     "uniqueUsers24h:integer loginSuccess7d:integer loginFailed7d:integer generatedAt:time}"},
    {"GET /api/v1/admin/users", "Users in pages, searched, or those of a tier",
     "{users:{id:text email:email name:text role:text accessTier?:Tier createdAt:time "
     "lastActiveAt?:time}[] total?:integer page?:integer limit?:integer count?:integer}"},
    {"GET /api/v1/admin/users/:userId/data", "What is known of a user, counted", "UserData", "",
     "404 NOT_FOUND"},
    {"DELETE /api/v1/admin/users/:userId/data", "Deletes a user without a mail", "Erased", "",
     "403 PERSONA, 404 NOT_FOUND, 409 SELF"},
    {"GET /api/v1/admin/users/:userId/tier", "A user's access tier", "UserTier", "",
     "404 NOT_FOUND"},
    {"PUT /api/v1/admin/users/:userId/tier", "Gives a user another access tier",
     "{success:flag user:UserTier}", "{tier:Tier}", "404 NOT_FOUND"},
});

}  // namespace

std::span<const RouteNote> administration_notes() {
    return notes_of_administration;
}

}  // namespace auth
