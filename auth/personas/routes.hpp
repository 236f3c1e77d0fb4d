// Routes and handlers of the room personas: the catalog's far end (admin) and the runners'
// (internal).
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class Admin;
class ServiceCaller;
struct Context;
struct Route;

std::span<const Route> personas_routes();

// admin_routes.cpp: /api/v1/admin/personas
base::ServerResponse upsert_persona(const Admin& admin, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse list_personas(const Admin& admin, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse show_persona(const Admin& admin, const Context& context,
                                  const base::ServerRequest& request);
base::ServerResponse export_persona(const Admin& admin, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse delete_persona(const Admin& admin, const Context& context,
                                    const base::ServerRequest& request);

// internal_routes.cpp: /api/v1/internal/{personas,runners,visits}
base::ServerResponse list_due_personas(const ServiceCaller& caller, const Context& context,
                                       const base::ServerRequest& request);
base::ServerResponse claim_due_personas(const ServiceCaller& caller, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse store_actions(const ServiceCaller& caller, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse store_feedback(const ServiceCaller& caller, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse heartbeat_runner(const ServiceCaller& caller, const Context& context,
                                      const base::ServerRequest& request);
base::ServerResponse finish_visit(const ServiceCaller& caller, const Context& context,
                                  const base::ServerRequest& request);

// hold_routes.cpp: /api/v1/internal/personas/{pause,resume,release}, /api/v1/internal/standing
base::ServerResponse pause_personas(const ServiceCaller& caller, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse resume_personas(const ServiceCaller& caller, const Context& context,
                                     const base::ServerRequest& request);
base::ServerResponse release_persona(const ServiceCaller& caller, const Context& context,
                                     const base::ServerRequest& request);
base::ServerResponse show_standing(const ServiceCaller& caller, const Context& context,
                                   const base::ServerRequest& request);

}  // namespace auth
