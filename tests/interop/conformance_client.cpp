// Our MCP client as the official conformance suite drives it: opens the server whose URL is the
// last argument, calls the tools that the scenario wants called, says good-bye. Exit status 0: it
// got through. Which era the server speaks it finds out by itself. The suite says by environment
// what it is about: MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_CONTEXT
#include <cstdio>
#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "clients/mcp.hpp"

namespace {

using base::Json;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

// What a tool is called with: a value of its type for each argument that it demands.
Json arguments_for(const clients::McpTool& tool) {
    if (tool.name == "add_numbers") return {{"a", 2}, {"b", 3}};
    Json arguments = Json::object();
    const Json properties = tool.input_schema.value("properties", Json::object());
    for (const Json& name : tool.input_schema.value("required", Json::array())) {
        const std::string key = name.get<std::string>();
        const std::string type =
            properties.value(key, Json::object()).value("type", std::string("string"));
        arguments[key] = type == "integer" || type == "number" ? Json(1)
                         : type == "boolean"                   ? Json(true)
                                                               : Json("test");
    }
    return arguments;
}

struct Driver {
    explicit Driver(std::string url)
        : target{.url = std::move(url), .bearer = {}, .space_id = {}} {}

    base::Task<void> run() {
        auto session = co_await mcp.open(target);
        const std::string scenario = variable("MCP_CONFORMANCE_SCENARIO");
        if (scenario == "json-schema-ref-no-deref") co_return;  // To be listed only.
        const Json context =
            base::try_parse_json(variable("MCP_CONFORMANCE_CONTEXT")).value_or(Json::object());
        if (context.contains("toolCalls")) {
            for (const Json& one : context["toolCalls"]) {
                co_await call(*session, one["name"].get<std::string>(), one["arguments"]);
            }
        } else {
            co_await call_all(*session);
        }
        co_await session->close();
    }

    base::Task<void> call_all(clients::McpSession& session) {
        Json kept;
        for (const clients::ToolMap::Entry& entry : session.tools().entries()) {
            if (entry.tool.name == "json_schema_2020_12_tool") kept = entry.tool.input_schema;
        }
        for (const clients::ToolMap::Entry& entry : session.tools().entries()) {
            Json arguments = arguments_for(entry.tool);
            // The suite wants to see the schema that we were told.
            if (entry.tool.name == "json_schema_echo") arguments["schema"] = kept;
            co_await call(session, entry.tool.name, std::move(arguments));
        }
    }

    base::Task<void> call(clients::McpSession& session, std::string name, Json arguments) {
        const clients::CallResult result =
            co_await session.call(name, std::move(arguments), {.visit_id = "conformance", .seq = 1},
                                  std::chrono::seconds{20});
        std::printf("%s: %s\n", name.c_str(), result.text.substr(0, 200).c_str());
    }

    base::SystemClock clock;
    base::Loop loop{clock};
    base::Metrics metrics;
    base::Http http{loop, {.shards = 1}};
    clients::McpTarget target;
    clients::Mcp mcp{http, {}, metrics};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: conformance_client URL\n", stderr);
        return 2;
    }
    try {
        Driver driver(argv[argc - 1]);
        return driver.loop.run(driver.run()) ? 0 : 1;
    } catch (const base::Failure& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
