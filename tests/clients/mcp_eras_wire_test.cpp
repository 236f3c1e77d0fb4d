// Which revision of MCP a server is spoken to in, and what the stateless one does differently.
#include <gtest/gtest.h>

#include "clients/mcp.hpp"
#include "clients/mcp_connection.hpp"
#include "tests/clients/mcp_room.hpp"

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using clients::CallResult;
using clients::Mcp;
using clients::McpEra;
using std::chrono::milliseconds;
using tests::rpc_event;
using tests::rpc_result;
using tests::streamed;
using tests::text_result;

// A product that speaks the stateless revision only.
struct StatelessRoom : tests::VirtualMcpRoom {
    int probes = 0;
    bool is_modern = true;
    Json tools =
        Json::array({Json{{"name", "todo.create"}, {"inputSchema", {{"type", "object"}}}}});

    StatelessRoom() {
        era = McpEra::automatic;
        far_end.otherwise([this](const ServerRequest& request) { return choose(request); });
    }
    ServerResponse choose(const ServerRequest& request) {
        if (!is_modern || request.method != "POST") return serve(request);
        const Json message = request.json();
        const std::string method = message["method"];
        EXPECT_EQ(request.header("mcp-protocol-version"), "2026-07-28");
        EXPECT_EQ(request.header("mcp-method"), method);
        EXPECT_FALSE(request.has_header("mcp-session-id"));
        if (method == "server/discover") {
            ++probes;
            return rpc_result(message["id"], {{"supportedVersions", Json::array({"2026-07-28"})},
                                              {"capabilities", {{"tools", Json::object()}}}});
        }
        if (method == "tools/list") {
            return rpc_result(message["id"], {{"resultType", "complete"},
                                              {"tools", tools},
                                              {"_meta",
                                               {{"io.modelcontextprotocol/serverInfo",
                                                 {{"name", "modern"}, {"version", "7"}}}}}});
        }
        if (method == "tools/call") return on_call(request);
        return refuse(404, message["id"], -32601);
    }
    static ServerResponse refuse(int status, const Json& id, int code) {
        return ServerResponse::json(
            Json{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", "no"}}}},
            status);
    }
};

TEST(McpEras, AStatelessServerIsAskedOnceAndThenSpokenToDirectly) {
    StatelessRoom room;
    Mcp mcp{room.http, {}, room.metrics};

    for (int visit = 0; visit < 3; ++visit) {
        auto session = room.open(mcp);
        EXPECT_EQ(session->protocol_version(), "2026-07-28");
        EXPECT_EQ(session->server_name(), "modern");
        EXPECT_EQ(session->server_version(), "7");
        EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
        ASSERT_TRUE(room.loop.run(session->close()));
    }

    EXPECT_EQ(room.probes, 1);
    EXPECT_EQ(room.handshakes, 0);
    EXPECT_EQ(room.goodbyes, 0);
    EXPECT_EQ(room.far_end.seen().size(), 7U) << "one probe, then a list and a call per visit";
}

TEST(McpEras, ARequestNamesRevisionAbilitiesAndTool) {
    StatelessRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.call(*session);

    const ServerRequest call = room.far_end.seen().back().request;
    EXPECT_EQ(call.header("mcp-name"), "todo.create");
    const Json meta = call.json()["params"]["_meta"];
    EXPECT_EQ(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    EXPECT_TRUE(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
    EXPECT_EQ(meta["io.modelcontextprotocol/clientInfo"]["name"], "persona-runner");
    EXPECT_EQ(meta["persona-runner/visit"], "v1");
}

// rust-sdk 1040, csharp-sdk 1765: whatever an older server says to an unknown method, it is one.
TEST(McpEras, EveryOtherAnswerMeansSessions) {
    const auto rpc_error = [](int status, int code) {
        return [status, code](const ServerRequest& request) {
            return StatelessRoom::refuse(status, request.json()["id"], code);
        };
    };
    const std::vector<base::Handler> answers = {
        rpc_error(200, -32601),
        rpc_error(400, -32000),
        rpc_error(400, -32600),
        rpc_error(404, -32001),
        rpc_error(404, -32601),
        rpc_error(400, -32022),
        [](const ServerRequest&) { return ServerResponse::text("<html>", 405); },
        [](const ServerRequest&) { return ServerResponse::text("not acceptable", 406); },
        [](const ServerRequest&) { return ServerResponse::text("broken", 500); },
        [](const ServerRequest& r) { return rpc_result(r.json()["id"], Json::object()); },
        [](const ServerRequest& r) {
            return rpc_result(r.json()["id"], {{"supportedVersions", Json::array({"2031-01-01"})}});
        }};
    for (std::size_t one = 0; one < answers.size(); ++one) {
        StatelessRoom room;
        room.is_modern = false;
        room.far_end.then(answers[one]);
        // Only a refusal by the stateless rules is asked about twice.
        if (one == 5) room.far_end.then(answers[one]);
        Mcp mcp{room.http, {}, room.metrics};

        auto session = room.open(mcp);

        EXPECT_EQ(session->protocol_version(), "2025-11-25") << one;
        EXPECT_EQ(room.handshakes, 1) << one;
        EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok) << one;
    }
}

TEST(McpEras, AnOutageOrARefusedBearerSaysNothingAboutTheEra) {
    StatelessRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    room.far_end.then(ServerResponse::text("who are you", 401));
    EXPECT_EQ(room.failure_of(mcp.open(room.target())).kind(), Failure::Kind::unauthenticated);
    room.far_end.then([](const ServerRequest&) {
        return streamed([](base::StreamWriter& writer) { writer.reset(); });
    });
    EXPECT_EQ(room.failure_of(mcp.open(room.target())).kind(), Failure::Kind::unavailable);

    EXPECT_EQ(room.open(mcp)->protocol_version(), "2026-07-28");
    EXPECT_EQ(room.handshakes, 0);
}

TEST(McpEras, AServerThatBecameAnotherOneIsAskedAgain) {
    StatelessRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    EXPECT_EQ(room.open(mcp)->protocol_version(), "2026-07-28");

    room.is_modern = false;
    room.far_end.then(ServerResponse::text("no session id", 400));
    room.far_end.then(ServerResponse::text("no session id", 400));
    EXPECT_EQ(room.open(mcp)->protocol_version(), "2025-11-25");
    room.is_modern = true;
    room.far_end.then(ServerResponse::text("no such method", 404));
    EXPECT_EQ(room.open(mcp)->protocol_version(), "2026-07-28");
}

TEST(McpEras, StateOfTheServerIsEchoedInANewRequest) {
    StatelessRoom room;
    std::vector<Json> calls;
    room.on_call = [&calls](const ServerRequest& request) {
        const Json message = request.json();
        calls.push_back(message);
        if (calls.size() < 3) {
            return rpc_result(message["id"],
                              {{"resultType", "input_required"},
                               {"requestState", "state \u00e4 " + std::to_string(calls.size())}});
        }
        return rpc_result(message["id"], text_result("done"));
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);

    EXPECT_EQ(room.call(*session).text, "done");

    ASSERT_EQ(calls.size(), 3U);
    EXPECT_FALSE(calls[0]["params"].contains("requestState"));
    EXPECT_EQ(calls[1]["params"]["requestState"], "state \u00e4 1");
    EXPECT_EQ(calls[2]["params"]["requestState"], "state \u00e4 2");
    EXPECT_NE(calls[0]["id"], calls[1]["id"]);
    room.call(*session);
    EXPECT_FALSE(calls[3]["params"].contains("requestState")) << "it belongs to one call only";
}

TEST(McpEras, WishesForInputAndStrangeResultsAreErrorsOfTheCall) {
    StatelessRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    int rounds = 0;
    const std::vector<std::pair<Json, std::string>> results = {
        {{{"resultType", "input_required"}, {"inputRequests", {{"a", Json::object()}}}}, "input"},
        {{{"resultType", "input_required"}}, "input"},
        {{{"resultType", "task"}}, "unknown type"},
        {{{"resultType", "input_required"}, {"requestState", "again"}}, "end"}};
    for (const auto& [result, words] : results) {
        rounds = 0;
        room.on_call = [&rounds, answer = result](const ServerRequest& request) {
            ++rounds;
            return rpc_result(request.json()["id"], answer);
        };
        const CallResult said = room.call(*session);
        EXPECT_EQ(said.outcome, CallResult::Outcome::error);
        EXPECT_NE(said.text.find(words), std::string::npos) << said.text;
    }
    EXPECT_EQ(rounds, 5) << "a server that never comes to an end is given up";
}

TEST(McpEras, AMarkedArgumentTravelsAsAHeaderAndAWrongMarkCostsItsToolOnly) {
    StatelessRoom room;
    room.tools = Json::parse(R"([
        {"name":"weather","inputSchema":{"type":"object","properties":{
            "place":{"type":"string","x-mcp-header":"Place"},"days":{"type":"integer","x-mcp-header":"Days"}}}},
        {"name":"broken","inputSchema":{"type":"object","properties":{
            "x":{"type":"number","x-mcp-header":"X"}}}}])");
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(session->tools().by_tool_name("broken"), nullptr);

    room.run(session->call("weather", Json{{"place", "Zürich"}, {"days", nullptr}},
                           {.visit_id = "v", .seq = 1}, milliseconds{5'000}));
    const ServerRequest call = room.far_end.seen().back().request;
    EXPECT_EQ(call.header("mcp-param-place"), "=?base64?WsO8cmljaA==?=");
    EXPECT_FALSE(call.has_header("mcp-param-days"));
    const CallResult wrong =
        room.run(session->call("weather", Json{{"place", Json::object()}},
                               {.visit_id = "v", .seq = 2}, milliseconds{5'000}));
    EXPECT_EQ(wrong.outcome, CallResult::Outcome::error);
    EXPECT_EQ(wrong.text.find("not run: "), 0U);
}

TEST(McpEras, ABrokenStreamIsNotTakenUpAgainWithoutASession) {
    StatelessRoom room;
    room.on_call = [](const ServerRequest&) { return streamed("id: 7\nretry: 1\ndata:\n\n"); };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);

    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
    EXPECT_EQ(room.far_end.seen().back().request.method, "POST");
}

Json notice(const std::string& method, Json params) {
    return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

// The clock stands still while the exchange is open, so the server moves it by hand.
TEST(McpProgress, GivesACallMoreTimeUpToItsMaximum) {
    for (const bool tells : {true, false}) {
        tests::RealMcpRoom room;
        room.on_call = [tells](const ServerRequest& request) {
            const Json message = request.json();
            return streamed([message, tells](base::StreamWriter& writer) {
                const auto begun = std::chrono::steady_clock::now();
                const auto until = begun + milliseconds{1'200};
                for (int step = 1; std::chrono::steady_clock::now() < until; ++step) {
                    Json params{{"progressToken", message["params"]["_meta"]["progressToken"]},
                                {"progress", step}};
                    if (tells) writer.write(rpc_event(notice("notifications/progress", params)));
                    if (!writer.open()) return;
                    std::this_thread::yield();
                }
                writer.write(rpc_event(
                    {{"jsonrpc", "2.0"}, {"id", message["id"]}, {"result", text_result("late")}}));
            });
        };
        Mcp mcp{room.http, {}, room.metrics};
        auto session = room.open(mcp);
        const CallResult result = room.call(*session, milliseconds{600});
        EXPECT_EQ(result.outcome, tells ? CallResult::Outcome::ok : CallResult::Outcome::unknown);
        EXPECT_EQ(room.cancels, tells ? 0 : 1);
    }
}

TEST(McpProgress, EndsAtTheMaximumHoweverMuchIsTold) {
    tests::RealMcpRoom room;
    room.on_call = [](const ServerRequest& request) {
        const Json token = request.json()["params"]["_meta"]["progressToken"];
        return streamed([token](base::StreamWriter& writer) {
            for (int step = 1; writer.open(); ++step) {
                Json params{{"progressToken", token}, {"progress", step}};
                if (!writer.write(rpc_event(notice("notifications/progress", params)))) return;
                std::this_thread::yield();
            }
        });
    };
    Mcp mcp{room.http, {.call_limit_max = milliseconds{700}}, room.metrics};
    auto session = room.open(mcp);

    EXPECT_EQ(room.call(*session, milliseconds{300}).outcome, CallResult::Outcome::unknown);
    EXPECT_EQ(room.cancels, 1);
}

TEST(McpTools, AreReadAgainOnceAfterACallThatSaidTheyChanged) {
    tests::VirtualMcpRoom room;
    int lists = 0;
    room.on_list = [&lists](const ServerRequest& request) {
        ++lists;
        const char* name = lists == 1 ? "todo.create" : "todo.make";
        return rpc_result(request.json()["id"], {{"tools", Json::array({Json{{"name", name}}})}});
    };
    room.on_call = [](const ServerRequest& request) {
        const std::string changed =
            rpc_event(notice("notifications/tools/list_changed", Json::object()));
        return streamed(changed + changed +
                        rpc_event({{"jsonrpc", "2.0"},
                                   {"id", request.json()["id"]},
                                   {"result", text_result("done")}}));
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    const clients::ToolMap::Entry* held = session->tools().by_tool_name("todo.create");
    ASSERT_NE(held, nullptr);

    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);

    EXPECT_EQ(lists, 2);
    EXPECT_EQ(session->tools().by_tool_name("todo.create"), nullptr);
    EXPECT_NE(session->tools().by_tool_name("todo.make"), nullptr);
    EXPECT_EQ(held->tool.name, "todo.create") << "what a caller holds stays valid";
}

}  // namespace
