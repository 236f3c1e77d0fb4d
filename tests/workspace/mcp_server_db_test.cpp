// The MCP endpoint over the wire, with a real database and a small auth service.
#include "workspace/mcp_server.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "tests/workspace/world.hpp"

namespace {

using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

base::HttpHeaders without(base::HttpHeaders headers, const std::string& name) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
    return headers;
}

base::HttpHeaders with(base::HttpHeaders headers, const std::string& name,
                       const std::string& value) {
    headers = without(std::move(headers), name);
    headers.emplace_back(name, value);
    return headers;
}

const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

TEST(McpServer, AgreesOnEachRevisionAndOffersItsNewestForOthers) {
    World world;
    Client anna(world, "anna", "home");

    for (const char* version : {"2025-03-26", "2025-06-18", "2025-11-25"}) {
        EXPECT_EQ(anna.open(version)["result"]["protocolVersion"], version);
        EXPECT_FALSE(anna.session.empty());
    }
    for (const char* version : {"2024-11-05", "2026-07-28", "nonsense"}) {
        EXPECT_EQ(anna.open(version)["result"]["protocolVersion"], "2025-11-25");
    }
    const Json answer = anna.open();
    EXPECT_TRUE(answer["result"]["capabilities"].contains("tools"));
    EXPECT_EQ(answer["result"]["serverInfo"]["name"], "mana");
}

TEST(McpServer, RefusesMissingAndBadTokensWithAChallenge) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();

    const auto none = anna.send(ping, without(anna.headers(), "Authorization"));
    EXPECT_EQ(none.status, 401);
    EXPECT_THAT(std::string(none.header("www-authenticate")), HasSubstr("resource_metadata="));
    EXPECT_THAT(std::string(none.header("www-authenticate")), testing::Not(HasSubstr("error=")));
    const std::vector<std::string> bad = {
        "garbage", world.auth.token("anna", world.clock.now() - 1h),
        world.auth.token("anna", world.clock.now(), {{"aud", "other"}}),
        world.auth.token("anna", world.clock.now(), {{"iss", "http://evil.test"}}),
        world.auth.token("", world.clock.now())};
    for (const std::string& token : bad) {
        const auto answer =
            anna.send(ping, with(anna.headers(), "Authorization", "Bearer " + token));
        EXPECT_EQ(answer.status, 401);
        EXPECT_THAT(std::string(answer.header("www-authenticate")),
                    HasSubstr("error=\"invalid_token\""));
    }
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Authorization", "Basic YTpi")).status, 401);
}

// mcp-tools 8, rows 7 and 13: the space of every request is checked; a missing one is a bad
// request.
TEST(McpServer, NeedsASpaceOfTheCallerOnEveryRequest) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();

    EXPECT_EQ(anna.send(ping, without(anna.headers(), "X-Mana-Space")).status, 400);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "X-Mana-Space", "nest")).status, 403);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "X-Mana-Space", "flat")).status, 200);
    EXPECT_EQ(anna.send(ping, anna.headers()).status, 200);
}

TEST(McpServer, ChecksBodyMediaTypesAndVersionHeader) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();

    EXPECT_EQ(anna.send("{", anna.headers()).status, 400);
    EXPECT_EQ(anna.send(R"({"id":1})", anna.headers()).status, 400);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Content-Type", "text/plain")).status, 415);
    EXPECT_EQ(
        anna.send(ping, with(anna.headers(), "Content-Type", "Application/JSON; charset=utf-8"))
            .status,
        200);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Accept", "text/html")).status, 406);
    for (const char* accept : {"*/*", "application/json", "application/*, text/plain"}) {
        EXPECT_EQ(anna.send(ping, with(anna.headers(), "Accept", accept)).status, 200) << accept;
    }
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "MCP-Protocol-Version", "1999-01-01")).status,
              400);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "MCP-Protocol-Version", "2025-11-25")).status,
              200);
}

TEST(McpServer, HasNoStreamAndEndsSessions) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();

    const auto stream = anna.send("", anna.headers(), "GET");
    EXPECT_EQ(stream.status, 405);
    EXPECT_EQ(stream.header("allow"), "POST, DELETE");
    EXPECT_EQ(anna.send("", without(anna.headers(), "Authorization"), "GET").status, 401);
    EXPECT_EQ(anna.send("", anna.headers(), "DELETE").status, 204);
    const auto gone = anna.send(ping, anna.headers());
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(Json::parse(gone.body)["error"]["code"], -32001);
    EXPECT_EQ(anna.send("", anna.headers(), "DELETE").status, 404);
    EXPECT_EQ(anna.send(ping, without(anna.headers(), "Mcp-Session-Id")).status, 400);
}

TEST(McpServer, BindsASessionToItsUser) {
    World world;
    Client anna(world, "anna", "flat");
    Client ben(world, "ben", "flat");
    anna.open();
    ben.session = anna.session;

    EXPECT_EQ(ben.send(ping, ben.headers()).status, 404);
    EXPECT_EQ(ben.send("", ben.headers(), "DELETE").status, 404);
    EXPECT_EQ(anna.send(ping, anna.headers()).status, 200);
}

TEST(McpServer, ForgetsAnIdleSessionAndTakesAFreshHandshakeWithAStaleId) {
    workspace::Options options;
    options.session_idle_max = 60s;
    World world(options);
    Client anna(world, "anna", "home");
    anna.open();

    world.clock.advance(61s);
    EXPECT_EQ(anna.send(ping, anna.headers()).status, 404);
    const std::string stale = anna.session;
    const auto fresh = anna.send(
        R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})",
        anna.headers());

    EXPECT_EQ(fresh.status, 200);
    EXPECT_NE(fresh.header("mcp-session-id"), stale);
}

TEST(McpServer, TakesBatchesOnlyInTheRevisionThatHasThem) {
    World world;
    Client anna(world, "anna", "home");
    const std::string batch =
        R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},
            {"jsonrpc":"2.0","id":"b","method":"nope"},{"id":3}])";

    anna.open("2025-11-25");
    EXPECT_EQ(anna.send(batch, anna.headers()).status, 400);
    anna.open("2025-03-26");
    const auto answer = anna.send(batch, anna.headers());

    ASSERT_EQ(answer.status, 200);
    const Json answers = Json::parse(answer.body);
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_EQ(answers[0]["id"], 1);
    EXPECT_EQ(answers[1]["error"]["code"], -32601);
    EXPECT_EQ(answers[2]["error"]["code"], -32600);
    EXPECT_EQ(anna.send("[]", anna.headers()).status, 400);
}

TEST(McpServer, AnswersNotificationsWithoutABodyAndUnknownMethodsByCode) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();

    const auto accepted =
        anna.send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", anna.headers());
    EXPECT_EQ(accepted.status, 202);
    EXPECT_EQ(accepted.body, "");
    EXPECT_EQ(anna.send(R"({"jsonrpc":"2.0","id":1,"result":{}})", anna.headers()).status, 202);
    EXPECT_EQ(anna.request("prompts/list")["error"]["code"], -32601);
    EXPECT_EQ(anna.request("tools/list", {{"cursor", ""}})["error"]["code"], -32602);
    EXPECT_EQ(anna.request("tools/call", {{"name", "todo.crate"}})["error"]["code"], -32602);
    EXPECT_EQ(anna.request("tools/call", Json::object())["error"]["code"], -32602);
    EXPECT_EQ(anna.request("tools/call",
                           {{"name", "todo.list"}, {"arguments", Json::array()}})["error"]["code"],
              -32602);
    EXPECT_GE(anna.request("tools/list")["result"]["tools"].size(), 30u);
}

TEST(McpServer, RefusesForeignPagesAndReboundNames) {
    workspace::Options options;
    options.allowed_origins = {"https://app.example"};
    World world(options);
    Client anna(world, "anna", "home");
    anna.open();

    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Origin", "https://evil.example.com")).status,
              403);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Origin", "null")).status, 403);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Origin", "http://localhost.evil.com")).status,
              403);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Host", "evil.example.com")).status, 403);
    EXPECT_EQ(anna.send(ping, with(anna.headers(), "Origin", "http://localhost:5173")).status, 200);
    const auto allowed = anna.send(ping, with(anna.headers(), "Origin", "https://app.example"));
    EXPECT_EQ(allowed.status, 200);
    EXPECT_EQ(allowed.header("access-control-allow-origin"), "https://app.example");
    const auto preflight = base::fetch({.method = "OPTIONS",
                                        .url = world.service->mcp_url(),
                                        .headers = {{"Origin", "https://app.example"}}});
    EXPECT_EQ(preflight.status, 204);
    EXPECT_THAT(std::string(preflight.header("access-control-allow-headers")),
                HasSubstr("x-mana-space"));
    for (const char* path :
         {"/mcp", "/mcp/", "/sync/todo", "/sync/todo/pull", "/sync/todo/stream"}) {
        const auto asked =
            base::fetch({.method = "OPTIONS",
                         .url = world.service->url() + path,
                         .headers = {{"Origin", "https://app.example"},
                                     {"Access-Control-Request-Headers", "mcp-param-city"}}});
        EXPECT_EQ(asked.status, 204) << path;
        EXPECT_EQ(asked.header("access-control-allow-origin"), "https://app.example") << path;
        EXPECT_EQ(asked.header("access-control-allow-headers"), "mcp-param-city") << path;
    }
}

TEST(McpServer, BehindAProxyAnswersToItsPublicName) {
    workspace::Options options;
    options.public_url = "https://mcp.example.com";
    World world(options);
    const auto ask = [&](base::HttpHeaders headers) {
        return base::fetch({.url = world.service->url() + "/.well-known/oauth-protected-resource",
                            .headers = std::move(headers)});
    };
    const auto answer = ask({{"Host", "MCP.example.com"}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["resource"], "https://mcp.example.com/mcp");
    EXPECT_EQ(Json::parse(answer.body)["authorization_servers"][0], tests::issuer);
    EXPECT_EQ(ask({{"Origin", "https://mcp.example.com"}}).status, 200);
    EXPECT_EQ(ask({{"Host", "mcp.example.com.evil.org"}}).status, 403);
    EXPECT_EQ(ask({{"Origin", "https://mcp.example"}}).status, 403);
}

TEST(McpServer, PublishesWhereTokensComeFrom) {
    World world;

    const auto answer =
        base::fetch({.url = world.service->url() + "/.well-known/oauth-protected-resource/mcp"});

    ASSERT_EQ(answer.status, 200);
    const Json body = Json::parse(answer.body);
    EXPECT_EQ(body["resource"], world.service->mcp_url());
    EXPECT_EQ(body["authorization_servers"][0], tests::issuer) << "the auth service's own name";
}

TEST(McpServer, AsksTheAuthServiceOnceAndThenRemembers) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    for (int i = 0; i < 20; ++i) {
        anna.call("todo.create", {{"title", "t"}});
        anna.call("todo.list");
    }

    EXPECT_EQ(world.auth.jwks_fetches, 1);
    EXPECT_EQ(world.auth.membership_fetches, 21) << "one to enter, one for each that writes";
    world.clock.advance(6s);
    anna.call("todo.list");
    EXPECT_EQ(world.auth.membership_fetches, 21) << "reading trusts the answer for minutes";
}

TEST(McpServer, StopsWritingAtOnceWhenAMemberHasLeft) {
    World world;
    Client ben(world, "ben", "flat");
    ben.call("todo.create", {{"title", "t"}});

    world.auth.leave("ben", "flat");
    const auto answer =
        ben.send({{"jsonrpc", "2.0"},
                  {"id", 5},
                  {"method", "tools/call"},
                  {"params", {{"name", "todo.create"}, {"arguments", {{"title", "late"}}}}}});

    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(world.look("select count(*) as n from workspace.records")[0].integer("n"), 1);
}

TEST(McpServer, LetsARoleThatReadsOnlyRead) {
    World world;
    world.auth.join("eve", "flat", "viewer");
    Client eve(world, "eve", "flat");
    eve.call("todo.list");
    const auto refused =
        eve.send({{"jsonrpc", "2.0"},
                  {"id", 9},
                  {"method", "tools/call"},
                  {"params", {{"name", "todo.create"}, {"arguments", {{"title", "x"}}}}}});
    EXPECT_EQ(refused.status, 403);
    EXPECT_THAT(refused.body, HasSubstr("does not write"));
}

TEST(McpServer, SeesANewMembershipWithinSeconds) {
    World world;
    Client anna(world, "anna", "nest");
    Client home(world, "anna", "home");
    home.open();
    EXPECT_EQ(anna.send(ping, anna.headers()).status, 403);

    world.auth.join("anna", "nest");
    world.clock.advance(6s);

    anna.open();
    anna.call("todo.list");
}

TEST(McpServer, ReadsOnWithWhatItKnewWhileTheAuthServiceIsDownButDoesNotWrite) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("todo.create", {{"title", "t"}});

    world.auth.down = true;
    world.clock.advance(10min);
    anna.call("todo.list");
    const Json write = {{"jsonrpc", "2.0"},
                        {"id", 5},
                        {"method", "tools/call"},
                        {"params", {{"name", "todo.create"}, {"arguments", {{"title", "x"}}}}}};
    EXPECT_EQ(anna.send(write).status, 503);
    world.clock.advance(25min);
    EXPECT_EQ(anna.send(ping, anna.headers()).status, 503) << "for a bounded time only";
}

// A runner records the first as an error that never ran and the second as unknown: it must be able
// to tell.
TEST(McpServer, TellsACallThatWasNotDoneFromOneThatMayHaveBeen) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("todo.list");
    const Json write = {{"jsonrpc", "2.0"},
                        {"id", 5},
                        {"method", "tools/call"},
                        {"params", {{"name", "todo.create"}, {"arguments", {{"title", "x"}}}}}};

    world.look(
        "create function full_disk() returns trigger language plpgsql as $$ begin "
        "raise exception 'no space' using errcode = '53100'; end $$");
    world.look(
        "create trigger full_disk before insert on workspace.calls for each row "
        "execute function full_disk()");
    const base::HttpResponse not_done = anna.send(write);
    EXPECT_EQ(not_done.status, 503) << not_done.body;
    EXPECT_EQ(Json::parse(not_done.body)["error"]["data"]["kind"], "unavailable");
    world.look("drop trigger full_disk on workspace.calls");

    world.look(
        "create function vanish() returns trigger language plpgsql security definer as $$ "
        "begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$");
    world.look(
        "create constraint trigger vanish after insert on workspace.calls deferrable "
        "initially deferred for each row execute function vanish()");
    const base::HttpResponse unsure = anna.send(write);
    EXPECT_EQ(unsure.status, 500) << unsure.body;
    EXPECT_EQ(Json::parse(unsure.body)["error"]["data"]["kind"], "internal");
    world.look("drop trigger vanish on workspace.calls");
    anna.call("todo.list");
}

TEST(McpServer, LimitsTheCallsOfASession) {
    workspace::Options options;
    options.calls_per_minute_max = 2;
    World world(options);
    Client anna(world, "anna", "home");
    anna.call("todo.list");
    anna.call("todo.list");

    EXPECT_THAT(anna.refusal("todo.list"), HasSubstr("Too many calls"));
    world.clock.advance(60s);
    anna.call("todo.list");
}

TEST(Service, ReportsItsHealthAndRefusesAnUnknownZone) {
    World world;

    const auto health = base::fetch({.url = world.service->url() + "/health"});
    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(Json::parse(health.body)["status"], "ok");
    world.options.zone = "Middle/Earth";
    EXPECT_THROW(world.restart(), base::Failure);
}

}  // namespace
