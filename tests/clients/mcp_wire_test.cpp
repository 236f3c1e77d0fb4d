// MCP over a real socket, against a server whose every answer the test can bend.
#include "clients/mcp.hpp"

#include <atomic>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/group.hpp"
#include "base/json.hpp"
#include "clients/trace.hpp"
#include "tests/clients/mcp_room.hpp"

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using clients::CallResult;
using clients::Mcp;
using clients::McpOptions;
using clients::McpSession;
using std::chrono::milliseconds;
using tests::CourteousClock;
using tests::no_content;
using tests::RealMcpRoom;
using tests::rpc_event;
using tests::rpc_result;
using tests::session_gone;
using tests::streamed;
using tests::text_result;
using tests::VirtualMcpRoom;

TEST(McpWire, ShakesHandsListsAndCalls) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(session->server_name(), "fake");
    EXPECT_EQ(session->server_version(), "1.2");
    EXPECT_EQ(session->protocol_version(), "2025-11-25");
    ASSERT_NE(session->tools().by_api_name("todo_create"), nullptr);
    EXPECT_EQ(session->tools().by_api_name("todo_list")->module, "todo");

    const CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::ok);
    const std::string trace = clients::traceparent_of("v1", 3);
    EXPECT_EQ(result.text,
              R"(did {"name":"todo.create","arguments":{"title":"x"},"_meta":)"
              R"({"persona-runner/visit":"v1","persona-runner/seq":3,"traceparent":")" +
                  trace + R"(","progressToken":3}})");
    ASSERT_TRUE(room.loop.run(session->close()));
    EXPECT_EQ(room.goodbyes, 1);

    const auto seen = room.far_end.seen();
    ASSERT_EQ(seen.size(), 5U);  // initialize, initialized, list, call, delete
    EXPECT_FALSE(seen[0].request.has_header("mcp-session-id"));
    EXPECT_FALSE(seen[0].request.has_header("mcp-protocol-version"));
    for (std::size_t i = 0; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i].request.header("authorization"), "Bearer jwt") << i;
        EXPECT_EQ(seen[i].request.header("x-mana-space"), "space-1") << i;
        if (i == 0) continue;
        EXPECT_EQ(seen[i].request.header("mcp-session-id"), "session-1") << i;
        EXPECT_EQ(seen[i].request.header("mcp-protocol-version"), "2025-11-25") << i;
    }
    EXPECT_EQ(seen[3].request.header("accept"), "application/json, text/event-stream");
    EXPECT_EQ(seen[3].request.header("traceparent"), trace);
    EXPECT_FALSE(seen[2].request.has_header("traceparent")) << "only calls belong to the trace";
}

TEST(McpWire, AcceptsOlderRevisionsAndRefusesUnknownOnes) {
    for (const std::string revision : {"2025-03-26", "2025-06-18"}) {
        VirtualMcpRoom room;
        room.revision = revision;
        Mcp mcp{room.http, {}, room.metrics};
        EXPECT_EQ(room.open(mcp)->protocol_version(), revision);
    }
    VirtualMcpRoom room;
    room.revision = "2024-11-05";
    Mcp mcp{room.http, {}, room.metrics};
    const Failure failure = room.failure_of(mcp.open(room.target()));
    EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
    EXPECT_NE(std::string{failure.what()}.find("2025-11-25"), std::string::npos);
}

TEST(McpWire, ReadsAnswersFromEventStreams) {
    VirtualMcpRoom room;
    room.on_call = [](const ServerRequest& request) {
        const Json id = request.json()["id"];
        return streamed(
            ": hello\n\nid: p-1\ndata:\n\n" +
            rpc_event(Json{{"jsonrpc", "2.0"}, {"method", "notifications/progress"}}) +
            "event: other\ndata: not for us\n\n" +
            rpc_event(Json{{"jsonrpc", "2.0"}, {"id", 777}, {"result", Json::object()}}) +
            rpc_event(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", text_result("streamed")}}));
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    const CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::ok);
    EXPECT_EQ(result.text, "streamed");
}

TEST(McpWire, AnswersTheServersRequestsDuringACall) {
    VirtualMcpRoom room;
    room.on_call = [&room](const ServerRequest& request) {
        const Json id = request.json()["id"];
        return streamed([&room, id](base::StreamWriter& writer) {
            writer.write(rpc_event(Json{{"jsonrpc", "2.0"}, {"id", "s-1"}, {"method", "ping"}}));
            // The result comes only after our answer: who does not answer hangs.
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
            while (room.replies == 0 && std::chrono::steady_clock::now() < deadline) {
                std::this_thread::yield();
            }
            const std::string word = room.replies == 1 ? "answered" : "never answered";
            writer.write(
                rpc_event(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", text_result(word)}}));
        });
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(room.call(*session).text, "answered");
    EXPECT_EQ(room.last_reply, R"({"jsonrpc":"2.0","id":"s-1","result":{}})");
}

TEST(McpWire, ErrorsOfTheProductAreResults) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [](const ServerRequest& request) {
        return ServerResponse::json(
            Json{{"jsonrpc", "2.0"},
                 {"id", request.json()["id"]},
                 {"error", {{"code", -32602}, {"message", "Unknown tool"}}}});
    };
    CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::error);
    EXPECT_EQ(result.text, "error -32602: Unknown tool");

    for (const int status : {400, 413, 422, 429, 503}) {
        room.on_call = [status](const ServerRequest&) {
            return ServerResponse::json(Json{{"error", "no"}}, status);
        };
        result = room.call(*session);
        EXPECT_EQ(result.outcome, CallResult::Outcome::error) << status;
        EXPECT_EQ(result.text.find("not run: "), 0U) << status;
    }
    for (const int status : {500, 502, 504}) {
        room.on_call = [status](const ServerRequest&) { return no_content(status); };
        EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown) << status;
    }
    EXPECT_EQ(room.handshakes, 1);
}

TEST(McpWire, AWrongContentTypeIsUnknown) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [](const ServerRequest&) {
        ServerResponse page = ServerResponse::text("<html>welcome</html>");
        page.content_type = "text/html";
        return page;
    };
    CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::unknown);
    EXPECT_NE(result.text.find("text/html"), std::string::npos);
    room.on_call = [](const ServerRequest&) {
        ServerResponse page = ServerResponse::text("not json");
        page.content_type = "Application/JSON; charset=utf-8";
        return page;
    };
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
    room.on_call = [](const ServerRequest&) { return no_content(202); };
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
}

TEST(McpWire, ALostSessionIsReopenedOnceAndTheCallSentOnceMore) {
    for (const int status : {404, 400}) {
        VirtualMcpRoom room;
        Mcp mcp{room.http, {}, room.metrics};
        auto session = room.open(mcp);
        room.on_call = [status, serve = room.on_call](const ServerRequest& request) {
            return request.header("mcp-session-id") == "session-1" ? session_gone(status)
                                                                   : serve(request);
        };
        EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok) << status;
        EXPECT_EQ(room.handshakes, 2);
        EXPECT_EQ(room.calls, 2);
        EXPECT_EQ(room.metric("mcp_sessions_reopened_total"), 1);
    }
}

TEST(McpWire, ASessionLostTwiceIsGivenUp) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [](const ServerRequest&) { return session_gone(); };
    const CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::error);
    EXPECT_EQ(result.text.find("not run: "), 0U);
    EXPECT_EQ(room.handshakes, 2);
    EXPECT_EQ(room.calls, 2);
}

base::Task<void> call_and_count(McpSession& session, int& ok) {
    const CallResult result = co_await session.call(
        "todo.list", Json::object(), {.visit_id = "v", .seq = 1}, milliseconds{5'000});
    if (result.outcome == CallResult::Outcome::ok) ++ok;
}

base::Task<void> call_together(base::Loop& loop, McpSession& session, int& ok) {
    base::Group group{loop};
    for (int i = 0; i < 5; ++i) group.add(call_and_count(session, ok));
    co_await group.all();
}

TEST(McpWire, ManyCallsThatLoseTheSessionReopenItOnce) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [serve = room.on_call](const ServerRequest& request) {
        return request.header("mcp-session-id") == "session-1" ? session_gone() : serve(request);
    };
    int ok = 0;
    ASSERT_TRUE(room.loop.run(call_together(room.loop, *session, ok)));
    EXPECT_EQ(ok, 5);
    EXPECT_EQ(room.handshakes, 2);
}

TEST(McpWire, ARefusedBearerIsTheCallersAndRenewingHelps) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [serve = room.on_call](const ServerRequest& request) {
        return request.header("authorization") == "Bearer fresh" ? serve(request) : no_content(401);
    };
    const Failure failure = room.failure_of(session->call(
        "todo.list", Json::object(), {.visit_id = "v", .seq = 1}, milliseconds{5'000}));
    EXPECT_EQ(failure.kind(), Failure::Kind::unauthenticated);
    EXPECT_EQ(std::string{failure.what()}.find("jwt"), std::string::npos);
    session->renew(base::Secret{"fresh"});
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    EXPECT_EQ(room.handshakes, 1);
    room.on_call = [](const ServerRequest&) { return no_content(403); };
    EXPECT_EQ(
        room.failure_of(session->call("todo.list", Json::object(), {}, milliseconds{5'000})).kind(),
        Failure::Kind::forbidden);
}

TEST(McpWire, AListThatNeverEndsIsCut) {
    VirtualMcpRoom room;
    std::atomic<int> pages{0};
    room.on_list = [&pages](const ServerRequest& request) {
        const std::string name = "t" + std::to_string(++pages);
        return rpc_result(request.json()["id"], Json{{"tools", Json::array({Json{{"name", name}}})},
                                                     {"nextCursor", "c" + std::to_string(pages)}});
    };
    Mcp mcp{room.http, {.pages_max = 4}, room.metrics};
    EXPECT_EQ(room.open(mcp)->tools().entries().size(), 4U);
    EXPECT_EQ(pages, 4);

    room.on_list = [&pages](const ServerRequest& request) {
        ++pages;
        return rpc_result(
            request.json()["id"],
            Json{{"tools", Json::array({Json{{"name", "same"}}})}, {"nextCursor", "same"}});
    };
    pages = 0;
    EXPECT_EQ(room.open(mcp)->tools().entries().size(), 1U);
    EXPECT_EQ(pages, 2);
}

// Pages that come late, one after the other.
TEST(McpWire, AListThatTakesTooLongIsCut) {
    tests::RealMcpRoom room;
    std::atomic<int> pages{0};
    room.on_list = [&pages](const ServerRequest& request) {
        const std::string name = "t" + std::to_string(++pages);
        return rpc_result(request.json()["id"], Json{{"tools", Json::array({Json{{"name", name}}})},
                                                     {"nextCursor", "c" + std::to_string(pages)}});
    };
    Mcp mcp{room.http,
            {.list_limit = milliseconds{300}, .pages_max = 1'000'000, .tools_max = 1'000'000},
            room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(session->tools().entries().size(), static_cast<std::size_t>(pages));
}

TEST(McpWire, OnlyTheWantedToolsAreOffered) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    clients::McpTarget target = room.target();
    target.tools = {"*.list", "todo.fly"};
    auto session = room.run(mcp.open(target));
    ASSERT_EQ(session->tools().entries().size(), 1U);
    EXPECT_EQ(session->tools().entries()[0].tool.name, "todo.list");
    EXPECT_EQ(room.open(mcp)->tools().entries().size(), 2U) << "what is wanted is the server's";
}

TEST(McpWire, FollowsCursorsEvenEmptyOnes) {
    VirtualMcpRoom room;
    room.on_list = [](const ServerRequest& request) {
        const Json message = request.json();
        const bool second = message["params"].contains("cursor");
        Json page = {{"tools", Json::array({Json{{"name", second ? "b.b" : "a.a"}}})}};
        if (!second) page["nextCursor"] = "";
        return rpc_result(message["id"], page);
    };
    Mcp mcp{room.http, {}, room.metrics};
    EXPECT_EQ(room.open(mcp)->tools().modules(), (std::vector<std::string>{"a", "b"}));
}

TEST(McpWire, SessionsShareAListThatReadsTheSame) {
    RealMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto first = room.open(mcp);
    auto second = room.open(mcp);
    EXPECT_EQ(&first->tools(), &second->tools());

    room.on_list = [](const ServerRequest& request) {
        const Json message = request.json();
        Json page{{"tools", Json::array({Json{{"name", "todo.create"}}})}};
        if (!message["params"].contains("cursor")) {
            page["nextCursor"] = "more";
        } else {
            page["tools"][0]["name"] = "notes.add";
        }
        return rpc_result(message["id"], page);
    };
    auto third = room.open(mcp);
    auto fourth = room.open(mcp);
    EXPECT_NE(&third->tools(), &first->tools());
    EXPECT_EQ(&third->tools(), &fourth->tools());
    EXPECT_NE(third->tools().by_api_name("notes_add"), nullptr);
    // What earlier sessions hold stays theirs.
    EXPECT_NE(first->tools().by_api_name("todo_list"), nullptr);
    EXPECT_EQ(first->tools().by_api_name("notes_add"), nullptr);
}

TEST(McpWire, AListThatAnswersAnotherRequestIsNotTakenForAKnownOne) {
    RealMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    std::string first_list;
    room.on_list = [list = room.on_list, &first_list](const ServerRequest& request) {
        ServerResponse answer = list(request);
        if (first_list.empty()) {
            first_list = answer.body;
        } else {
            answer = rpc_result(777, Json::parse(first_list)["result"]);
        }
        return answer;
    };
    room.open(mcp);
    EXPECT_EQ(room.failure_of(mcp.open(room.target())).kind(), Failure::Kind::unavailable);
}

TEST(McpWire, ACallWhoseAnswerIsCutIsUnknown) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [](const ServerRequest&) {
        return streamed([](base::StreamWriter& writer) {
            writer.write("data: {\"jsonrpc\":\"2.0\",");
            writer.reset();
        });
    };
    CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::unknown);
    EXPECT_NE(result.text.find("unknown"), std::string::npos);
    room.on_call = [](const ServerRequest&) { return streamed(": bye\n\n"); };
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
    EXPECT_EQ(room.calls, 2) << "a call that may have run is never sent again";
}

TEST(McpWire, AStreamWithEventIdsIsTakenUpAgain) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    Json id;
    base::Steady cut_at{};
    room.on_call = [&](const ServerRequest& request) {
        id = request.json()["id"];
        room.far_end.then([&](const ServerRequest& resumed) {
            EXPECT_EQ(resumed.method, "GET");
            EXPECT_EQ(resumed.header("last-event-id"), "st4-0");
            EXPECT_EQ(resumed.header("mcp-session-id"), "session-1");
            EXPECT_GE(room.clock.steady() - cut_at, milliseconds{700});
            return streamed(
                "id: st4-1\n" +
                rpc_event(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", text_result("late")}}));
        });
        cut_at = room.clock.steady();
        return streamed("id: st4-0\nretry: 700\ndata:\n\n");
    };
    EXPECT_EQ(room.call(*session).text, "late");

    // Not every server that numbers its events can resume.
    room.on_call = [](const ServerRequest&) { return streamed("id: st5-0\ndata:\n\n"); };
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
}

// A server that lets its client come again all the time, and has something new each time.
TEST(McpWire, AStreamIsTakenUpAsOftenAsItGoesOn) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [&](const ServerRequest& request) {
        for (int poll = 1; poll <= 12; ++poll) {
            room.far_end.then([poll](const ServerRequest&) {
                return streamed("id: p" + std::to_string(poll) + "\nretry: 100\ndata:\n\n");
            });
        }
        room.far_end.then([id = request.json()["id"]](const ServerRequest& resumed) {
            EXPECT_EQ(resumed.header("last-event-id"), "p12");
            return streamed(
                rpc_event(Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", text_result("done")}}));
        });
        return streamed("id: p0\nretry: 100\ndata:\n\n");
    };
    EXPECT_EQ(room.call(*session).text, "done");
}

TEST(McpWire, ACallOutOfTimeIsUnknownAndCancelled) {
    RealMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [&room](const ServerRequest&) {
        room.far_end.keep_silent();
        return no_content(500);
    };
    const CallResult result = room.call(*session, milliseconds{150});
    EXPECT_EQ(result.outcome, CallResult::Outcome::unknown);
    ASSERT_EQ(room.cancels, 1);
    const auto seen = room.far_end.seen();
    const Json call = base::parse_json(seen[3].request.body, "call");
    const Json cancelled = base::parse_json(seen[4].request.body, "cancelled");
    EXPECT_EQ(cancelled["params"]["requestId"], call["id"]);
}

TEST(McpWire, ACallThatCannotLeaveIsNotRun) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {}, room.metrics};
    clients::McpTarget target = room.target();
    auto gone = std::make_unique<tests::FarEnd>(room.clock);
    target.url = gone->url() + "/mcp";
    gone->otherwise([&room](const ServerRequest& request) {
        ServerResponse answer = room.serve(request);
        answer.headers.emplace_back("Connection", "close");
        return answer;
    });
    auto session = room.run(mcp.open(target));
    gone.reset();
    const CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::error);
    EXPECT_EQ(result.text.find("not run: "), 0U);
    ASSERT_TRUE(room.loop.run(session->close())) << "a good-bye that fails is no failure";
    EXPECT_EQ(room.failure_of(mcp.open(target)).code(), "not_sent");
}

TEST(McpWire, RedirectsToOtherOriginsAreNotFollowed) {
    VirtualMcpRoom room;
    room.far_end.then([](const ServerRequest&) {
        ServerResponse moved = no_content(307);
        moved.headers.emplace_back("Location", "http://127.0.0.1:1/steal");
        return moved;
    });
    Mcp mcp{room.http, {}, room.metrics};
    const Failure failure = room.failure_of(mcp.open(room.target()));
    EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

// As frameworks do that know the endpoint with a slash at its end only.
TEST(McpWire, ARedirectWithinTheOriginIsFollowedOnce) {
    VirtualMcpRoom room;
    const auto moved_to = [&](int status, const std::string& where) {
        return [status, where](const ServerRequest&) {
            ServerResponse moved = no_content(status);
            moved.headers.emplace_back("Location", where);
            return moved;
        };
    };
    Mcp mcp{room.http, {}, room.metrics};
    for (const std::string& where : {std::string("/mcp/"), room.far_end.url() + "/elsewhere?x=1"}) {
        room.far_end.then(moved_to(307, where));
        auto session = room.open(mcp);
        EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    }
    EXPECT_EQ(room.far_end.seen()[1].request.path, "/mcp/");
    EXPECT_EQ(room.far_end.seen()[1].request.header("authorization"), "Bearer jwt");
    EXPECT_EQ(room.far_end.seen().back().request.path, "/elsewhere");

    room.far_end.then(moved_to(307, "/mcp/"));
    room.far_end.then(moved_to(307, "/mcp"));
    EXPECT_EQ(room.failure_of(mcp.open(room.target())).kind(), Failure::Kind::invalid);
    room.far_end.then(moved_to(302, "/mcp/"));
    EXPECT_EQ(room.failure_of(mcp.open(room.target())).kind(), Failure::Kind::invalid)
        << "302 may become a GET";
}

TEST(McpWire, AnswersThatAreTooLargeAreRefusedAndLongResultsCut) {
    VirtualMcpRoom room;
    Mcp mcp{room.http, {.answer_bytes_max = 20'000, .result_bytes_max = 100}, room.metrics};
    auto session = room.open(mcp);
    room.on_call = [](const ServerRequest& request) {
        return rpc_result(request.json()["id"], text_result(std::string(5'000, 'x')));
    };
    CallResult result = room.call(*session);
    EXPECT_EQ(result.outcome, CallResult::Outcome::ok);
    EXPECT_TRUE(result.truncated);
    EXPECT_LT(result.text.size(), 200U);
    room.on_call = [](const ServerRequest& request) {
        return rpc_result(request.json()["id"], text_result(std::string(50'000, 'x')));
    };
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::unknown);
}

TEST(McpWire, AServerWithoutToolsHasNone) {
    VirtualMcpRoom room;
    room.far_end.then([](const ServerRequest& request) {
        return rpc_result(request.json()["id"], Json{{"protocolVersion", "2025-06-18"},
                                                     {"capabilities", Json::object()}});
    });
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_TRUE(session->tools().entries().empty());
    EXPECT_EQ(room.far_end.seen().size(), 2U);
    ASSERT_TRUE(room.loop.run(session->close()));
    EXPECT_EQ(room.goodbyes, 0) << "no session, no good-bye";
}

}  // namespace
