// A product with two tools over a real socket; the test replaces what it wants to see go wrong.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "clients/mcp.hpp"
#include "tests/clients/far_end.hpp"

namespace tests {

inline base::ServerResponse rpc_result(const base::Json& id, base::Json result) {
    return base::ServerResponse::json(
        base::Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

inline base::Json text_result(const std::string& text) {
    return base::Json{
        {"content", base::Json::array({base::Json{{"type", "text"}, {"text", text}}})}};
}

inline std::string rpc_event(const base::Json& message) {
    return "data: " + base::to_text(message) + "\n\n";
}

inline base::ServerResponse no_content(int status) {
    base::ServerResponse response;
    response.status = status;
    response.content_type = "";
    return response;
}

inline base::ServerResponse session_gone(int status = 404) {
    return base::ServerResponse::json(
        base::Json{{"jsonrpc", "2.0"},
                   {"id", nullptr},
                   {"error", {{"code", -32001}, {"message", "Session not found"}}}},
        status);
}

template <class TheClock>
struct McpRoom : Outbound<TheClock> {
    std::string revision = "2025-11-25";
    clients::McpEra era = clients::McpEra::sessions;
    std::atomic<int> handshakes{0}, calls{0}, goodbyes{0}, cancels{0}, replies{0};
    std::string last_reply;  // What we answered to the server, read when the call has ended.
    base::Handler on_call = [](const base::ServerRequest& request) {
        const base::Json message = request.json();
        return rpc_result(message["id"], text_result("did " + base::to_text(message["params"])));
    };
    base::Handler on_list = [](const base::ServerRequest& request) {
        return rpc_result(
            request.json()["id"],
            base::Json{
                {"tools", base::Json::array({base::Json{{"name", "todo.create"},
                                                        {"inputSchema", {{"type", "object"}}}},
                                             base::Json{{"name", "todo.list"}}})}});
    };

    McpRoom() {
        this->far_end.otherwise(
            [this](const base::ServerRequest& request) { return serve(request); });
    }

    base::ServerResponse serve(const base::ServerRequest& request) {
        if (request.method == "DELETE") {
            ++goodbyes;
            return no_content(204);
        }
        if (request.method == "GET") return no_content(405);
        const base::Json message = request.json();
        if (!message.contains("method")) {
            last_reply = request.body;
            ++replies;
            return no_content(202);
        }
        const std::string method = message["method"];
        if (method == "notifications/cancelled") ++cancels;
        if (method.starts_with("notifications/")) return no_content(202);
        if (method == "initialize") {
            base::ServerResponse answer = rpc_result(
                message["id"], base::Json{{"protocolVersion", revision},
                                          {"capabilities", {{"tools", base::Json::object()}}},
                                          {"serverInfo", {{"name", "fake"}, {"version", "1.2"}}}});
            answer.headers.emplace_back("MCP-Session-Id",
                                        "session-" + std::to_string(++handshakes));
            return answer;
        }
        if (method == "tools/list") return on_list(request);
        ++calls;
        return on_call(request);
    }

    clients::McpTarget target() {
        return {.url = this->far_end.url() + "/mcp",
                .bearer = base::Secret{"jwt"},
                .space_id = "space-1",
                .era = era};
    }
    std::unique_ptr<clients::McpSession> open(clients::Mcp& mcp) {
        return this->run(mcp.open(target()));
    }
    clients::CallResult call(clients::McpSession& session,
                             std::chrono::milliseconds limit = std::chrono::milliseconds{5'000}) {
        return this->run(session.call("todo.create", base::Json{{"title", "x"}},
                                      {.visit_id = "v1", .seq = 3}, limit));
    }
};

using VirtualMcpRoom = McpRoom<CourteousClock>;
using RealMcpRoom = McpRoom<base::SystemClock>;

}  // namespace tests
