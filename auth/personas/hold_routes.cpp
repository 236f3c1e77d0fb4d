#include <array>

#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/personas/database_time.hpp"
#include "auth/personas/holds.hpp"
#include "auth/personas/routes.hpp"
#include "base/text.hpp"

namespace auth {

base::ServerResponse pause_personas(const ServiceCaller&, const Context& context,
                                    const base::ServerRequest& request) {
    const catalog::Whom whom = catalog::whom_from_json(request.json());
    const Holds::Paused paused = Holds(context.database).pause(whom, context.time.now());
    return base::ServerResponse::json(
        {{"ok", true}, {"changed", paused.changed}, {"since", base::to_iso(paused.since)}});
}

base::ServerResponse resume_personas(const ServiceCaller&, const Context& context,
                                     const base::ServerRequest& request) {
    const catalog::Whom whom = catalog::whom_from_json(request.json());
    Holds(context.database).resume(whom, context.time.now());
    return base::ServerResponse::json({{"ok", true}});
}

base::ServerResponse release_persona(const ServiceCaller&, const Context& context,
                                     const base::ServerRequest& request) {
    static constexpr std::array<std::string_view, 1> known{"email"};
    const base::Json body = request.json();
    const base::Fields fields(body);
    fields.only(known);
    const std::string email = base::lower_ascii(fields.text("email", 3, 320));
    const base::Moment next = Holds(context.database).release(email, context.time.now());
    return base::ServerResponse::json({{"ok", true}, {"nextDueAt", base::to_iso(next)}});
}

base::ServerResponse show_standing(const ServiceCaller&, const Context& context,
                                   const base::ServerRequest&) {
    return base::ServerResponse::json(
        catalog::to_json(Holds(context.database).standing(context.time.now())));
}

}  // namespace auth
