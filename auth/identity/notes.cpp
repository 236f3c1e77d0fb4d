// What the API document says of the routes of the room identity.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_identity = std::to_array<RouteNote>({
    {"GET /health", "Whether the service answers", "{status:text service:text timestamp:time}"},
    {"POST /api/v1/auth/validate", "Whether an access token is valid, and what it says",
     "{valid:flag payload?:object}", "{token?:text}"},
    {"GET /api/v1/auth/session", "The caller's session", "{session:Session user:User}|null"},
    {"GET /api/v1/auth/jwks", "The keys that verify access tokens", "{keys:object[]}"},
    {"GET /api/auth/jwks", "The keys that verify access tokens", "{keys:object[]}"},
    {"GET /api/auth/get-session", "The caller's session", "{session:Session user:User}|null"},
    {"GET /api/auth/token", "An access token for the caller's session", "{token:text}"},
    {"GET /api/auth/ok", "Whether the service answers", "{ok:flag}"},
});

}  // namespace

std::span<const RouteNote> identity_notes() {
    return notes_of_identity;
}

}  // namespace auth
