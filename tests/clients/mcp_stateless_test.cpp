#include "clients/mcp_stateless.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;

clients::ParamHeaders marks(const char* properties) {
    return clients::read_param_headers(
        {{"type", "object"}, {"properties", Json::parse(properties)}});
}

TEST(McpHeaders, EncodeWhatAHeaderCannotCarry) {
    for (const char* plain : {"", "todo.create", "us west 1", "a=?base64?"}) {
        EXPECT_EQ(clients::header_safe(plain), plain);
    }
    EXPECT_EQ(clients::header_safe(" padded "), "=?base64?IHBhZGRlZCA=?=");
    EXPECT_EQ(clients::header_safe("a\nb"), "=?base64?YQpi?=");
    EXPECT_EQ(clients::header_safe("é"), "=?base64?w6k=?=");
    EXPECT_EQ(clients::header_safe("=?base64?SGk=?="), "=?base64?PT9iYXNlNjQ/U0drPT89?=");
}

TEST(McpHeaders, FindMarkedArgumentsAtAnyDepthOfProperties) {
    const auto found = marks(R"({"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"object",
        "properties":{"c":{"type":"boolean","x-mcp-header":"C"}}}})");

    ASSERT_EQ(found.fault, "");
    ASSERT_EQ(found.headers.size(), 2U);
    EXPECT_EQ(found.headers[1].name, "Mcp-Param-C");
    const auto headers =
        clients::param_headers_of(found.headers, {{"a", "x"}, {"b", {{"c", false}}}});
    ASSERT_TRUE(headers);
    EXPECT_EQ((*headers)[0].second, "x");
    EXPECT_EQ((*headers)[1].second, "false");
    EXPECT_TRUE(clients::param_headers_of(found.headers, Json::object())->empty());
}

TEST(McpHeaders, RefuseMarksThatBreakTheRules) {
    for (const char* wrong :
         {R"({"a":{"type":"string","x-mcp-header":""}})",
          R"({"a":{"type":"string","x-mcp-header":7}})",
          R"({"a":{"type":"string","x-mcp-header":"a b"}})",
          R"({"a":{"type":"number","x-mcp-header":"A"}})", R"({"a":{"x-mcp-header":"A"}})",
          R"({"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}})",
          R"({"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}})",
          R"({"a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]}})"}) {
        const auto found = marks(wrong);
        EXPECT_NE(found.fault, "") << wrong;
        EXPECT_TRUE(found.headers.empty()) << wrong;
    }
}

TEST(McpHeaders, CarryIntegersOnlyAsFarAsEverybodyReadsThem) {
    const auto found = marks(R"({"n":{"type":"integer","x-mcp-header":"N"}})");
    const auto value = [&found](const Json& n) {
        return clients::param_headers_of(found.headers, {{"n", n}});
    };
    EXPECT_EQ((*value(9007199254740991))[0].second, "9007199254740991");
    EXPECT_EQ((*value(-9007199254740991))[0].second, "-9007199254740991");
    EXPECT_FALSE(value(9007199254740992));
    EXPECT_FALSE(value(1.5));
}

TEST(McpEra, IsOfferedByNameOnly) {
    EXPECT_TRUE(clients::offers_stateless(
        {{"supportedVersions", Json::array({"2025-11-25", "2026-07-28"})}}));
    EXPECT_FALSE(clients::offers_stateless({{"supportedVersions", Json::array({"2025-11-25"})}}));
    EXPECT_FALSE(clients::offers_stateless({{"supportedVersions", "2026-07-28"}}));
    EXPECT_FALSE(clients::offers_stateless(Json::object()));
    EXPECT_FALSE(clients::offers_stateless(nullptr));
}

}  // namespace
