// What the API document says of the routes of the room personas.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_personas = std::to_array<RouteNote>({
    {"POST /api/v1/admin/personas", "Makes a persona or changes her, by address",
     "{ok:flag userId:text email:email created:flag passwordChanged:flag changed:flag}",
     "{email:email name?:text(0,200)|null password:text(8,128) archetype:text(1,128) "
     "systemPrompt:text(1,32768) moduleMix:object "
     "tickCadence?:word(hourly,daily,weekdays)|null}",
     "409 NOT_A_PERSONA CONFLICT"},
    {"GET /api/v1/admin/personas", "Personas, newest first, in pages",
     "{personas:ListedPersona[] next?:text}"},
    {"GET /api/v1/admin/personas/:id", "A persona with her last actions and ratings",
     "{persona:OwnedPersona recentActions:RecentAction[] feedbackByModule:ModuleMean[] "
     "counts:PersonaCounts}",
     "", "404"},
    {"GET /api/v1/admin/personas/:id/export", "Everything kept of a persona, one object per line",
     "200", "", "404"},
    {"DELETE /api/v1/admin/personas/:id", "Deletes a persona",
     "{ok:flag deleted:text counts:{visits:integer actions:integer ratings:integer "
     "spaces:integer sessions:integer}}",
     "", "404, 409 VISITING CHANGED"},

    {"GET /api/v1/internal/personas/due", "Who is due", "{personas:Persona[] serverTime:time}"},
    {"POST /api/v1/internal/personas/due", "Claims visits of those who are due",
     "{visits:ClaimedVisit[] serverTime:time}",
     "{runnerId:text(1,128) requestId:text(1,128) limit:integer(1,1000) due?:word(all)|null "
     "idleSince?:time|null spentSince?:time|null}",
     "410 RUNNER_DEAD"},
    {"POST /api/v1/internal/personas/:id/actions", "Stores what a persona did", "Stored",
     "{actions:Action[]}", "404 persona_unknown visit_unknown, 409"},
    {"POST /api/v1/internal/personas/:id/feedback", "Stores how modules felt", "Stored",
     "{feedback:Rating[]}", "404 persona_unknown visit_unknown, 409"},
    {"POST /api/v1/internal/runners/heartbeat", "Keeps a runner's lease",
     "{ok:flag leaseUntil:time spentElsewhereUsd?:number grantedUsd?:number serverTime:time}",
     "{runnerId:text(1,128) node:text(1,128) leaseSeconds:integer(5,3600) "
     "spending?:{since:time openUsd:number wantUsd?:number limitUsd?:number|null "
     "number?:integer}|null}",
     "410 RUNNER_DEAD"},
    {"POST /api/v1/internal/visits/:tickId/finish", "Ends a visit whose rows are all delivered",
     "{ok:flag applied:flag status:text differing:flag}", "VisitEnd",
     "404 visit_unknown, 409 incomplete"},
    {"POST /api/v1/internal/personas/pause", "Lets nobody, or some, come any more",
     "{ok:flag changed:flag since:time}",
     "{scope:word(all,archetype,persona) archetype?:text email?:text}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
    {"POST /api/v1/internal/personas/resume", "Ends a pause", "{ok:flag}",
     "{scope:word(all,archetype,persona) archetype?:text email?:text}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
    {"POST /api/v1/internal/personas/release", "Lets a quarantined persona come again",
     "{ok:flag nextDueAt:time}", "{email:text(3,320)}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
    {"GET /api/v1/internal/standing", "Who is paused, in quarantine, skipped of late", "Standing"},
});

}  // namespace

std::span<const RouteNote> personas_notes() {
    return notes_of_personas;
}

}  // namespace auth
