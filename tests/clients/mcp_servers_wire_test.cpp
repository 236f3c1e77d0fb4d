// Tools of several servers in one visit: names, modules, who gets which token, and whose trouble is
// whose.
#include "clients/mcp_servers.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "tests/clients/mcp_room.hpp"

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using clients::CallResult;
using clients::McpServer;
using std::chrono::milliseconds;
using tests::rpc_result;
using tests::text_result;

// Two servers at one far end, told apart by their paths.
struct ServersRoom : tests::VirtualMcpRoom {
    std::vector<McpServer> servers;
    std::map<std::string, int> refused;                       // Path -> status of every answer.
    std::vector<std::pair<std::string, std::string>> tokens;  // Path, Authorization.
    std::vector<std::string> called;

    ServersRoom() {
        servers = {
            {.alias = "mana", .url = far_end.url() + "/home"},
            {.alias = "github",
             .url = far_end.url() + "/github",
             .bearer = McpServer::Bearer::fixed,
             .token = base::Secret{"of-the-operator"},
             .headers = {{"X-Readonly", "true"}}},
            {.alias = "open", .url = far_end.url() + "/open", .bearer = McpServer::Bearer::none}};
        for (McpServer& server : servers) server.era = clients::McpEra::sessions;
        on_call = [this](const ServerRequest& request) {
            const Json message = request.json();
            const std::string tool = message["params"]["name"];
            called.push_back(request.path + " " + tool);
            return rpc_result(message["id"], text_result("did " + tool));
        };
        far_end.otherwise([this](const ServerRequest& request) {
            tokens.emplace_back(request.path, std::string(request.header("authorization")));
            const auto status = refused.find(request.path);
            if (status != refused.end()) return ServerResponse::text("no", status->second);
            if (request.path != "/home") {
                EXPECT_FALSE(request.has_header("x-mana-space"));
            }
            if (request.path == "/github") {
                EXPECT_EQ(request.header("x-readonly"), "true");
            }
            return serve(request);
        });
    }

    std::unique_ptr<clients::McpSession> enter(clients::Mcp& mcp) {
        return run(clients::open_servers(mcp, servers, {base::Secret{"login"}, "space-1"}));
    }
    CallResult use(clients::McpSession& session, const std::string& tool) {
        return run(
            session.call(tool, Json::object(), {.visit_id = "v", .seq = 1}, milliseconds{5'000}));
    }
};

TEST(McpServers, ToolsOfOthersAreNamedByTheirServer) {
    ServersRoom room;
    clients::Mcp mcp{room.http, {}, room.metrics};
    auto session = room.enter(mcp);

    const clients::ToolMap& tools = session->tools();
    EXPECT_EQ(tools.entries().size(), 6U);
    EXPECT_EQ(tools.by_api_name("todo_create")->tool.name, "todo.create");
    EXPECT_EQ(tools.by_api_name("github_todo_list")->tool.name, "github:todo.list");
    EXPECT_EQ(tools.by_tool_name("open:todo.create")->module, "todo");
    EXPECT_EQ(room.use(*session, "todo.create").text, "did todo.create");
    EXPECT_EQ(room.use(*session, "github:todo.create").text, "did todo.create");
    EXPECT_EQ(room.use(*session, "open:todo.list").text, "did todo.list");
    EXPECT_EQ(room.called, (std::vector<std::string>{"/home todo.create", "/github todo.create",
                                                     "/open todo.list"}));
    auto next = room.enter(mcp);
    EXPECT_EQ(&next->tools(), &session->tools()) << "visits share one map";
    ASSERT_TRUE(room.loop.run(session->close()));
    EXPECT_EQ(room.goodbyes, 3);
}

TEST(McpServers, TheLoginGoesToServersThatAreMarkedSo) {
    ServersRoom room;
    clients::Mcp mcp{room.http, {}, room.metrics};
    auto session = room.enter(mcp);
    session->renew(base::Secret{"renewed"});
    for (const char* tool : {"todo.list", "github:todo.list", "open:todo.list"}) {
        room.use(*session, tool);
    }
    for (const auto& [path, token] : room.tokens) {
        if (path == "/open") {
            EXPECT_EQ(token, "");
        }
        if (path == "/github") {
            EXPECT_EQ(token, "Bearer of-the-operator");
        }
        if (path == "/home") {
            EXPECT_TRUE(token == "Bearer login" || token == "Bearer renewed");
        }
    }
    EXPECT_EQ(room.tokens[room.tokens.size() - 3].second, "Bearer renewed");
}

TEST(McpServers, AServerOfOthersThatFailsCostsItsToolsOnly) {
    ServersRoom room;
    clients::Mcp mcp{room.http, {}, room.metrics};
    room.refused["/github"] = 401;
    auto session = room.enter(mcp);
    EXPECT_EQ(session->tools().entries().size(), 4U);
    EXPECT_EQ(session->tools().by_tool_name("github:todo.list"), nullptr);

    room.refused.clear();
    auto whole = room.enter(mcp);
    room.refused["/github"] = 401;
    const CallResult refused = room.use(*whole, "github:todo.list");
    EXPECT_EQ(refused.outcome, CallResult::Outcome::error);
    EXPECT_EQ(refused.text.find("not run: the server github"), 0U) << refused.text;
    EXPECT_EQ(room.use(*whole, "todo.list").outcome, CallResult::Outcome::ok);
}

TEST(McpServers, WithoutThePersonasOwnProductThereIsNoVisit) {
    ServersRoom room;
    clients::Mcp mcp{room.http, {}, room.metrics};
    room.refused["/home"] = 401;
    EXPECT_EQ(room.failure_of(clients::open_servers(mcp, room.servers, {})).kind(),
              Failure::Kind::unauthenticated);
    room.servers.erase(room.servers.begin());
    EXPECT_EQ(room.enter(mcp)->tools().entries().size(), 4U) << "there need not be one";
    room.refused = {{"/github", 500}, {"/open", 503}};
    room.failure_of(clients::open_servers(mcp, room.servers, {}));
}

TEST(McpServers, AnExpiredLoginIsTheCallers) {
    ServersRoom room;
    clients::Mcp mcp{room.http, {}, room.metrics};
    auto session = room.enter(mcp);
    room.refused["/home"] = 401;
    EXPECT_EQ(room.failure_of(session->call("todo.list", Json::object(),
                                            {.visit_id = "v", .seq = 1}, milliseconds{5'000}))
                  .kind(),
              Failure::Kind::unauthenticated);
}

TEST(McpServers, PatternsSayTheModuleBeforeNamesDo) {
    ServersRoom room;
    const auto modules = std::make_shared<const catalog::Modules>(
        R"({"modules":[{"tool":"github:*","module":"code"}]})", "m.json");
    clients::Mcp mcp{room.http, {.modules = modules}, room.metrics};
    auto session = room.enter(mcp);
    EXPECT_EQ(session->tools().by_tool_name("github:todo.list")->module, "code");
    EXPECT_EQ(session->tools().by_tool_name("todo.list")->module, "todo");
}

}  // namespace
