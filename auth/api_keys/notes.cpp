// What the API document says of the routes of the room api_keys.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_api_keys = std::to_array<RouteNote>({
    {"GET /api/v1/api-keys", "The caller's keys, ended ones too", "ApiKey[]"},
    {"POST /api/v1/api-keys", "Makes a key, which is shown this once", "201 NewApiKey",
     "{name:text(1,100) scopes?:word(stt,tts)[]|null "
     "rateLimit?:{requests:integer(1,100000) window:integer(1,86400)}|null}",
     "403 RATE_LIMIT_NOT_ALLOWED, 409 TOO_MANY_API_KEYS"},
    {"DELETE /api/v1/api-keys/:id", "Ends a key", "{success:flag}", "", "404 NOT_FOUND"},
    {"POST /api/v1/api-keys/validate", "Whether a key is valid, and counts the use",
     "{valid:flag reason?:word(scope_denied,rate_limited) retryAfterSec?:integer userId?:text "
     "scopes?:text[] rateLimit?:{requests:integer window:integer}}",
     "{apiKey:text(1,256) scope?:text(0,64)|null}"},
});

}  // namespace

std::span<const RouteNote> api_keys_notes() {
    return notes_of_api_keys;
}

}  // namespace auth
