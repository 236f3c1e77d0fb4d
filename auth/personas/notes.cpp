// What the API document says of the routes of the room personas.
#include <array>

#include "auth/openapi/notes.hpp"

namespace auth {

namespace {

constexpr auto notes_of_personas = std::to_array<RouteNote>({
    {"POST /api/v1/admin/personas", "Makes a persona or changes her, by address",
     "{ok:flag userId:text email:email created:flag passwordChanged:flag changed:flag}",
     "{email:email name?:text(1,200) password:text(8,512) archetype:text(1,128) "
     "systemPrompt:text(1,32768) moduleMix:object tickCadence?:word(hourly,daily,weekdays)}",
     "409 NOT_A_PERSONA CONFLICT"},
    {"GET /api/v1/admin/personas", "Personas, newest first, in pages",
     "{personas:object[] next?:text}"},
    {"GET /api/v1/admin/personas/:id", "A persona with her last actions and ratings",
     "{persona:object recentActions:object[] feedbackByModule:object[]}", "", "404"},
    {"GET /api/v1/admin/personas/:id/export", "Everything kept of a persona, one object per line",
     "any", "", "404"},
    {"DELETE /api/v1/admin/personas/:id", "Deletes a persona",
     "{ok:flag deleted:text counts:object}", "", "404, 409 VISITING CHANGED"},
    {"GET /api/v1/internal/personas/due", "Who is due", "{personas:object[] serverTime:time}"},
    {"POST /api/v1/internal/personas/due", "Claims visits of those who are due",
     "{visits:object[] serverTime:time}",
     "{runnerId:text(1,128) requestId:text(1,128) limit:integer(1,1000) due?:word(all) "
     "idleSince?:time}",
     "410 RUNNER_DEAD"},
    {"POST /api/v1/internal/personas/:id/actions", "Stores what a persona did",
     "{ok:flag written:integer}", "{actions:object[]}", "404, 409"},
    {"POST /api/v1/internal/personas/:id/feedback", "Stores how modules felt",
     "{ok:flag written:integer}", "{feedback:object[]}", "404, 409"},
    {"POST /api/v1/internal/runners/heartbeat", "Keeps a runner's lease", "object",
     "{runnerId:text(1,128) node:text(1,128) leaseSeconds:integer(5,3600)}", "410 RUNNER_DEAD"},
    {"POST /api/v1/internal/personas/pause", "Lets nobody, or some, come any more", "object",
     "{scope:word(all,archetype,persona) archetype?:text email?:text}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
    {"POST /api/v1/internal/personas/resume", "Lets those who were paused come again", "object",
     "{scope:word(all,archetype,persona) archetype?:text email?:text}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
    {"POST /api/v1/internal/personas/release", "Lets a quarantined persona come again", "object",
     "{email:text(1,320)}",
     "404 ARCHETYPE_UNKNOWN PERSONA_UNKNOWN, 409 NOT_PAUSED NOT_QUARANTINED"},
});

}  // namespace

std::span<const RouteNote> personas_notes() {
    return notes_of_personas;
}

}  // namespace auth
