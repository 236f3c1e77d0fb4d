// A product in miniature: an MCP server with three tools, whose calls the test answers.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/server.hpp"

namespace runner_tests {

// Any thread.
class ScriptedProduct {
  public:
    struct Call {
        std::string tool;
        base::Json arguments;
        base::Json meta;
        std::string bearer;
        std::string space;
    };

    ScriptedProduct() : server_({.name = "scripted product"}) {
        for (const char* method : {"GET", "POST", "DELETE"}) {
            server_.route(method, "/mcp",
                          [this](const base::ServerRequest& request) { return serve(request); });
        }
        server_.start();
    }
    ScriptedProduct(const ScriptedProduct&) = delete;
    ScriptedProduct& operator=(const ScriptedProduct&) = delete;

    std::string url() const { return server_.url(); }
    std::vector<Call> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    // Stands before every call of a tool; nothing: the call is answered as usual.
    void before_calls(std::function<std::optional<base::ServerResponse>(const Call&)> check) {
        const std::lock_guard lock(mutex_);
        check_ = std::move(check);
    }
    // Runs while a client ends its session, which waits for it.
    void on_goodbye(std::function<void()> told) {
        const std::lock_guard lock(mutex_);
        goodbye_ = std::move(told);
    }
    void offer(base::Json tools) {
        const std::lock_guard lock(mutex_);
        tools_ = std::move(tools);
    }

    void name_itself(std::string name, std::string version) {
        const std::lock_guard lock(mutex_);
        name_ = std::move(name);
        version_ = std::move(version);
    }

    static base::ServerResponse bare(int status) {
        base::ServerResponse response;
        response.status = status;
        response.content_type = "";
        return response;
    }

  private:
    static base::ServerResponse result(const base::Json& id, base::Json value) {
        return base::ServerResponse::json(
            base::Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(value)}});
    }
    base::ServerResponse serve(const base::ServerRequest& request) {
        if (request.method == "DELETE") return goodbye();
        if (request.method == "GET") return bare(405);
        const base::Json message = request.json();
        const std::string method = message.value("method", "");
        if (method.empty() || method.starts_with("notifications/")) return bare(202);
        if (method == "tools/call") return call(request, message);
        if (method == "server/discover")
            return bare(404);  // It speaks the eras with sessions only.
        const std::lock_guard lock(mutex_);
        if (method == "initialize") {
            base::ServerResponse answer =
                result(message["id"], {{"protocolVersion", "2025-11-25"},
                                       {"capabilities", {{"tools", base::Json::object()}}},
                                       {"serverInfo", {{"name", name_}, {"version", version_}}}});
            answer.headers.emplace_back("MCP-Session-Id", "session-1");
            return answer;
        }
        return result(message["id"], {{"tools", tools_}});
    }
    base::ServerResponse goodbye() {
        std::function<void()> told;
        {
            const std::lock_guard lock(mutex_);
            told = goodbye_;
        }
        if (told) told();
        return bare(204);
    }
    base::ServerResponse call(const base::ServerRequest& request, const base::Json& message) {
        const base::Json& params = message.at("params");
        Call one{params.at("name"), params.value("arguments", base::Json::object()),
                 params.value("_meta", base::Json::object()),
                 std::string(request.header("authorization")),
                 std::string(request.header("x-mana-space"))};
        std::function<std::optional<base::ServerResponse>(const Call&)> check;
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back(one);
            check = check_;
        }
        // Outside the lock: it may wait for the test.
        if (check) {
            if (auto answer = check(one)) return *answer;
        }
        const bool broken = one.tool == "notes.add";
        return result(
            message["id"],
            {{"content",
              base::Json::array({{{"type", "text"}, {"text", broken ? "title fehlt" : "fertig"}}})},
             {"isError", broken}});
    }

    mutable std::mutex mutex_;
    base::Json tools_ = base::Json::parse(R"([
        {"name":"todo.create","inputSchema":{"type":"object","properties":{"title":{"type":"string"}},
         "required":["title"]}},
        {"name":"todo.list","inputSchema":{"type":"object"}},
        {"name":"notes.add","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}])");
    std::function<std::optional<base::ServerResponse>(const Call&)> check_;
    std::function<void()> goodbye_;
    std::vector<Call> calls_;
    std::string name_ = "mana", version_ = "1.2";
    base::Server server_;
};

}  // namespace runner_tests
