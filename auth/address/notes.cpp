// What the API document says of the routes of the room address.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_address = std::to_array<RouteNote>({
    {"POST /api/v1/auth/resend-verification",
     "Mails the link again; answers the same for an unknown address", "{success:flag}",
     "{email:text(1,320) sourceAppUrl?:url|null}"},
    {"POST /api/v1/auth/change-email", "Mails a link to the new address",
     "{success:flag message:text}", "{newEmail:email callbackURL?:url|null}"},

    {"POST /api/auth/send-verification-email",
     "Mails the link again; answers the same for an unknown address", "{status:flag}",
     "{email:text(1,320) callbackURL?:url|null}",
     "400 INVALID_EMAIL EMAIL_MISMATCH EMAIL_ALREADY_VERIFIED, 403 INVALID_CALLBACK_URL"},
    {"POST /api/auth/change-email", "Mails a link to the new address", "{status:flag}",
     "{newEmail:email callbackURL?:url|null}", "400 INVALID_EMAIL, 403 INVALID_CALLBACK_URL"},
    {"GET /api/auth/verify-email", "The mailed link: the address is confirmed, or changed, once",
     "{status:flag user:User|null}; 302", "",
     "401 INVALID_TOKEN TOKEN_EXPIRED USER_NOT_FOUND INVALID_USER, 403 INVALID_CALLBACK_URL"},
});

}  // namespace

std::span<const RouteNote> address_notes() {
    return notes_of_address;
}

}  // namespace auth
