// Revision 2026-07-28 over the wire, with a real database.
#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"
#include "workspace/mcp_server.hpp"

namespace {

using tests::Client;
using tests::Json;
using tests::World;

Json message_of(const std::string& method, Json params = Json::object()) {
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
    return {{"jsonrpc", "2.0"}, {"id", 9}, {"method", method}, {"params", params}};
}

base::HttpResponse ask(const Client& client, const Json& message) {
    base::HttpHeaders headers = client.headers();
    headers.emplace_back("MCP-Protocol-Version", "2026-07-28");
    headers.emplace_back("Mcp-Method", message["method"].get<std::string>());
    if (message["params"].contains("name"))
        headers.emplace_back("Mcp-Name", message["params"]["name"].get<std::string>());
    return client.send(message.dump(), headers);
}

TEST(McpStatelessEra, DiscoversListsAndCallsWithoutASession) {
    World world;
    const Client anna(world, "anna", "home");

    const Json found = Json::parse(ask(anna, message_of("server/discover")).body)["result"];
    EXPECT_EQ(found["supportedVersions"], Json::array({"2026-07-28"}));
    EXPECT_TRUE(found["capabilities"].contains("tools"));
    const Json listed = Json::parse(ask(anna, message_of("tools/list")).body)["result"];
    EXPECT_GE(listed["tools"].size(), 30u);
    EXPECT_EQ(listed["cacheScope"], "public");
    const auto made = ask(anna, message_of("tools/call", {{"name", "todo.create"},
                                                          {"arguments", {{"title", "Milch"}}}}));
    const Json result = Json::parse(made.body)["result"];
    EXPECT_EQ(result["resultType"], "complete");
    EXPECT_EQ(result["structuredContent"]["task"]["title"], "Milch");
    EXPECT_EQ(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mana");
    EXPECT_TRUE(made.header("mcp-session-id").empty());
}

TEST(McpStatelessEra, ChecksTokenSpaceAndMembershipAsEver) {
    World world;
    const Client stranger(world, "anna", "nest");
    const Client ben(world, "ben", "flat");

    EXPECT_EQ(ask(stranger, message_of("tools/list")).status, 403);
    EXPECT_EQ(ask(ben, message_of("tools/list")).status, 200);
    world.auth.leave("ben", "flat");
    world.clock.advance(std::chrono::seconds{6});
    EXPECT_EQ(ask(ben, message_of("tools/call",
                                  {{"name", "todo.create"}, {"arguments", {{"title", "late"}}}}))
                  .status,
              403);
}

TEST(McpStatelessEra, KnowsNoMethodsOfSessionsAndNoStreams) {
    World world;
    const Client anna(world, "anna", "home");

    for (const char* method : {"initialize", "ping", "logging/setLevel", "subscriptions/listen"}) {
        const auto answer = ask(anna, message_of(method));
        EXPECT_EQ(answer.status, 404) << method;
        EXPECT_EQ(Json::parse(answer.body)["error"]["code"], -32601);
        EXPECT_EQ(Json::parse(answer.body)["id"], 9);
    }
    base::HttpHeaders headers = anna.headers();
    headers.emplace_back("MCP-Protocol-Version", "2026-07-28");
    EXPECT_EQ(anna.send("", headers, "DELETE").status, 405);
    EXPECT_EQ(anna.send("", headers, "GET").status, 405);
}

TEST(McpStatelessEra, LimitsTheCallsOfAUser) {
    workspace::Options options;
    options.calls_per_minute_max = 1;
    World world(options);
    const Client anna(world, "anna", "home");
    const Client ben(world, "ben", "nest");
    const Json call = message_of("tools/call", {{"name", "todo.list"}});

    EXPECT_FALSE(Json::parse(ask(anna, call).body)["result"].value("isError", false));
    EXPECT_TRUE(Json::parse(ask(anna, call).body)["result"].value("isError", false));
    EXPECT_FALSE(Json::parse(ask(ben, call).body)["result"].value("isError", false));
    world.clock.advance(std::chrono::minutes{1});
    EXPECT_FALSE(Json::parse(ask(anna, call).body)["result"].value("isError", false));
}

}  // namespace
