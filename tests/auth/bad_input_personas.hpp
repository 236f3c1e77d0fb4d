// Bad input: the table of the room personas.
#pragma once

#include "catalog/record.hpp"
#include "tests/auth/bad_input.hpp"

namespace tests {

inline Json good_persona() {
    return {{"email", "persona.anna@mana.test"},
            {"name", "Anna"},
            {"password", "a long password"},
            {"archetype", "tester"},
            {"systemPrompt", "Du bist Anna."},
            {"moduleMix", {{"todo", 1}}},
            {"tickCadence", "daily"}};
}

inline std::vector<Endpoint> personas_bad_input(const BadInputWorld& world) {
    using Kind = Field::Kind;
    const std::string internal = "/api/v1/internal";
    const std::string her = internal + "/personas/" + world.persona_id;
    Field started = text_field("/actions/0/startedAt", 64, false);
    started.more_wrong = {"yesterday"};
    started.more_valid = "must be a time like";
    Field since = text_field("/idleSince", 64, false);
    since.more_wrong = {"yesterday"};
    since.more_valid = "must be a time like";
    Field evidence{Kind::list,
                   "/feedback/0/evidence",
                   false,
                   0,
                   100,
                   {Json::array({0}), Json::array({"x"})},
                   "must be a list of the actions' seq numbers"};
    const Json action = {
        {"tickId", world.tick}, {"seq", 1}, {"toolName", "todo.add"}, {"result", "ok"}};
    const Json rating = {
        {"tickId", world.tick}, {"module", "todo"}, {"status", "rated"}, {"rating", 3}};
    Json end = catalog::to_json(catalog::VisitEnd{});
    return {
        {"POST",
         "/api/v1/admin/personas",
         "/api/v1/admin/personas",
         Who::admin,
         good_persona(),
         {{Kind::text, "/email", true, 3, 254, {"no address"}, "must be an address"},
          {Kind::text, "/password", true, 8, 512, {"short"}, "8 "},
          text_field("/name", 200, false),
          text_field("/archetype", 128),
          text_field("/systemPrompt", 32'768),
          {Kind::object, "/moduleMix", true},
          {Kind::number, "/moduleMix/todo", false, 0, 0, {-1}, "number"},
          {Kind::word, "/tickCadence", false}},
         {""}},
        {"POST",
         internal + "/personas/due",
         internal + "/personas/due",
         Who::service,
         {{"runnerId", "r"}, {"requestId", "other"}, {"limit", 1}},
         {text_field("/runnerId", 128),
          text_field("/requestId", 128),
          whole_field("/limit", 1, 1000),
          {Kind::word, "/due", false},
          since},
         {""}},
        {"POST",
         internal + "/personas/:id/actions",
         her + "/actions",
         Who::service,
         {{"actions", {action}}},
         {{Kind::list, "/actions", true, 0, 500},
          text_field("/actions/0/tickId", 128),
          whole_field("/actions/0/seq", 1, 1'000'000, false),
          started,
          text_field("/actions/0/module", 64, false),
          text_field("/actions/0/toolName", 128),
          text_field("/actions/0/inputHash", 128, false),
          {Kind::object, "/actions/0/input", false},
          {Kind::word, "/actions/0/result"},
          {Kind::word, "/actions/0/outcome", false},
          text_field("/actions/0/errorMessage", 1000, false),
          whole_field("/actions/0/latencyMs", 0, 86'400'000, false)},
         {"", "/actions/0"}},
        {"POST",
         internal + "/personas/:id/feedback",
         her + "/feedback",
         Who::service,
         {{"feedback", {rating}}},
         {{Kind::list, "/feedback", true, 0, 100},
          text_field("/feedback/0/tickId", 128),
          text_field("/feedback/0/module", 64),
          {Kind::word, "/feedback/0/status", false},
          whole_field("/feedback/0/rating", 1, 5),
          text_field("/feedback/0/notes", 2000, false),
          evidence},
         {"", "/feedback/0"}},
        {"POST",
         internal + "/personas/pause",
         internal + "/personas/pause",
         Who::service,
         {{"scope", "archetype"}, {"archetype", "nobody"}},
         {{Kind::word, "/scope"}, text_field("/archetype", 200)},
         {""}},
        {"POST",
         internal + "/personas/resume",
         internal + "/personas/resume",
         Who::service,
         {{"scope", "persona"}, {"email", "nobody@mana.test"}},
         {{Kind::word, "/scope"}, text_field("/email", 320)},
         {""}},
        {"POST",
         internal + "/personas/release",
         internal + "/personas/release",
         Who::service,
         {{"email", "nobody@mana.test"}},
         {text_field("/email", 320)},
         {""}},
        {"POST",
         internal + "/runners/heartbeat",
         internal + "/runners/heartbeat",
         Who::service,
         {{"runnerId", "new"}, {"node", "m"}, {"leaseSeconds", 60}},
         {text_field("/runnerId", 128), text_field("/node", 128),
          whole_field("/leaseSeconds", 5, 3600)},
         {""}},
        {"POST",
         internal + "/visits/:tickId/finish",
         internal + "/visits/" + world.tick + "/finish",
         Who::service,
         end,
         {{Kind::word, "/status"},
          text_field("/reason", 1000, false),
          {Kind::word, "/errorSource", false},
          whole_field("/turns", 0, 1'000'000'000),
          whole_field("/toolCalls", 0, 1'000'000'000),
          {Kind::object, "/counts"},
          whole_field("/counts/actions", 0, 1'000'000'000),
          whole_field("/counts/ratings", 0, 1'000'000'000),
          {Kind::object, "/tokens"},
          whole_field("/tokens/input", 0, 1'000'000'000'000),
          whole_field("/tokens/output", 0, 1'000'000'000'000),
          whole_field("/tokens/cacheWrite", 0, 1'000'000'000'000, false),
          whole_field("/tokens/cacheRead", 0, 1'000'000'000'000, false),
          {Kind::number, "/costUsd", false, 0, 1'000'000'000},
          text_field("/model", 128, false),
          {Kind::object, "/product", false},
          text_field("/product/name", 128, false),
          text_field("/product/version", 64, false),
          text_field("/summary", 4000, false)},
         {"", "/counts", "/tokens", "/product"}},
    };
}

}  // namespace tests
