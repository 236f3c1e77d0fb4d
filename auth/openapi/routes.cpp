// Who may do what in the room openapi.
#include "auth/openapi/routes.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "auth/openapi/document.hpp"
#include "auth/openapi/notes.hpp"
#include "auth/route.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

const Route openapi_table[] = {
    {"GET", "/openapi.json", by_anybody(get_openapi)},
};

constexpr auto notes_of_openapi = std::to_array<RouteNote>({
    {"GET /openapi.json", "This document", "object"},
});

}  // namespace

std::span<const RouteNote> openapi_notes() {
    return notes_of_openapi;
}

std::span<const Route> openapi_routes() {
    return openapi_table;
}

base::ServerResponse get_openapi(const Context&, const base::ServerRequest&) {
    static const std::string text = base::to_text(openapi_document());
    base::ServerResponse answer;
    answer.body = text;
    answer.headers.emplace_back("Cache-Control", "public, max-age=300");
    return answer;
}

}  // namespace auth
