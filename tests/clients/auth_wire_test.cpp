// The auth client over a real socket: what it sends, what it makes of answers and refusals.
#include "clients/auth.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"
#include "tests/clients/far_end.hpp"

namespace {

using base::Failure;
using base::Json;
using base::Secret;
using base::ServerResponse;
using clients::Auth;
using tests::CourteousClock;

struct AuthRoom : tests::Outbound<CourteousClock> {
    Auth auth{http, {.url = far_end.url() + "/", .service_key = Secret{"service-key"}}};

    void answer(const std::string& text, int status = 200) {
        far_end.then(ServerResponse::json(base::parse_json(text, "answer"), status));
    }
    base::ServerRequest last() const { return far_end.seen().back().request; }
    Json last_json() const { return base::parse_json(last().body, "request"); }
};

constexpr const char* claim_answer = R"({"visits":[{"tickId":"v1","attempt":2,
    "deadline":"2026-11-20T09:10:00.000Z","persona":{"userId":"u1","email":"persona.anna@mana.test",
    "archetype":"adhs","systemPrompt":"Du bist Anna.","moduleMix":{"todo":0.5},
    "tickCadence":"hourly",    "lastActiveAt":null}}],"serverTime":"2026-11-20T09:00:00.000Z"})";

TEST(AuthWire, Heartbeats) {
    AuthRoom room;
    room.answer(R"({"ok":true})");
    EXPECT_EQ(room.run(room.auth.heartbeat("r1", "n1", std::chrono::seconds{60})).heartbeat,
              clients::Heartbeat::alive);
    EXPECT_EQ(room.last().path, "/api/v1/internal/runners/heartbeat");
    EXPECT_EQ(room.last().header("x-service-key"), "service-key");
    EXPECT_EQ(room.last_json(), (Json{{"runnerId", "r1"}, {"node", "n1"}, {"leaseSeconds", 60}}));
    room.answer(R"({"error":"gone"})", 410);
    EXPECT_EQ(room.run(room.auth.heartbeat("r1", "n1", std::chrono::seconds{60})).heartbeat,
              clients::Heartbeat::gone);
}

TEST(AuthWire, Claims) {
    AuthRoom room;
    room.answer(claim_answer);
    const auto visits = room.run(room.auth.claim("r1", "q1", 5, false));
    EXPECT_EQ(room.last_json(), (Json{{"runnerId", "r1"}, {"requestId", "q1"}, {"limit", 5}}));
    ASSERT_EQ(visits.size(), 1U);
    EXPECT_EQ(visits[0].visit_id, "v1");
    EXPECT_EQ(visits[0].attempt, 2);
    EXPECT_EQ(visits[0].time_left, std::chrono::minutes{10});
    EXPECT_EQ(visits[0].persona.user_id, "u1");
    EXPECT_EQ(visits[0].persona.cadence, catalog::Cadence::hourly);
    room.answer(R"({"visits":[],"serverTime":"2026-11-20T09:00:00.000Z"})");
    EXPECT_TRUE(room.run(room.auth.claim("r1", "q1", 5, true)).empty());
    EXPECT_EQ(room.last_json()["due"], "all");
    room.answer(R"({"error":"Not found"})", 404);
    EXPECT_EQ(room.failure_of(room.auth.claim("r1", "q1", 5, true)).kind(), Failure::Kind::missing);
}

TEST(AuthWire, AsksForTheStanding) {
    AuthRoom room;
    room.answer(R"({"pausesCount":1,"quarantinedCount":0,"skipped24h":2,
        "pauses":[{"scope":"all","since":"2026-11-20T09:00:00.000Z"}],"quarantined":[],
        "skipped":[]})");
    const catalog::Standing standing = room.run(room.auth.standing());
    EXPECT_EQ(room.last().method, "GET");
    EXPECT_EQ(room.last().path, "/api/v1/internal/standing");
    EXPECT_EQ(room.last().header("x-service-key"), "service-key");
    ASSERT_EQ(standing.pauses.size(), 1U);
    EXPECT_EQ(standing.pauses[0].whom.scope, catalog::Whom::Scope::all);
    EXPECT_EQ(standing.skipped_24h, 2);
    room.answer(R"({"pauses":7})");
    EXPECT_EQ(room.failure_of(room.auth.standing()).kind(), Failure::Kind::internal);
    room.answer(R"({"error":"Not found"})", 404);
    EXPECT_EQ(room.failure_of(room.auth.standing()).kind(), Failure::Kind::missing);
}

TEST(AuthWire, AnswersThatDoNotHoldWhatTheyMustAreInternal) {
    AuthRoom room;
    room.answer(R"({"visits":[{"tickId":"v1"}],"serverTime":"2026-11-20T09:00:00.000Z"})");
    const Failure failure = room.failure_of(room.auth.claim("r1", "q1", 5, false));
    EXPECT_EQ(failure.kind(), Failure::Kind::internal);
    EXPECT_NE(std::string{failure.what()}.find("visits[0]"), std::string::npos);
    room.far_end.then(ServerResponse::text("<html>", 200));
    EXPECT_EQ(room.failure_of(room.auth.claim("r1", "q1", 5, false)).kind(),
              Failure::Kind::internal);
}

TEST(AuthWire, StoresRows) {
    AuthRoom room;
    room.answer(R"({"ok":true,"written":2,"inserted":1,"known":1,"differing":0})");
    catalog::Action action;
    action.visit_id = "v1";
    action.seq = 1;
    action.tool = "todo.create";
    action.outcome = catalog::Action::Outcome::ok;
    const auto stored = room.run(room.auth.store_actions("u/1", {action, action}));
    EXPECT_EQ(stored.written, 2);
    EXPECT_EQ(stored.inserted, 1);
    EXPECT_EQ(stored.known, 1);
    EXPECT_EQ(room.last().target, "/api/v1/internal/personas/u%2F1/actions");
    EXPECT_EQ(room.last_json()["actions"].size(), 2U);
    EXPECT_EQ(room.last_json()["actions"][0], catalog::to_json(action));

    room.answer(R"({"ok":true,"written":1})");
    catalog::Rating rating;
    rating.visit_id = "v1";
    rating.module = "todo";
    EXPECT_EQ(room.run(room.auth.store_ratings("u1", {rating})).inserted, 1);
    EXPECT_EQ(room.last().path, "/api/v1/internal/personas/u1/feedback");
}

TEST(AuthWire, Finishes) {
    AuthRoom room;
    catalog::VisitEnd end;
    end.status = catalog::VisitEnd::Status::finished;
    end.reason = "end_turn";
    room.answer(R"({"ok":true,"applied":true})");
    EXPECT_EQ(room.run(room.auth.finish("v1", end)), clients::FinishAnswer::applied);
    EXPECT_EQ(room.last().path, "/api/v1/internal/visits/v1/finish");
    EXPECT_EQ(room.last_json(), catalog::to_json(end));
    room.answer(R"({"ok":true,"applied":false})");
    EXPECT_EQ(room.run(room.auth.finish("v1", end)), clients::FinishAnswer::not_applied);
    room.answer(R"({"error":"rows are missing","code":"incomplete"})", 409);
    EXPECT_EQ(room.run(room.auth.finish("v1", end)), clients::FinishAnswer::incomplete);
    room.answer(R"({"error":"another kind of conflict"})", 409);
    EXPECT_EQ(room.failure_of(room.auth.finish("v1", end)).kind(), Failure::Kind::conflict);
    room.answer(R"({"error":"no such visit","code":"visit_unknown"})", 404);
    EXPECT_EQ(room.failure_of(room.auth.finish("v1", end)).kind(), Failure::Kind::missing);
}

TEST(AuthWire, LogsInAndRefreshes) {
    AuthRoom room;
    const std::string jwt =
        "e30." + base::to_base64url(R"({"sub":"u1","exp":1795165200})") + ".c2ln";
    room.answer(R"({"redirect":false,"token":"session","refreshToken":"session","accessToken":")" +
                jwt + R"(","user":{"id":"u1","email":"a@mana.test"}})");
    const auto login = room.run(room.auth.log_in("a@mana.test", Secret{"pass word"}));
    EXPECT_EQ(login.user_id, "u1");
    EXPECT_EQ(login.access_token.reveal(), jwt);
    EXPECT_EQ(login.session_token.reveal(), "session");
    EXPECT_EQ(login.expires, base::Moment{std::chrono::seconds{1'795'165'200}});
    // Personas come from one address; the key exempts them from its limits.
    EXPECT_TRUE(room.last().has_header("x-service-key"));
    room.answer(R"({"accessToken":"fresh"})");
    EXPECT_EQ(room.run(room.auth.refresh(login.session_token)).reveal(), "fresh");
    EXPECT_EQ(room.last_json(), (Json{{"refreshToken", "session"}}));
}

TEST(AuthWire, RefusalsCarryKindCodeAndWait) {
    AuthRoom room;
    ServerResponse locked = ServerResponse::json(
        base::parse_json(
            R"({"error":"ACCOUNT_LOCKED","message":"locked","status":429,"retryAfterSec":1800})",
            "answer"),
        429);
    room.far_end.then(locked);
    Failure failure = room.failure_of(room.auth.log_in("a@mana.test", Secret{"hidden-word"}));
    EXPECT_EQ(failure.kind(), Failure::Kind::throttled);
    EXPECT_EQ(failure.code(), "ACCOUNT_LOCKED");
    EXPECT_EQ(failure.retry_after(), std::chrono::seconds{1800});
    EXPECT_EQ(failure.status(), 429);
    EXPECT_NE(std::string{failure.what()}.find("POST /api/v1/auth/login"), std::string::npos);
    EXPECT_EQ(std::string{failure.what()}.find("hidden-word"), std::string::npos);
    locked.headers.emplace_back("Retry-After", "60");
    room.far_end.then(locked);
    EXPECT_EQ(room.failure_of(room.auth.log_in("a@mana.test", Secret{"x"})).retry_after(),
              std::chrono::seconds{60});

    const std::pair<int, Failure::Kind> kinds[] = {
        {400, Failure::Kind::invalid},     {401, Failure::Kind::unauthenticated},
        {403, Failure::Kind::forbidden},   {404, Failure::Kind::missing},
        {409, Failure::Kind::conflict},    {422, Failure::Kind::invalid},
        {500, Failure::Kind::unavailable}, {503, Failure::Kind::unavailable}};
    for (const auto& [status, kind] : kinds) {
        room.answer(R"({"statusCode":1,"message":"words"})", status);
        EXPECT_EQ(room.failure_of(room.auth.spaces(Secret{"jwt"})).kind(), kind) << status;
    }
    room.far_end.then(ServerResponse::text(std::string(100'000, 'x'), 500));
    failure = room.failure_of(room.auth.spaces(Secret{"jwt"}));
    EXPECT_LT(std::string{failure.what()}.size(), 1'000U);
}

TEST(AuthWire, ListsSpacesWithMetadataOfBothForms) {
    AuthRoom room;
    room.answer(R"([{"id":"s1","name":"Team","slug":"team","metadata":"{\"type\":\"brand\"}"},
                    {"id":"s2","name":"Anna","slug":"anna","metadata":{"type":"personal"}},
                    {"id":"s3","name":"Bare","slug":"bare","metadata":null}])");
    const auto spaces = room.run(room.auth.spaces(Secret{"jwt"}));
    EXPECT_EQ(room.last().header("authorization"), "Bearer jwt");
    EXPECT_EQ(room.last().header("x-service-key"), "service-key") << "one address, many personas";
    ASSERT_EQ(spaces.size(), 3U);
    EXPECT_EQ(spaces[0].type, "brand");
    EXPECT_EQ(spaces[1].type, "personal");
    EXPECT_EQ(spaces[2].type, "");
}

TEST(AuthWire, ReadsWhenTokensEnd) {
    EXPECT_FALSE(clients::expiry_of(Secret{"opaque"}));
    EXPECT_FALSE(clients::expiry_of(Secret{"a.b.c"}));
    EXPECT_FALSE(clients::expiry_of(Secret{"e30.e30.e30"}));
}

}  // namespace
