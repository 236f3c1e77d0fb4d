// Who may do what in the room keys.
#include "auth/keys/routes.hpp"

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/keys/signing_keys.hpp"
#include "auth/route.hpp"

namespace auth {

namespace {

const Route key_table[] = {
    {"GET", "/api/v1/auth/jwks", by_anybody(get_jwks)},
    {"GET", "/api/auth/jwks", by_anybody(get_jwks)},
};

}  // namespace

std::span<const Route> key_routes() {
    return key_table;
}

base::ServerResponse get_jwks(const Context& context, const base::ServerRequest&) {
    return base::ServerResponse::json(context.keys.jwks());
}

}  // namespace auth
