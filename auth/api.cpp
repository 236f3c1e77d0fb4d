#include "auth/api.hpp"

#include "auth/identity/routes.hpp"
#include "auth/personas/routes.hpp"
#include "auth/spaces/routes.hpp"

namespace auth {

namespace {

// One word per row says who may come; the handler's own first parameter must agree.
constexpr OpenHandler open(OpenHandler handler) {
    return handler;
}
constexpr UserHandler user(UserHandler handler) {
    return handler;
}
constexpr AdminHandler admin(AdminHandler handler) {
    return handler;
}
constexpr ServiceHandler service(ServiceHandler handler) {
    return handler;
}

const Route api_routes[] = {
    {"GET", "/health", open(get_health)},

    {"POST", "/api/v1/auth/register", open(register_user)},
    {"POST", "/api/v1/auth/login", open(login)},
    {"POST", "/api/v1/auth/logout", open(sign_out)},
    {"POST", "/api/v1/auth/validate", open(validate_token)},
    {"GET", "/api/v1/auth/session", open(get_session)},
    {"POST", "/api/v1/auth/session-to-token", open(session_to_token)},
    {"POST", "/api/v1/auth/refresh", open(refresh)},
    {"GET", "/api/v1/auth/jwks", open(get_jwks)},

    {"POST", "/api/auth/sign-up/email", open(sign_up_email)},
    {"POST", "/api/auth/sign-in/email", open(sign_in_email)},
    {"POST", "/api/auth/sign-out", open(sign_out)},
    {"GET", "/api/auth/get-session", open(get_session)},
    {"GET", "/api/auth/token", user(get_token)},
    {"GET", "/api/auth/jwks", open(get_jwks)},
    {"GET", "/api/auth/verify-email", open(verify_email)},
    {"GET", "/api/auth/ok", open(get_ok)},
    {"GET", "/api/auth/organization/list", user(list_organizations)},

    {"GET", "/api/v1/internal/users/:user_id/memberships", service(list_user_memberships)},

    {"POST", "/api/v1/admin/personas", admin(upsert_persona)},
    {"GET", "/api/v1/admin/personas", admin(list_personas), "limit after"},
    {"GET", "/api/v1/admin/personas/:id", admin(show_persona)},
    {"GET", "/api/v1/admin/personas/:id/export", admin(export_persona)},
    {"DELETE", "/api/v1/admin/personas/:id", admin(delete_persona), "rows"},

    {"GET", "/api/v1/internal/personas/due", service(list_due_personas)},
    {"POST", "/api/v1/internal/personas/due", service(claim_due_personas)},
    {"POST", "/api/v1/internal/personas/:id/actions", service(store_actions)},
    {"POST", "/api/v1/internal/personas/:id/feedback", service(store_feedback)},
    {"POST", "/api/v1/internal/runners/heartbeat", service(heartbeat_runner)},
    {"POST", "/api/v1/internal/visits/:tickId/finish", service(finish_visit)},
    {"POST", "/api/v1/internal/personas/pause", service(pause_personas)},
    {"POST", "/api/v1/internal/personas/resume", service(resume_personas)},
    {"POST", "/api/v1/internal/personas/release", service(release_persona)},
    {"GET", "/api/v1/internal/standing", service(show_standing)},
};

}  // namespace

std::span<const Route> routes() {
    return api_routes;
}

}  // namespace auth
