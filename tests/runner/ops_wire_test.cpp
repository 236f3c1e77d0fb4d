// The ops listener from outside: who is let in, what is answered, and what is never told.
#include "runner/ops.hpp"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/runner_world.hpp"

namespace {

using base::HttpHeaders;
using base::HttpResponse;
using base::Json;
using runner_tests::refusal;
using runner_tests::RunnerWorld;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

base::Task<void> for_ever(base::Loop& loop) {
    for (;;) co_await loop.sleep(std::chrono::hours{1});
}

struct OpsRoomOptions {
    bool production = false;
    bool has_key = true;
    bool runs_loop = true;
    std::function<std::string()> database = {};
};

// The listener over a loop on a thread of its own, as in the daemon.
struct OpsRoom : RunnerWorld {
    explicit OpsRoom(OpsRoomOptions room = {})
        : scheduler(services(), {}, visit_options()), ops(targets(room), options(room), metrics) {
        if (room.has_key) hold_lease();
        ops.start();
        if (room.runs_loop) thread = std::thread([this] { loop.run(for_ever(loop)); });
    }
    ~OpsRoom() {
        model.release();
        ops.stop();
        if (!thread.joinable()) return;
        loop.stop();
        thread.join();
    }

    HttpResponse ask(const std::string& method, const std::string& path, HttpHeaders headers = {},
                     const std::string& body = {}) const {
        base::HttpRequest request{.method = method, .url = ops.url() + path};
        request.headers = std::move(headers);
        if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
        request.body = body;
        return base::fetch(request);
    }
    HttpResponse post(const std::string& path, const std::string& body = {}) const {
        return ask("POST", path, {}, body);
    }
    // The loop runs elsewhere: this thread looks until it sees it.
    [[nodiscard]] static bool eventually(const std::function<bool()>& condition) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{15};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
            std::this_thread::yield();
        }
        return true;
    }
    static Json json(const HttpResponse& response) {
        return base::parse_json(response.body, "answer");
    }
    static std::string error(const HttpResponse& response) {
        return json(response).value("error", "");
    }

    runner::OpsTargets targets(const OpsRoomOptions& room) {
        runner::OpsTargets all{.loop = loop,
                               .servers = {{.url = product.url() + "/mcp"}},
                               .seed_secret = base::Secret{"seed"}};
        all.database_trouble = room.database;
        if (!room.has_key) return all;
        all.scheduler = &scheduler;
        all.outbox = &outbox;
        all.lease = &lease;
        all.auth = &auth;
        all.mcp = &mcp;
        return all;
    }
    static runner::OpsOptions options(const OpsRoomOptions& room) {
        runner::OpsOptions all{
            .port = 0,
            .production = room.production,
            .service_key = base::Secret{"the-service-key"},
            .loop_answer_limit = std::chrono::milliseconds{room.runs_loop ? 5'000 : 50},
            .database_limit = std::chrono::milliseconds{20}};
        if (!room.has_key) all.idle_reason = "ANTHROPIC_API_KEY is not set; no visit can run";
        return all;
    }

    runner::Scheduler scheduler;
    runner::Ops ops;
    std::thread thread;
};

TEST(OpsWire, HealthTellsEachCheck) {
    OpsRoom room;
    const HttpResponse answer = room.ask("GET", "/health");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json body = OpsRoom::json(answer);
    EXPECT_EQ(body["status"], "ok");
    EXPECT_EQ(body["ready"], true);
    for (const char* check : {"loop", "auth", "outbox", "visits"}) {
        EXPECT_EQ(body["checks"][check]["ok"], true) << check;
    }
    EXPECT_EQ(body["checks"]["outbox"]["visits"], 0);
    EXPECT_EQ(room.ask("GET", "/health/live").status, 200);
}

TEST(OpsWire, ADatabaseThatSaysNothingIsNamedWithinABound) {
    std::promise<void> gate;
    {
        OpsRoom room({.database = [opened = gate.get_future().share()] {
            opened.wait();
            return std::string();
        }});
        const HttpResponse answer = room.ask("GET", "/health");
        gate.set_value();
        EXPECT_EQ(answer.status, 503);
        const Json checks = OpsRoom::json(answer)["checks"];
        EXPECT_EQ(checks["database"]["ok"], false);
        EXPECT_THAT(checks["database"]["reason"].get<std::string>(), HasSubstr("PostgreSQL"));
        EXPECT_EQ(checks["outbox"]["ok"], true);
    }
}

TEST(OpsWire, ADatabaseThatCannotBeReachedIsNamedWithItsReason) {
    OpsRoom room({.database = [] { return std::string("PostgreSQL cannot be reached: refused"); }});
    const HttpResponse answer = room.ask("GET", "/health");
    EXPECT_EQ(answer.status, 503);
    const Json check = OpsRoom::json(answer)["checks"]["database"];
    EXPECT_EQ(check["ok"], false);
    EXPECT_EQ(check["reason"], "PostgreSQL cannot be reached: refused");
}

TEST(OpsWire, HealthIsPublicAlsoInProduction) {
    OpsRoom room({.production = true});
    EXPECT_EQ(room.ask("GET", "/health", {{"host", "evil.example"}}).status, 200);
    EXPECT_EQ(room.ask("GET", "/health/live").status, 200);
}

TEST(OpsWire, AMissingKeyDisablesVisitsButNotTheHealth) {
    OpsRoom room({.has_key = false});
    const HttpResponse answer = room.ask("GET", "/health");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json visits = OpsRoom::json(answer)["checks"]["visits"];
    EXPECT_EQ(visits["enabled"], false);
    EXPECT_THAT(visits["reason"].get<std::string>(), HasSubstr("ANTHROPIC_API_KEY"));
    EXPECT_EQ(OpsRoom::json(room.ask("GET", "/status"))["enabled"], false);
}

TEST(OpsWire, AMissingKeyAnswersTicksAndLoginsWith503NamingTheVariable) {
    OpsRoom room({.has_key = false});
    for (const char* path : {"/diag/tick", "/diag/tick?wait=0"}) {
        const HttpResponse answer = room.post(path);
        EXPECT_EQ(answer.status, 503);
        EXPECT_THAT(OpsRoom::error(answer), HasSubstr("ANTHROPIC_API_KEY"));
    }
    const HttpResponse login = room.post("/diag/login", R"({"email":"a@mana.test"})");
    EXPECT_EQ(login.status, 503);
    EXPECT_THAT(OpsRoom::error(login), HasSubstr("ANTHROPIC_API_KEY"));
}

TEST(OpsWire, ALoopThatHangsIsUnhealthy) {
    OpsRoom room({.has_key = false, .runs_loop = false});
    EXPECT_EQ(room.ask("GET", "/health").status, 503);
    EXPECT_EQ(room.ask("GET", "/health/live").status, 503);
}

TEST(OpsWire, ForeignHostsAreRefused) {
    OpsRoom room;
    for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil:80", "[::2]",
                             "[::1].evil", "0.0.0.0"}) {
        EXPECT_EQ(room.ask("GET", "/status", {{"host", host}}).status, 403) << host;
    }
    for (const char* host : {"localhost", "LOCALHOST:3070", "127.0.0.1:1", "[::1]:3070", "[::1]"}) {
        EXPECT_EQ(room.ask("GET", "/status", {{"host", host}}).status, 200) << host;
    }
}

TEST(OpsWire, ForeignOriginsAndCrossSiteRequestsAreRefused) {
    OpsRoom room;
    const std::string own = room.ops.url();
    const auto tick = [&room](const char* name, const std::string& value) {
        return room.ask("POST", "/diag/tick?wait=0", {{name, value}}).status;
    };
    EXPECT_EQ(tick("origin", own), 202);
    EXPECT_EQ(tick("origin", "http://evil.example"), 403);
    EXPECT_EQ(tick("origin", "null"), 403);
    EXPECT_EQ(tick("origin", "https" + own.substr(4)), 403);
    EXPECT_EQ(tick("sec-fetch-site", "cross-site"), 403);
    EXPECT_EQ(tick("sec-fetch-site", "same-site"), 403);
    EXPECT_EQ(tick("sec-fetch-site", "same-origin"), 202);
    EXPECT_EQ(tick("sec-fetch-site", "none"), 202);
    // A form of another site sends no origin here, but browsers name the site.
    EXPECT_EQ(room.ask("GET", "/metrics", {{"sec-fetch-site", "cross-site"}}).status, 403);
}

TEST(OpsWire, ProductionNeedsTheServiceKey) {
    OpsRoom room({.production = true});
    const std::pair<const char*, const char*> doors[] = {{"GET", "/status"},
                                                         {"GET", "/metrics"},
                                                         {"POST", "/diag/tick?wait=0"},
                                                         {"POST", "/diag/resume"},
                                                         {"POST", "/diag/login"}};
    for (const auto& [method, path] : doors) {
        for (const char* key : {"", "wrong", "the-service-key2", "the-service-ke"}) {
            const HttpResponse answer = room.ask(method, path, {{"x-service-key", key}});
            EXPECT_EQ(answer.status, 401) << path << " with " << key;
            EXPECT_THAT(answer.body, Not(HasSubstr("the-service-key")));
        }
        EXPECT_EQ(room.ask(method, path).status, 401);
    }
    EXPECT_EQ(room.ask("GET", "/status", {{"x-service-key", "the-service-key"}}).status, 200);
    // The key opens from anywhere; a browser's headers change nothing then.
    EXPECT_EQ(
        room.ask("GET", "/metrics", {{"x-service-key", "the-service-key"}, {"host", "ops.example"}})
            .status,
        200);
}

TEST(OpsWire, MetricsAreText) {
    OpsRoom room;
    const HttpResponse answer = room.ask("GET", "/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(std::string(answer.header("content-type")), HasSubstr("text/plain; version=0.0.4"));
    EXPECT_THAT(answer.body, HasSubstr("persona_outbox_visits 0"));
    EXPECT_THAT(answer.body, HasSubstr("persona_outbox_records 0"));
    EXPECT_THAT(answer.body, HasSubstr("persona_outbox_oldest_seconds 0"));
    EXPECT_THAT(answer.body, HasSubstr("persona_lease_held 1"));
    EXPECT_THAT(answer.body, HasSubstr("persona_loop_answers 1"));
}

TEST(OpsWire, MetricsOfAStuckLoopAreStillTold) {
    OpsRoom room({.runs_loop = false});
    const HttpResponse answer = room.ask("GET", "/metrics");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("persona_loop_answers 0"));
    EXPECT_THAT(answer.body, HasSubstr("persona_outbox_visits"));
}

TEST(OpsWire, StatusShowsLeaseAndOutbox) {
    OpsRoom room;
    const Json status = OpsRoom::json(room.ask("GET", "/status"));
    EXPECT_EQ(status["lease"]["held"], true);
    EXPECT_EQ(status["outbox"]["visits"], 0);
    EXPECT_EQ(status["running"].size(), 0U);
    EXPECT_EQ(status["enabled"], true);
}

TEST(OpsWire, ATickAnswersWhenItsVisitsHaveEnded) {
    OpsRoom room;
    room.service.add_due("anna", std::chrono::minutes{10});
    room.service.add_due("ben", std::chrono::minutes{10});
    const HttpResponse answer = room.post("/diag/tick", R"({"due":"all"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json body = OpsRoom::json(answer);
    EXPECT_EQ(body["ok"], true);
    EXPECT_EQ(body["result"]["due"], 2);
    EXPECT_EQ(body["result"]["ranSuccessfully"], 2);
    EXPECT_EQ(room.service.calls("claim").at(0).body["due"], "all");
}

TEST(OpsWire, ATickThatDoesNotWaitIsAccepted) {
    OpsRoom room;
    room.service.add_due("anna", std::chrono::minutes{10});
    room.model.hold();
    const HttpResponse answer = room.post("/diag/tick?wait=0");
    EXPECT_EQ(answer.status, 202);
    EXPECT_EQ(OpsRoom::json(answer)["accepted"], true);
    EXPECT_TRUE(OpsRoom::eventually([&] { return room.model.waiting() == 1; }));
    room.model.release();
    EXPECT_TRUE(OpsRoom::eventually(
        [&] { return OpsRoom::json(room.ask("GET", "/status"))["lastTick"] != Json(); }));
}

TEST(OpsWire, WaitingTicksLeaveThreadsForTheHealth) {
    OpsRoom room;
    room.service.add_due("anna", std::chrono::minutes{10});
    room.model.hold();
    std::vector<std::future<int>> waiting;
    const auto tick = [&room](const char* path) { return room.post(path).status; };
    waiting.push_back(std::async(std::launch::async, tick, "/diag/tick"));
    EXPECT_TRUE(OpsRoom::eventually([&] { return room.model.waiting() == 1; }));
    // The first one waits for its visit; so many more wait for a claim that does not come.
    std::promise<void> open;
    room.service.always(
        "claim", [&room, opened = open.get_future().share()](const base::ServerRequest& request) {
            opened.wait_for(std::chrono::seconds{15});
            return room.service.usual("claim", request);
        });
    for (int i = 0; i < 15; ++i) {
        waiting.push_back(std::async(std::launch::async, tick, "/diag/tick"));
    }
    HttpResponse refused;
    EXPECT_TRUE(OpsRoom::eventually([&] {
        if (room.ops.waiting_ticks() < 16) return false;
        refused = room.post("/diag/tick");
        return true;
    }));
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(OpsRoom::error(refused), HasSubstr("?wait=0"));
    EXPECT_EQ(room.ask("GET", "/health").status, 200);
    EXPECT_EQ(room.post("/diag/tick?wait=0").status, 202);
    open.set_value();
    room.model.release();
    for (std::future<int>& one : waiting) EXPECT_EQ(one.get(), 200);
}

TEST(OpsWire, ATickWithoutTheAuthServiceSaysWhy) {
    OpsRoom room;
    room.service.then("claim", refusal(503, "auth is starting"));
    const HttpResponse answer = room.post("/diag/tick");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(OpsRoom::error(answer), HasSubstr("auth is starting"));
}

TEST(OpsWire, BadInputNamesTheField) {
    OpsRoom room;
    struct Case {
        std::string path, body, named, valid;
    };
    const std::string address = "text of 3 to 320 bytes";
    const std::string too_long = std::string(320, 'a') + "@mana.test";
    const Case cases[] = {
        {"/diag/tick?wait=2", "", "wait", "must be 0"},
        {"/diag/tick?wait=", "", "wait", "must be 0"},
        {"/diag/tick?wiat=0", "", "wiat", "valid are wait"},
        {"/diag/tick?wait=1&wait=0", "", "wait", "once"},
        {"/diag/tick", R"({"due":"some"})", "due", "one of all, due"},
        {"/diag/tick", R"({"due":7})", "due", "one of all, due"},
        {"/diag/tick", R"({"due":["all"]})", "due", "one of all, due"},
        {"/diag/tick", R"({"who":"anna"})", "who", "valid are due"},
        {"/diag/tick", "[]", "body", "object"},
        {"/diag/tick", "7", "body", "object"},
        {"/diag/tick", "{", "body", "valid JSON"},
        {"/diag/resume", "[]", "body", "object"},
        {"/diag/resume", R"({"all":true})", "all", "not a known field"},
        {"/diag/resume?all=1", "", "all", "valid are none"},
        {"/diag/login", "", "body", "JSON value"},
        {"/diag/login", "{}", "email", address},
        {"/diag/login", R"({"email":null})", "email", address},
        {"/diag/login", R"({"email":""})", "email", address},
        {"/diag/login", R"({"email":")" + too_long + "\"}", "email", address},
        {"/diag/login", R"({"email":"anna"})", "email", "a persona's address"},
        {"/diag/login", R"({"email":5})", "email", address},
        {"/diag/login", R"({"email":"a@b.c","password":"x"})", "password", "valid are email"},
        {"/diag/login?email=a@b.c", R"({"email":"a@b.c"})", "email", "valid are none"},
    };
    for (const Case& one : cases) {
        const HttpResponse answer = room.post(one.path, one.body);
        EXPECT_EQ(answer.status, 400) << one.path << one.body;
        EXPECT_THAT(OpsRoom::error(answer), HasSubstr(one.named)) << one.path << one.body;
        EXPECT_THAT(OpsRoom::error(answer), HasSubstr(one.valid)) << one.path << one.body;
    }
    EXPECT_EQ(room.service.count("claim") + room.service.count("login"), 0U);
}

TEST(OpsWire, UnknownPathsAndMethodsAreNamedAsSuch) {
    OpsRoom room;
    EXPECT_EQ(room.ask("GET", "/nothing").status, 404);
    EXPECT_EQ(room.ask("GET", "/diag/tick").status, 405);
    EXPECT_EQ(room.post("/status").status, 405);
    EXPECT_EQ(room.post("/diag/tick", "{\"due\":\"" + std::string(40'000, 'x') + "\"}").status,
              413);
}

TEST(OpsWire, LoginShowsUserSpaceAndToolsButNeverAToken) {
    OpsRoom room;
    const HttpResponse answer = room.post("/diag/login", R"({"email":"Persona.Anna@mana.test"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json body = OpsRoom::json(answer);
    EXPECT_EQ(body["user"]["id"], "user-1");
    EXPECT_EQ(body["user"]["email"], "persona.anna@mana.test");
    EXPECT_EQ(body["space"]["id"], "space-own");
    EXPECT_EQ(body["tools"], 3);
    EXPECT_EQ(body["modules"], (Json{"notes", "todo"}));
    std::string everything = answer.body;
    for (const auto& [name, value] : answer.headers) everything += name + value;
    for (const char* secret : {"jwt-1", "session-token"}) {
        EXPECT_THAT(everything, Not(HasSubstr(secret)));
    }
    EXPECT_EQ(room.service.calls("login").at(0).body["email"], "persona.anna@mana.test");
}

TEST(OpsWire, AFailedLoginNamesWhatFailedWithoutThePassword) {
    OpsRoom room;
    room.service.then("login", refusal(401, "wrong password"));
    const HttpResponse answer = room.post("/diag/login", R"({"email":"anna@mana.test"})");
    EXPECT_EQ(answer.status, 401);
    EXPECT_THAT(OpsRoom::error(answer), HasSubstr("wrong password"));
    const std::string password = room.service.calls("login").at(0).body["password"];
    EXPECT_THAT(answer.body, Not(HasSubstr(password)));
    room.service.then("spaces", base::ServerResponse::json(Json::array()));
    EXPECT_THAT(OpsRoom::error(room.post("/diag/login", R"({"email":"anna@mana.test"})")),
                HasSubstr("member of no space"));
}

TEST(OpsWire, ADrainingDaemonIsAliveButNotReady) {
    OpsRoom room;
    room.ops.set_draining();
    const HttpResponse answer = room.ask("GET", "/health");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(OpsRoom::json(answer)["status"], "draining");
    EXPECT_EQ(room.ask("GET", "/health/live").status, 200);
    const HttpResponse tick = room.post("/diag/tick");
    EXPECT_EQ(tick.status, 503);
    EXPECT_THAT(OpsRoom::error(tick), HasSubstr("shutting down"));
}

TEST(OpsWire, StoppingAnswersTicksThatStillWait) {
    OpsRoom room;
    room.service.add_due("anna", std::chrono::minutes{10});
    room.model.hold();
    std::future<int> waiting = std::async(std::launch::async, [&room] {
        try {
            return room.post("/diag/tick").status;
        } catch (const base::Failure&) {
            return 0;  // The listener closed the connection instead.
        }
    });
    EXPECT_TRUE(OpsRoom::eventually([&] { return room.model.waiting() == 1; }));
    room.ops.stop();
    ASSERT_EQ(waiting.wait_for(std::chrono::seconds{15}), std::future_status::ready);
    EXPECT_THAT(waiting.get(), testing::AnyOf(503, 0));
    room.model.release();
}

}  // namespace
