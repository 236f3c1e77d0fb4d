// Who may do what in the room personas.
#include "auth/personas/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route personas_table[] = {
    {"POST", "/api/v1/admin/personas", by_admin(upsert_persona)},
    {"GET", "/api/v1/admin/personas", by_admin(list_personas), "limit after"},
    {"GET", "/api/v1/admin/personas/:id", by_admin(show_persona)},
    {"GET", "/api/v1/admin/personas/:id/export", by_admin(export_persona)},
    {"DELETE", "/api/v1/admin/personas/:id", by_admin(delete_persona), "rows"},

    {"GET", "/api/v1/internal/personas/due", by_service(list_due_personas)},
    {"POST", "/api/v1/internal/personas/due", by_service(claim_due_personas)},
    {"POST", "/api/v1/internal/personas/:id/actions", by_service(store_actions)},
    {"POST", "/api/v1/internal/personas/:id/feedback", by_service(store_feedback)},
    {"POST", "/api/v1/internal/runners/heartbeat", by_service(heartbeat_runner)},
    {"POST", "/api/v1/internal/visits/:tickId/finish", by_service(finish_visit)},
    {"POST", "/api/v1/internal/personas/pause", by_service(pause_personas)},
    {"POST", "/api/v1/internal/personas/resume", by_service(resume_personas)},
    {"POST", "/api/v1/internal/personas/release", by_service(release_persona)},
    {"GET", "/api/v1/internal/standing", by_service(show_standing)},
};

}  // namespace

std::span<const Route> personas_routes() {
    return personas_table;
}

}  // namespace auth
