// A workspace service on a throw-away database, with a small auth service on the far side of the
// wire that records what it was asked and can be told to fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/http.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_database.hpp"
#include "tests/workspace/fake_auth.hpp"
#include "workspace/migrations.hpp"
#include "workspace/schema.hpp"
#include "workspace/service.hpp"

namespace tests {

// A gate that stands open: for tests of everything else.
inline workspace::Options open_options() {
    workspace::Options options;
    options.gate.allow_destructive = {"*"};
    options.gate.calls_per_minute_max = 1'000'000;
    options.calls_per_minute_max = 1'000'000;
    // So that every module is offered. Nobody is asked: the address is no public one.
    options.feeds.urls = {"http://127.0.0.1:9/feed"};
    return options;
}

struct World {
    explicit World(workspace::Options changes = open_options())
        : database({{"workspace", workspace::migrations()}}), options(std::move(changes)) {
        postgres = std::make_unique<base::Postgres>(
            base::PostgresOptions{.url = database.app_url(), .connections_max = 8});
        options.port = 0;
        options.auth_url = auth.url();
        options.service_key = base::Secret(service_key);
        options.issuers = {issuer};
        options.threads_max = 32;
        auth.join("anna", "home");
        auth.join("anna", "flat");
        auth.join("ben", "nest");
        auth.join("ben", "flat", "member");
        restart();
    }

    void restart() {
        service.reset();
        service = std::make_unique<workspace::Service>(*postgres, options, clock, metrics);
        service->start();
    }

    // One statement as a database superuser, whom no policy stops.
    base::SqlRows look(std::string_view statement, const base::SqlParams& params = {}) {
        if (!superuser) {
            superuser = std::make_unique<base::Postgres>(
                base::PostgresOptions{.url = database.superuser_url(), .connections_max = 2});
        }
        return superuser->transact(
            [&](base::Transaction& transaction) { return transaction.run(statement, params); });
    }

    test_support::TempDatabase database;
    FakeClock clock{false};
    base::Metrics metrics;
    FakeAuth auth;
    std::unique_ptr<base::Postgres> postgres, superuser;
    workspace::Options options;
    std::unique_ptr<workspace::Service> service;
};

// One caller over the wire.
class Client {
  public:
    Client(World& world, std::string user, std::string space)
        : world_(world), user_(std::move(user)), space_(std::move(space)) {}

    base::HttpHeaders headers() const {
        base::HttpHeaders headers = {
            {"Authorization", "Bearer " + world_.auth.token(user_, world_.clock.now())},
            {"X-Mana-Space", space_},
            {"Content-Type", "application/json"},
            {"Accept", "application/json, text/event-stream"}};
        if (!session.empty()) headers.emplace_back("Mcp-Session-Id", session);
        return headers;
    }

    base::HttpResponse send(const std::string& body, base::HttpHeaders with,
                            const std::string& method = "POST") const {
        return base::fetch({.method = method,
                            .url = world_.service->mcp_url(),
                            .headers = std::move(with),
                            .body = body});
    }
    base::HttpResponse send(const Json& message) const { return send(message.dump(), headers()); }

    Json open(const std::string& version = "2025-11-25") {
        session.clear();
        const base::HttpResponse response =
            send({{"jsonrpc", "2.0"},
                  {"id", 1},
                  {"method", "initialize"},
                  {"params",
                   {{"protocolVersion", version},
                    {"capabilities", Json::object()},
                    {"clientInfo", {{"name", "test"}, {"version", "1"}}}}}});
        EXPECT_EQ(response.status, 200) << response.body;
        session = response.header("mcp-session-id");
        return Json::parse(response.body);
    }

    // The answer itself, or the last message of a stream: what came before it is progress.
    static Json answer_of(const base::HttpResponse& response) {
        if (!response.header("content-type").starts_with("text/event-stream")) {
            return Json::parse(response.body);
        }
        const std::size_t at = response.body.rfind("data: ");
        return Json::parse(response.body.substr(at + 6, response.body.find('\n', at) - at - 6));
    }

    Json request(const std::string& method, const Json& params = Json::object()) {
        const base::HttpResponse response =
            send({{"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", params}});
        EXPECT_EQ(response.status, 200) << response.body;
        return answer_of(response);
    }

    // The MCP result of a call; `meta` marks it as a visit's.
    Json result(const std::string& tool, const Json& arguments = Json::object(),
                const Json& meta = nullptr) {
        if (session.empty()) open();
        Json params = {{"name", tool}, {"arguments", arguments}};
        if (!meta.is_null()) params["_meta"] = meta;
        const Json answer = request("tools/call", params);
        EXPECT_TRUE(answer.contains("result")) << answer.dump();
        return answer.value("result", Json::object());
    }

    // What a call that must succeed answers.
    Json call(const std::string& tool, const Json& arguments = Json::object()) {
        const Json answer = result(tool, arguments);
        EXPECT_FALSE(answer.value("isError", false)) << answer.dump();
        return answer.value("structuredContent", Json::object());
    }

    // What a call that must be refused says.
    std::string refusal(const std::string& tool, const Json& arguments = Json::object()) {
        const Json answer = result(tool, arguments);
        EXPECT_TRUE(answer.value("isError", false)) << answer.dump();
        EXPECT_FALSE(answer.contains("structuredContent"));
        return answer["content"][0]["text"].get<std::string>();
    }

    std::string session;

  private:
    World& world_;
    const std::string user_, space_;
    int last_id_ = 1;
};

inline std::vector<std::string> pick(const Json& records, const char* field) {
    std::vector<std::string> values;
    for (const Json& record : records) values.push_back(record[field].get<std::string>());
    return values;
}

}  // namespace tests
