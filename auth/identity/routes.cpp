// Who may do what in the room identity.
#include "auth/identity/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route identity_table[] = {
    {"GET", "/health", by_anybody(get_health)},

    {"POST", "/api/v1/auth/register", by_anybody(register_user)},
    {"POST", "/api/v1/auth/login", by_anybody(login)},
    {"POST", "/api/v1/auth/logout", by_anybody(sign_out)},
    {"POST", "/api/v1/auth/validate", by_anybody(validate_token)},
    {"GET", "/api/v1/auth/session", by_anybody(get_session)},
    {"POST", "/api/v1/auth/session-to-token", by_anybody(session_to_token)},
    {"POST", "/api/v1/auth/refresh", by_anybody(refresh)},

    {"POST", "/api/auth/sign-up/email", by_anybody(sign_up_email)},
    {"POST", "/api/auth/sign-in/email", by_anybody(sign_in_email)},
    {"POST", "/api/auth/sign-out", by_anybody(sign_out)},
    {"GET", "/api/auth/get-session", by_anybody(get_session), "disableRefresh disableCookieCache"},
    {"GET", "/api/auth/token", by_user(get_token)},
    {"GET", "/api/auth/ok", by_anybody(get_ok)},
    {"GET", "/api/auth/error", by_anybody(get_error), "error"},
};

}  // namespace

std::span<const Route> identity_routes() {
    return identity_table;
}

}  // namespace auth
