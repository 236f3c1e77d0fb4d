#include "workspace/json_rpc.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using workspace::kind_of;
using workspace::RpcKind;

RpcKind kind(const char* text, std::string* fault = nullptr) {
    return kind_of(Json::parse(text), fault);
}

TEST(JsonRpc, TellsTheKindsOfMessagesApart) {
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"), RpcKind::request);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":"a","method":"ping","params":{}})"), RpcKind::request);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"),
              RpcKind::notification);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":3,"result":{}})"), RpcKind::response);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":3,"error":{"code":1}})"), RpcKind::response);
}

TEST(JsonRpc, SaysWhatMakesAMessageInvalid) {
    std::string fault;

    EXPECT_EQ(kind(R"({"id":1,"method":"ping"})", &fault), RpcKind::invalid);
    EXPECT_EQ(fault, "\"jsonrpc\" must be \"2.0\"");
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":null,"method":"ping"})", &fault), RpcKind::invalid);
    EXPECT_EQ(fault, "\"id\" must be an integer or a string of at most 1024 bytes");
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})"), RpcKind::invalid);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"method":""})"), RpcKind::invalid);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})"), RpcKind::invalid);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1})"), RpcKind::invalid);
    EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})"), RpcKind::invalid);
    EXPECT_EQ(kind(R"("text")"), RpcKind::invalid);
}

TEST(JsonRpc, EchoesTheIdWithItsType) {
    EXPECT_EQ(workspace::id_of(Json::parse(R"({"id":"7"})")).dump(), R"("7")");
    EXPECT_EQ(workspace::id_of(Json::parse(R"({"id":7})")).dump(), "7");
    EXPECT_EQ(workspace::id_of(Json::parse(R"({"id":{}})")).dump(), "null");
    EXPECT_EQ(workspace::rpc_result(7, Json::object()).dump(),
              R"({"jsonrpc":"2.0","id":7,"result":{}})");
    EXPECT_EQ(workspace::rpc_error("a", workspace::RpcCode::unknown_method, "no").dump(),
              R"({"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no"}})");
}

}  // namespace
