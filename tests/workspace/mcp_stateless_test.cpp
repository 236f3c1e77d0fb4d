#include "workspace/mcp_stateless.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using workspace::RpcCode;

Json call_of(const std::string& version = "2026-07-28") {
    return Json::parse(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"todo.list",
        "arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":")" +
        version + R"(","io.modelcontextprotocol/clientCapabilities":{}}}})");
}

base::ServerRequest request_of(std::multimap<std::string, std::string> headers) {
    base::ServerRequest request;
    request.headers = std::move(headers);
    return request;
}

base::ServerRequest good_request() {
    return request_of({{"mcp-protocol-version", "2026-07-28"},
                       {"mcp-method", "tools/call"},
                       {"mcp-name", "todo.list"}});
}

RpcCode code_of(const std::optional<workspace::StatelessFault>& fault) {
    EXPECT_TRUE(fault.has_value());
    return fault ? fault->code : RpcCode::internal_error;
}

TEST(McpStateless, KnowsItsRequestsByMetaHeaderOrMethod) {
    const Json plain = {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "initialize"}};
    const Json probe = {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "server/discover"}};

    EXPECT_FALSE(workspace::is_stateless(request_of({}), plain));
    EXPECT_FALSE(
        workspace::is_stateless(request_of({{"mcp-protocol-version", "2025-11-25"}}), plain));
    EXPECT_TRUE(
        workspace::is_stateless(request_of({{"mcp-protocol-version", "2026-07-28"}}), plain));
    EXPECT_TRUE(workspace::is_stateless(request_of({}), call_of()));
    EXPECT_TRUE(workspace::is_stateless(request_of({}), probe));
}

TEST(McpStateless, AcceptsHeadersThatAgreeWithTheBody) {
    EXPECT_FALSE(workspace::check_stateless(good_request(), call_of()));
    base::ServerRequest encoded = good_request();
    encoded.headers.erase("mcp-name");
    encoded.headers.emplace("mcp-name", " =?base64?dG9kby5saXN0?= ");
    EXPECT_FALSE(workspace::check_stateless(encoded, call_of()));
}

TEST(McpStateless, RefusesMissingMeta) {
    for (const char* key : {"io.modelcontextprotocol/protocolVersion",
                            "io.modelcontextprotocol/clientCapabilities"}) {
        Json call = call_of();
        call["params"]["_meta"].erase(key);
        EXPECT_EQ(code_of(workspace::check_stateless(good_request(), call)),
                  RpcCode::invalid_params);
    }
    Json bare = call_of();
    bare.erase("params");
    EXPECT_EQ(code_of(workspace::check_stateless(good_request(), bare)), RpcCode::invalid_params);
}

TEST(McpStateless, RefusesHeadersThatAreMissingOrDiffer) {
    for (const char* name : {"mcp-protocol-version", "mcp-method", "mcp-name"}) {
        for (const char* value : {"", "TOOLS/CALL", "=?base64?!?="}) {
            base::ServerRequest request = good_request();
            request.headers.erase(name);
            if (*value) request.headers.emplace(name, value);
            EXPECT_EQ(code_of(workspace::check_stateless(request, call_of())),
                      RpcCode::header_mismatch)
                << name << " " << value;
        }
    }
}

TEST(McpStateless, NamesTheRevisionsItServes) {
    base::ServerRequest request = good_request();
    request.headers.erase("mcp-protocol-version");
    request.headers.emplace("mcp-protocol-version", "2031-01-01");

    const auto fault = workspace::check_stateless(request, call_of("2031-01-01"));

    ASSERT_EQ(code_of(fault), RpcCode::unsupported_version);
    EXPECT_EQ(fault->data["requested"], "2031-01-01");
    EXPECT_EQ(fault->data["supported"], Json::array({"2026-07-28"}));
}

TEST(McpStateless, ComparesParameterHeadersByTheirSchema) {
    const Json schema = Json::parse(R"({"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "page":{"type":"object","properties":{"size":{"type":"integer","x-mcp-header":"Size"}}}}})");
    const Json arguments = {{"region", "Zürich"}, {"page", {{"size", 42}}}};
    const auto check = [&](std::multimap<std::string, std::string> headers, const Json& args) {
        return workspace::check_param_headers(request_of(std::move(headers)), schema, args);
    };

    EXPECT_FALSE(check({{"mcp-param-region", "=?base64?WsO8cmljaA==?="}, {"mcp-param-size", "42"}},
                       arguments));
    EXPECT_FALSE(check({}, Json::object()));
    EXPECT_FALSE(check({}, {{"region", nullptr}}));
    EXPECT_EQ(code_of(check({{"mcp-param-size", "42"}}, arguments)), RpcCode::header_mismatch);
    EXPECT_EQ(code_of(check({{"mcp-param-region", "Bern"}, {"mcp-param-size", "42"}}, arguments)),
              RpcCode::header_mismatch);
    EXPECT_EQ(code_of(check({{"mcp-param-region", "Bern"}}, Json::object())),
              RpcCode::header_mismatch);
}

TEST(McpStateless, AsksForCapabilitiesThatWereNotDeclared) {
    Json call = call_of();
    const Json needed = {{"sampling", Json::object()}};

    const auto fault = workspace::check_capabilities(call, needed);
    ASSERT_EQ(code_of(fault), RpcCode::missing_capability);
    EXPECT_TRUE(fault->data["requiredCapabilities"]["sampling"].is_object());
    call["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = needed;
    EXPECT_FALSE(workspace::check_capabilities(call, needed));
    EXPECT_FALSE(workspace::check_capabilities(call, nullptr));
}

TEST(McpStateless, DecodesOnlyWhatWearsTheWholeMark) {
    EXPECT_EQ(workspace::header_text("  plain "), "plain");
    EXPECT_EQ(workspace::header_text("=?base64?SGk=?="), "Hi");
    EXPECT_EQ(workspace::header_text("=?base64?SGk="), "=?base64?SGk=");
    EXPECT_EQ(workspace::header_text("=?base64?SGk?="), std::nullopt);
    EXPECT_EQ(workspace::header_text("=?="), "=?=");
}

}  // namespace
