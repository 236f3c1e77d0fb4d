// What a server says without being asked: that its tools are others now.
#include <atomic>

#include <gtest/gtest.h>

#include "clients/mcp.hpp"
#include "tests/clients/mcp_room.hpp"

namespace {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using clients::CallResult;
using clients::Mcp;
using std::chrono::milliseconds;
using tests::no_content;
using tests::rpc_event;
using tests::rpc_result;
using tests::streamed;
using tests::text_result;

const Json tools_changed = {{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}};

// A product that says it tells of changes. Its list has one tool, named by the test.
template <class TheRoom>
struct ListeningRoom : TheRoom {
    std::atomic<const char*> tool = "todo.create";
    std::atomic<int> lists{0}, listeners{0};
    base::Handler on_listen = [](const ServerRequest&) { return no_content(405); };

    ListeningRoom() {
        this->on_list = [this](const ServerRequest& request) {
            ++lists;
            return rpc_result(request.json()["id"],
                              {{"tools", Json::array({Json{{"name", tool.load()}}})}});
        };
        this->far_end.otherwise([this](const ServerRequest& request) {
            const bool listens =
                request.method == "GET" || request.header("mcp-method") == "subscriptions/listen";
            if (listens) {
                ++listeners;
                return on_listen(request);
            }
            ServerResponse answer = this->serve(request);
            Json said = base::try_parse_json(answer.body).value_or(Json());
            if (said.is_object() && said.contains("result") &&
                said["result"].contains("capabilities")) {
                said["result"]["capabilities"]["tools"]["listChanged"] = true;
                answer.body = said.dump();
            }
            return answer;
        });
    }
    ~ListeningRoom() { this->far_end.stop(); }

    // Runs the loop until the far end says stop.
    void run_until_stopped() {
        EXPECT_FALSE(this->loop.run(doze(this->loop))) << "nobody stopped it in time";
    }
    static base::Task<void> doze(base::Loop& loop) {
        co_await loop.sleep(std::chrono::seconds{10});
    }
};

// Told between two calls: the next one of a tool that is gone does not leave.
TEST(McpListening, ToolsThatChangeBetweenCallsAreReadBeforeTheNextOne) {
    std::atomic<bool> changed{false}, ended{false};
    ListeningRoom<tests::RealMcpRoom> room;
    room.on_listen = [&](const ServerRequest& request) {
        EXPECT_EQ(request.header("mcp-session-id"), "session-1");
        EXPECT_EQ(request.header("accept"), "text/event-stream");
        return streamed([&](base::StreamWriter& writer) {
            while (writer.open() && !changed) std::this_thread::yield();
            writer.write(rpc_event(tools_changed) + rpc_event(tools_changed));
            // Our answer to it shows that what came before was read.
            writer.write(rpc_event({{"jsonrpc", "2.0"}, {"id", "s"}, {"method", "ping"}}));
            while (writer.open() && room.replies == 0) std::this_thread::yield();
            room.loop.stop();
            while (writer.open()) std::this_thread::yield();
            ended = true;
        });
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    const clients::ToolMap::Entry* held = session->tools().by_tool_name("todo.create");

    room.tool = "todo.make";
    changed = true;
    room.run_until_stopped();
    room.replies = 0;
    const CallResult gone = room.call(*session);

    EXPECT_EQ(gone.outcome, CallResult::Outcome::error);
    EXPECT_EQ(gone.text, "not run: the product does not offer this tool any more");
    EXPECT_EQ(room.calls, 1);
    EXPECT_EQ(room.lists, 2) << "once, however often it was said";
    EXPECT_NE(session->tools().by_tool_name("todo.make"), nullptr);
    EXPECT_EQ(held->tool.name, "todo.create") << "what a caller holds stays valid";
    const CallResult made = room.run(session->call(
        "todo.make", Json::object(), {.visit_id = "v", .seq = 1}, milliseconds{5'000}));
    EXPECT_EQ(made.outcome, CallResult::Outcome::ok);
    ASSERT_TRUE(room.loop.run(session->close()));
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!ended && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    EXPECT_TRUE(ended) << "who said good-bye does not listen";
}

TEST(McpListening, AServerThatHasNoSuchStreamIsAskedOnce) {
    ListeningRoom<tests::VirtualMcpRoom> room;
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    EXPECT_EQ(room.listeners, 1);
}

// malloyyo 133: a server that ends every stream at once is not asked for ever.
TEST(McpListening, AStreamThatAlwaysEndsIsGivenUp) {
    ListeningRoom<tests::VirtualMcpRoom> room;
    room.on_listen = [](const ServerRequest&) { return streamed("id: 7\nretry: 5\ndata:\n\n"); };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);

    room.run(session->call("todo.create", Json::object(), {.visit_id = "v", .seq = 1},
                           milliseconds{5'000}));
    const auto hours = [](base::Loop& loop) -> base::Task<void> {
        co_await loop.sleep(std::chrono::hours{2});
    };
    ASSERT_TRUE(room.loop.run(hours(room.loop)));

    EXPECT_EQ(room.listeners, 20);
    EXPECT_EQ(room.far_end.seen().back().request.header("last-event-id"), "7");
}

TEST(McpListening, ALostSessionIsListenedToAnew) {
    ListeningRoom<tests::VirtualMcpRoom> room;
    room.on_call = [serve = room.on_call](const ServerRequest& request) {
        return request.header("mcp-session-id") == "session-1" ? tests::session_gone()
                                                               : serve(request);
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    EXPECT_EQ(room.listeners, 2);
}

TEST(McpListening, TakesNoneOfTheConnectionsThatCallsNeed) {
    ListeningRoom<tests::RealMcpRoom> room;
    room.on_listen = [&room](const ServerRequest&) {
        if (room.listeners == 2) room.loop.stop();
        return streamed([](base::StreamWriter& writer) {
            writer.write(": here\n\n");
            while (writer.open()) std::this_thread::yield();
        });
    };
    base::Http http{room.loop,
                    {.shards = 1, .connections_max = {{base::origin_of(room.far_end.url()), 1}}}};
    Mcp mcp{http, {}, room.metrics};
    auto session = room.open(mcp);
    auto other = room.open(mcp);
    room.run_until_stopped();
    EXPECT_EQ(room.call(*session).outcome, CallResult::Outcome::ok);
    EXPECT_EQ(room.call(*other).outcome, CallResult::Outcome::ok);
}

TEST(McpListening, WithoutSessionsItIsASubscription) {
    std::vector<Json> asked;
    std::size_t stops_at = 2;  // The second one shows that what the first one told was read.
    ListeningRoom<tests::VirtualMcpRoom> room;
    room.era = clients::McpEra::automatic;
    room.far_end.then([](const ServerRequest& request) {
        return rpc_result(request.json()["id"],
                          {{"supportedVersions", Json::array({"2026-07-28"})},
                           {"capabilities", {{"tools", {{"listChanged", true}}}}}});
    });
    room.on_listen = [&](const ServerRequest& request) {
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.header("mcp-protocol-version"), "2026-07-28");
        const Json message = request.json();
        asked.push_back(message);
        if (asked.size() == stops_at) room.loop.stop();
        room.tool = "todo.make";
        return streamed(rpc_event({{"jsonrpc", "2.0"},
                                   {"method", "notifications/subscriptions/acknowledged"}}) +
                        (asked.size() == 1 ? rpc_event(tools_changed) : ""));
    };
    Mcp mcp{room.http, {}, room.metrics};
    auto session = room.open(mcp);
    room.run_until_stopped();

    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0]["params"]["notifications"], (Json{{"toolsListChanged", true}}));
    EXPECT_NE(asked[0]["id"], asked[1]["id"]);
    EXPECT_EQ(room.call(*session).text, "not run: the product does not offer this tool any more");
    EXPECT_NE(session->tools().by_tool_name("todo.make"), nullptr);
    ASSERT_TRUE(room.loop.run(session->close()));
    stops_at = asked.size() + 1;
    auto next = room.open(mcp);  // What the first visit asked is known.
    room.run_until_stopped();
}

}  // namespace
