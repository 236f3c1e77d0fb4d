#include "auth/api_keys/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route api_keys_table[] = {
    {"GET", "/api/v1/api-keys", by_user(list_api_keys)},
    {"POST", "/api/v1/api-keys", by_user(create_api_key)},
    {"DELETE", "/api/v1/api-keys/:id", by_user(delete_api_key)},
    {"POST", "/api/v1/api-keys/validate", by_anybody(validate_api_key)},
};

}  // namespace

std::span<const Route> api_keys_routes() {
    return api_keys_table;
}

}  // namespace auth
