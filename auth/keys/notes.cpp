// What the API document says of the routes of the room keys.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_keys = std::to_array<RouteNote>({
    {"GET /api/v1/auth/jwks", "The keys that verify access tokens", "{keys:Key[]}"},
    {"GET /api/auth/jwks", "The keys that verify access tokens", "{keys:Key[]}"},
});

}  // namespace

std::span<const RouteNote> key_notes() {
    return notes_of_keys;
}

}  // namespace auth
