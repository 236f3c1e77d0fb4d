// What the API document says of a route beside its row in the table: what it does, what it takes
// and answers, which codes of its own it refuses with. Each room has its notes beside its routes.
//
// Shapes are written in the notation of notation.hpp. Codes are grouped by status:
// "400 INVALID_TOKEN, 403 INVALID_CALLBACK_URL INVALID_REDIRECT_URL"; a status without codes is
// written alone. What follows from the row (401 without a session, 400 for a wrong body, 403 for a
// foreign origin, …) is not repeated.
//
// An answer is a shape, of status 200 unless a status stands before it: "201 {id:text}"; several
// are separated by semicolons: "{status:flag}; 302" (a status alone has no JSON).
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace auth {

struct RouteNote {
    std::string_view route;    // "POST /api/auth/organization/create"
    std::string_view summary;  // One sentence without a full stop.
    std::string_view answer;
    std::string_view body = {};
    std::string_view errors = {};
};

struct NamedShape {
    std::string_view name;  // "Space": how notations refer to it.
    std::string_view shape;
};

std::span<const RouteNote> identity_notes();
std::span<const RouteNote> key_notes();
std::span<const RouteNote> password_notes();
std::span<const RouteNote> address_notes();
std::span<const RouteNote> profile_notes();
std::span<const RouteNote> factors_notes();
std::span<const RouteNote> api_keys_notes();
std::span<const RouteNote> account_notes();
std::span<const RouteNote> spaces_notes();
std::span<const RouteNote> administration_notes();
std::span<const RouteNote> personas_notes();
std::span<const RouteNote> openapi_notes();

// Of all rooms.
std::vector<RouteNote> route_notes();

std::span<const NamedShape> named_shapes();

}  // namespace auth
