// Who may do what in the room passwords.
#include "auth/passwords/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route password_table[] = {
    {"POST", "/api/v1/auth/forgot-password", by_anybody(forgot_password)},
    {"POST", "/api/v1/auth/reset-password", by_anybody(reset_password)},
    {"POST", "/api/v1/auth/change-password", by_user(change_own_password)},

    {"POST", "/api/auth/request-password-reset", by_anybody(request_password_reset)},
    {"GET", "/api/auth/reset-password/:token", by_anybody(open_password_reset), "callbackURL"},
    {"POST", "/api/auth/reset-password", by_anybody(reset_password_native), "token"},
    {"POST", "/api/auth/change-password", by_user(change_password_native)},
    {"POST", "/api/auth/verify-password", by_user(verify_password)},
};

}  // namespace

std::span<const Route> password_routes() {
    return password_table;
}

}  // namespace auth
