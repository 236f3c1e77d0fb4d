// Wrong input at the workspace's door: every argument of every tool, the JSON-RPC around it, the
// headers, the internal call. Refusals name what is wrong and what is valid, and change no record.
#include <gmock/gmock.h>

#include "base/text.hpp"
#include "tests/workspace/world.hpp"

namespace {

using testing::AnyOf;
using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;

struct Wrong {
    Json value;
    std::string valid;
};

bool allows(const Json& schema, const std::string& type) {
    const Json& listed = schema["type"];
    return listed.is_string() ? listed == type
                              : std::find(listed.begin(), listed.end(), type) != listed.end();
}

// A value that the schema takes; enough for what is not under test.
Json right_value(const Json& schema) {
    if (schema.contains("enum")) return schema["enum"][0];
    const std::string format = schema.value("format", "");
    if (format == "uuid") return "00000000-0000-4000-8000-000000000000";
    if (format == "date") return "2026-11-21";
    if (format == "date-time") return "2026-11-21T09:30:00Z";
    if (format == "uri") return "https://example.org/page";
    if (format == "email") return "name@example.org";
    if (allows(schema, "string")) return "text";
    if (allows(schema, "array")) {
        Json items = Json::array();
        if (schema.value("minItems", 0) > 0) items.push_back(right_value(schema["items"]));
        return items;
    }
    if (allows(schema, "object")) {
        Json object = Json::object();
        for (const Json& name : schema.value("required", Json::array())) {
            const std::string field = name;
            object[field] = right_value(schema["properties"][field]);
        }
        return object;
    }
    if (allows(schema, "boolean")) return true;
    return schema.value("minimum", 1);
}

// What a value of this schema must not be, down to the members of its members.
std::vector<Wrong> wrong_values(const Json& schema);

void wrong_members(const Json& schema, std::vector<Wrong>& wrong) {
    const Json right = right_value(schema);
    wrong.push_back({7, "must be of type object"});
    Json surplus = right;
    surplus["surplus"] = 1;
    wrong.push_back({surplus, "surplus is not known"});
    for (const auto& [name, inner] : schema["properties"].items()) {
        for (const Wrong& one : wrong_values(inner)) {
            Json value = right;
            value[name] = one.value;
            wrong.push_back({value, one.valid});
        }
    }
    for (const Json& name : schema.value("required", Json::array())) {
        Json value = right;
        value.erase(name.get<std::string>());
        wrong.push_back({value, name.get<std::string>() + " is required"});
    }
}

std::vector<Wrong> wrong_values(const Json& schema) {
    std::vector<Wrong> wrong;
    if (!allows(schema, "object")) wrong.push_back({{{"a", 1}}, "must be of type "});
    if (!allows(schema, "null")) wrong.push_back({nullptr, ""});
    if (schema.contains("enum")) wrong.push_back({"nonsense", "must be "});
    if (allows(schema, "string")) {
        wrong.push_back({7, "must be "});
        // Without a limit of its own it has a form, which this has not.
        const auto longest = schema.value("maxLength", std::size_t{1'000});
        wrong.push_back({std::string(longest + 1, 'a'), "must be "});
        wrong.push_back({std::string("a\0b", 3), "must "});
        if (schema.value("minLength", 0) > 0) wrong.push_back({"", "must be "});
        if (schema.value("minLength", 0) > 0) wrong.push_back({"  ", "must not be blank"});
        if (schema.contains("format")) wrong.push_back({"!", "must be a"});
        if (schema.contains("pattern")) wrong.push_back({"!", "must be a "});
    }
    if (allows(schema, "integer") || allows(schema, "number")) {
        wrong.push_back({"7", "must be of type "});
        if (allows(schema, "integer")) wrong.push_back({1.5, "must be of type integer"});
        if (schema.contains("minimum")) {
            wrong.push_back({schema["minimum"].get<int>() - 1, "must be at least "});
        }
        if (schema.contains("maximum")) {
            wrong.push_back({schema["maximum"].get<int>() + 1, "must be at most "});
        }
        if (schema.contains("exclusiveMinimum")) {
            wrong.push_back({schema["exclusiveMinimum"], "must be greater than "});
        }
    }
    if (allows(schema, "boolean")) wrong.push_back({"yes", "must be of type boolean"});
    if (allows(schema, "object")) wrong_members(schema, wrong);
    if (allows(schema, "array")) {
        wrong.push_back({"x", "must be of type array"});
        for (const Wrong& one : wrong_values(schema["items"])) {
            wrong.push_back({Json::array({one.value}), one.valid});
        }
        if (schema.value("minItems", 0) > 0) wrong.push_back({Json::array(), "must have "});
    }
    return wrong;
}

std::string contents(World& world) {
    return world
        .look(
            "select coalesce(md5(string_agg(r::text, '|' order by record_id)), '') || "
            "(select count(*) from workspace.changes) as all from workspace.records r")[0]
        .text("all");
}

// mcp-tools 8: arguments are checked against the published schema, always.
TEST(BadInput, EveryArgumentOfEveryToolIsNamed) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    anna.call("todo.create", {{"title", "stays"}});
    const std::string before = contents(world);
    const Json tools = anna.request("tools/list")["result"]["tools"];
    ASSERT_GT(tools.size(), 60u);
    for (const Json& tool : tools) {
        const std::string name = tool["name"];
        const Json& properties = tool["inputSchema"]["properties"];
        const Json required = tool["inputSchema"].value("required", Json::array());
        Json good = Json::object();
        for (const Json& needed : required) {
            const std::string field = needed;
            good[field] = right_value(properties[field]);
        }
        const auto refused = [&](const Json& arguments, const std::string& named,
                                 const std::string& valid) {
            const std::string text = anna.refusal(name, arguments);
            const std::string what = name + " " + base::cut(base::to_text(arguments), 200);
            EXPECT_THAT(text, HasSubstr(name + " was not run: ")) << what;
            EXPECT_THAT(text, HasSubstr(named)) << what;
            EXPECT_THAT(text, HasSubstr(valid)) << what;
        };
        Json surplus = good;
        surplus["surplus"] = 1;
        refused(surplus, "surplus is not known; ",
                properties.empty() ? "no arguments" : "known are ");
        for (const auto& [field, schema] : properties.items()) {
            const bool needed =
                std::find(required.begin(), required.end(), field) != required.end();
            if (needed) {
                Json without = good;
                without.erase(field);
                refused(without, field, "is required");
            }
            for (const Wrong& wrong : wrong_values(schema)) {
                // Null stands for "not given" where a value may be left out.
                if (wrong.value.is_null() && !needed) continue;
                Json arguments = good;
                arguments[field] = wrong.value;
                refused(arguments, field, wrong.valid);
            }
        }
    }
    EXPECT_EQ(contents(world), before);
}

TEST(BadInput, EveryPartOfAMessageIsNamed) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    const std::string before = contents(world);
    struct Case {
        std::string body, named;
        int status = 400;
    };
    const auto call = [](const std::string& params) {
        return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)" + params + "}";
    };
    const std::string meta = R"({"name":"todo.list","_meta":)";
    const std::string visit = R"({"persona-runner/visit":)";
    const Case cases[] = {
        {"", "not valid JSON"},
        {"{", "not valid JSON"},
        {"7", "must be a JSON object"},
        {R"({"id":1,"method":"ping"})", "jsonrpc"},
        {R"({"jsonrpc":"1.0","id":1,"method":"ping"})", "\\\"jsonrpc\\\" must be \\\"2.0\\\""},
        {R"({"jsonrpc":"2.0","id":1})", "method"},
        {R"({"jsonrpc":"2.0","id":1,"method":7})", "method"},
        {R"({"jsonrpc":"2.0","id":1,"method":""})", "method"},
        {R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", "id"},
        {R"({"jsonrpc":"2.0","id":{},"method":"ping"})", "id"},
        {R"({"jsonrpc":"2.0","id":")" + std::string(1'025, 'x') + R"(","method":"ping"})",
         "at most 1024 bytes"},
        {R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})", "params"},
        {R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "one message per request"},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/cal"})", "tools/cal", 200},
        {R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}})", "cursor",
         200},
        {R"({"jsonrpc":"2.0","id":1,"method":"initialize"})", "protocolVersion", 200},
        {R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":7}})",
         "protocolVersion must be a string", 200},
        {call("{}"), "params.name must be text", 200},
        {call(R"({"name":7})"), "params.name must be text", 200},
        {call(R"({"name":""})"), "params.name must be text", 200},
        {call(R"({"name":")" + std::string(201, 'a') + "\"}"), "params.name must be text", 200},
        {call(R"({"name":"todo.lost"})"), "todo.lost", 200},
        {call(R"({"name":"todo.list","arguments":[]})"), "params.arguments must be an object", 200},
        {call(R"({"name":"todo.list","arguments":"x"})"), "params.arguments must be an object",
         200},
        {call(meta + "7}"), "_meta must be an object", 200},
        {call(meta + visit + "\"v\"}}"), "_meta.persona-runner/seq", 200},
        {call(meta + visit + R"(7,"persona-runner/seq":1}})"), "_meta.persona-runner/visit", 200},
        {call(meta + visit + R"("","persona-runner/seq":1}})"), "_meta.persona-runner/visit", 200},
        {call(meta + visit + R"("v","persona-runner/seq":-1}})"),
         "_meta.persona-runner/seq must be a whole number from 0 to 1000000", 200},
        {call(meta + visit + R"("v","persona-runner/seq":1.5}})"),
         "_meta.persona-runner/seq must be a whole number", 200},
    };
    for (const Case& one : cases) {
        const base::HttpResponse answer = anna.send(one.body, anna.headers());
        EXPECT_EQ(answer.status, one.status) << one.body << answer.body;
        const Json body = Json::parse(answer.body);
        EXPECT_TRUE(body.contains("error")) << one.body << answer.body;
        EXPECT_FALSE(body.contains("result")) << one.body << answer.body;
        EXPECT_THAT(answer.body, HasSubstr(one.named)) << one.body;
    }
    EXPECT_EQ(contents(world), before);
}

TEST(BadInput, EveryHeaderIsNamed) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    struct Case {
        std::string header, value, named;
        int status;
    };
    const Case cases[] = {
        {"Authorization", "", "Authorization: Bearer", 401},
        {"Authorization", "Basic YTpi", "token", 401},
        {"X-Mana-Space", "", "X-Mana-Space", 400},
        {"X-Mana-Space", std::string(129, 's'), "X-Mana-Space", 400},
        {"X-Mana-Space", "nest", "X-Mana-Space", 403},
        {"Content-Type", "text/plain", "Content-Type: application/json", 415},
        {"Accept", "text/html", "accept application/json", 406},
        {"MCP-Protocol-Version", "1999-01-01", "2025-11-25", 400},
        {"Mcp-Session-Id", "", "Mcp-Session-Id", 400},
        {"Mcp-Session-Id", "another", "Session not found", 404},
    };
    for (const Case& one : cases) {
        base::HttpHeaders headers = anna.headers();
        std::erase_if(headers, [&](const auto& header) { return header.first == one.header; });
        if (!one.value.empty()) headers.emplace_back(one.header, one.value);
        const base::HttpResponse answer =
            anna.send(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", headers);
        EXPECT_EQ(answer.status, one.status) << one.header << one.value << answer.body;
        EXPECT_THAT(answer.body, HasSubstr(one.named)) << one.header << one.value;
    }
}

TEST(BadInput, OtherPathsAndMethodsAreNamed) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("todo.create", {{"title", "stays"}});
    const std::string before = contents(world);
    struct Case {
        std::string method, path, named;
        int status;
        std::string allow = {};
    };
    const Case cases[] = {
        {"PUT", "/mcp", "method not allowed", 405, "DELETE, GET, HEAD, OPTIONS, POST"},
        {"POST", "/health", "method not allowed", 405, "GET, HEAD"},
        {"POST", "/internal/users/anna/records", "method not allowed", 405, "DELETE, GET, HEAD"},
        {"GET", "/internal/users/anna/records", "X-Service-Key", 401},
        {"DELETE", "/internal/users/anna/records", "X-Service-Key", 401},
        {"GET", "/internal/users/anna/summary", "X-Service-Key", 401},
        {"DELETE", "/internal/spaces/home/records", "X-Service-Key", 401},
        {"POST", "/internal/users/anna/singletons", "X-Service-Key", 401},
        {"DELETE", "/internal/users//records", "no such path", 404},
        {"POST", "/internal/users/anna/permissions", "method not allowed", 405, "GET, HEAD, PUT"},
        {"PUT", "/internal/users/anna/permissions", "X-Service-Key", 401},
        {"GET", "/nothing", "no such path", 404},
    };
    for (const Case& one : cases) {
        const base::HttpResponse answer =
            base::fetch({.method = one.method, .url = world.service->url() + one.path});
        EXPECT_EQ(answer.status, one.status) << one.method << one.path;
        EXPECT_THAT(answer.body, HasSubstr(one.named)) << one.method << one.path;
        EXPECT_EQ(answer.header("allow"), one.allow) << one.method << one.path;
    }
    const base::HttpResponse typo =
        base::fetch({.method = "DELETE",
                     .url = world.service->url() + "/internal/users/anna/records?dryRun=1",
                     .headers = {{"X-Service-Key", tests::service_key}}});
    EXPECT_EQ(typo.status, 400);
    EXPECT_THAT(typo.body, HasSubstr("dryRun is not a known query parameter"));
    for (const char* body :
         {"", "[]", "{}", R"({"allowDestructive":7})", R"({"allowDestructive":[7]})",
          R"({"allowDestructive":["todo.create"]})", R"({"allowDestructive":["lost.*"]})",
          R"({"allowDestructive":[],"more":1})"}) {
        const base::HttpResponse answer =
            base::fetch({.method = "PUT",
                         .url = world.service->url() + "/internal/users/anna/permissions",
                         .headers = {{"X-Service-Key", tests::service_key}},
                         .body = body});
        EXPECT_EQ(answer.status, 400) << body << answer.body;
    }
    EXPECT_EQ(contents(world), before);
}

}  // namespace
