// MCP's messages: results as text for the model, tool pages, odd answers.
#include "clients/mcp_message.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"

namespace {

using base::Json;
using clients::CallResult;
using clients::read_call_result;
using clients::read_rpc;
using clients::read_tool_page;

Json json_of(const std::string& text) {
    return base::parse_json(text, "test");
}

TEST(McpMessage, JoinsContentAsText) {
    const CallResult result = read_call_result(json_of(R"({"content":[{"type":"text","text":"one"},
        {"type":"text","text":""},{"type":"image","data":"QUJDRA==","mimeType":"image/png"},
        {"type":"resource","resource":{"uri":"u","text":"inside"}},
        {"type":"resource_link","uri":"https://x.test","name":"X"},{"type":"hologram"}],
        "structuredContent":{"not":"twice"}})"),
                                               1'000);
    EXPECT_EQ(result.outcome, CallResult::Outcome::ok);
    EXPECT_FALSE(result.truncated);
    EXPECT_EQ(result.text.find("one\n[image image/png"), 0U);
    EXPECT_NE(result.text.find("\ninside\n"), std::string::npos);
    EXPECT_NE(result.text.find("https://x.test"), std::string::npos);
    EXPECT_NE(result.text.find("hologram"), std::string::npos);
    EXPECT_EQ(result.text.find("twice"), std::string::npos);
}

TEST(McpMessage, FallsBackToStructuredContentAndIsNeverEmpty) {
    EXPECT_EQ(read_call_result(json_of(R"({"content":[],"structuredContent":{"n":1}})"), 100).text,
              R"({"n":1})");
    EXPECT_EQ(read_call_result(json_of(R"({"content":[]})"), 100).text, "(no output)");
    EXPECT_EQ(read_call_result(json_of("{}"), 100).outcome, CallResult::Outcome::ok);
    EXPECT_EQ(read_call_result(Json(7), 100).outcome, CallResult::Outcome::unknown);
}

TEST(McpMessage, CutsLongResultsAndSaysSo) {
    std::string umlauts;
    for (int i = 0; i < 100; ++i) umlauts += "ä";
    const Json result = {{"content", Json::array({{{"type", "text"}, {"text", umlauts}}})}};
    const CallResult cut = read_call_result(result, 51);
    EXPECT_TRUE(cut.truncated);
    EXPECT_NE(cut.text.find("51 of 200 bytes"), std::string::npos);
    EXPECT_TRUE(base::try_parse_json(base::to_text(Json(cut.text))));
    EXPECT_EQ(cut.text.find("\xEF\xBF\xBD"), std::string::npos);
    EXPECT_FALSE(read_call_result(result, 200).truncated);
}

TEST(McpMessage, ErrorsAreErrors) {
    const CallResult refused = read_call_result(
        json_of(R"({"content":[{"type":"text","text":"title is empty"}],"isError":true})"), 100);
    EXPECT_EQ(refused.outcome, CallResult::Outcome::error);
    EXPECT_EQ(refused.text, "title is empty");
    const auto arrival = read_rpc(
        R"({"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"Unknown tool: x"}})", 3);
    const CallResult unknown = clients::call_result_of_error(arrival.answer.value(), 100);
    EXPECT_EQ(unknown.outcome, CallResult::Outcome::error);
    EXPECT_EQ(unknown.text, "error -32602: Unknown tool: x");
}

TEST(McpMessage, SortsArrivals) {
    const auto batch = read_rpc(R"([{"jsonrpc":"2.0","method":"notifications/message"},
        {"jsonrpc":"2.0","id":"s-1","method":"ping"},{"jsonrpc":"2.0","id":8,"result":{}},
        {"jsonrpc":"2.0","id":"9","result":{"ours":true}}])",
                                9);
    ASSERT_EQ(batch.server_requests.size(), 1U);
    ASSERT_TRUE(batch.answer);
    EXPECT_EQ(batch.answer->result["ours"], true);
    EXPECT_EQ(clients::rpc_reply_to(batch.server_requests[0]),
              R"({"jsonrpc":"2.0","id":"s-1","result":{}})");
    const Json refusal =
        json_of(clients::rpc_reply_to(json_of(R"({"id":4,"method":"roots/list"})")));
    EXPECT_EQ(refusal["error"]["code"], -32601);
    EXPECT_EQ(refusal["id"], 4);
    EXPECT_FALSE(read_rpc(R"({"jsonrpc":"2.0","id":1,"result":{}})", 2).answer);
    EXPECT_THROW(read_rpc("<html>", 1), base::Failure);
    EXPECT_THROW(read_rpc("7", 1), base::Failure);
    EXPECT_THROW(read_rpc(R"({"jsonrpc":"2.0","id":1})", 1), base::Failure);
}

TEST(McpMessage, ReadsToolPages) {
    const auto page =
        read_tool_page(json_of(R"({"tools":[{"name":"a","inputSchema":{"type":"object"},
        "annotations":{"title":"A","readOnlyHint":true}},
        {"name":"b","title":"B","description":"d",
        "annotations":{"destructiveHint":false,"idempotentHint":true}},
        {"name":"c","execution":{"taskSupport":"required"}},"odd"],"nextCursor":""})"));
    ASSERT_EQ(page.tools.size(), 3U);
    EXPECT_EQ(page.tools[0].title, "A");
    EXPECT_TRUE(page.tools[0].read_only);
    EXPECT_FALSE(page.tools[0].destructive);
    EXPECT_TRUE(page.tools[0].idempotent);
    EXPECT_FALSE(page.tools[1].read_only);
    EXPECT_FALSE(page.tools[1].destructive);
    EXPECT_TRUE(page.tools[1].idempotent);
    EXPECT_TRUE(page.tools[2].name.empty());
    EXPECT_TRUE(page.tools[2].destructive);
    EXPECT_EQ(page.left_out.size(), 1U);
    EXPECT_EQ(page.next_cursor, "");
    EXPECT_FALSE(read_tool_page(json_of(R"({"tools":[],"nextCursor":null})")).next_cursor);
    EXPECT_THROW(read_tool_page(json_of("{}")), base::Failure);
}

TEST(McpMessage, OffersTheNewestRevision) {
    EXPECT_EQ(clients::initialize_params()["protocolVersion"], "2025-11-25");
    EXPECT_TRUE(clients::is_known_revision("2025-03-26"));
    EXPECT_FALSE(clients::is_known_revision("2024-11-05"));
}

}  // namespace
