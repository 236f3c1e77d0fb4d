// The tool map: names and keys go both ways without loss, bad tools stay alone with their trouble.
#include "clients/tool_map.hpp"

#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "clients/tool_schema.hpp"

namespace {

using base::Json;
using clients::adapt_schema;
using clients::McpTool;
using clients::ToolMap;

McpTool tool_named(const std::string& name, const std::string& schema = R"({"type":"object"})") {
    McpTool tool;
    tool.name = name;
    tool.description = "Does " + name;
    tool.input_schema = base::parse_json(schema, "schema");
    return tool;
}

Json schema_text(const std::string& text) {
    return base::parse_json(text, "schema");
}

TEST(ToolMap, DotsBecomeUnderscoresAndBack) {
    const ToolMap map{{tool_named("todo.create"), tool_named("notes.list")}, "mana"};
    ASSERT_NE(map.by_api_name("todo_create"), nullptr);
    EXPECT_EQ(map.by_api_name("todo_create")->tool.name, "todo.create");
    EXPECT_EQ(map.by_api_name("todo_create")->module, "todo");
    EXPECT_EQ(map.by_tool_name("notes.list")->api_name, "notes_list");
    EXPECT_EQ(map.by_api_name("todo.create"), nullptr);
    EXPECT_EQ(map.modules(), (std::vector<std::string>{"notes", "todo"}));
    EXPECT_TRUE(map.left_out().empty());
}

TEST(ToolMap, NamesAreValidUniqueAndIndependentOfOrder) {
    std::vector<McpTool> tools;
    for (const std::string name :
         {"todo.create", "todo_create", "todo/create", "todo create", "ünïcode.näme",
          "a.very.long.name.that.goes.on.and.on.until.it.is.too.long.for.the.api.x",
          "a.very.long.name.that.goes.on.and.on.until.it.is.too.long.for.the.api.y", "x"}) {
        tools.push_back(tool_named(name));
    }
    const ToolMap map{tools, "mana"};
    EXPECT_TRUE(map.left_out().empty());
    ASSERT_EQ(map.entries().size(), tools.size());
    const std::regex valid{"^[a-zA-Z0-9_-]{1,64}$"};
    std::set<std::string> names;
    for (const auto& entry : map.entries()) {
        EXPECT_TRUE(std::regex_match(entry.api_name, valid)) << entry.api_name;
        EXPECT_TRUE(names.insert(entry.api_name).second) << entry.api_name;
        EXPECT_EQ(map.by_api_name(entry.api_name)->tool.name, entry.tool.name);
    }
    // The tool that has the plain name keeps it.
    EXPECT_EQ(map.by_api_name("todo_create")->tool.name, "todo_create");
    std::reverse(tools.begin(), tools.end());
    EXPECT_EQ(ToolMap(tools, "mana").tools_json(), map.tools_json());
}

TEST(ToolMap, KnowsTheModule) {
    const ToolMap map{{tool_named("a.b.c"), tool_named("d_e.f"), tool_named("g_h"), tool_named("i"),
                       tool_named(".j"), tool_named("k/l")},
                      "alias"};
    EXPECT_EQ(map.by_tool_name("a.b.c")->module, "a");
    EXPECT_EQ(map.by_tool_name("d_e.f")->module, "d_e");
    EXPECT_EQ(map.by_tool_name("g_h")->module, "g");
    EXPECT_EQ(map.by_tool_name("i")->module, "alias");
    EXPECT_EQ(map.by_tool_name(".j")->module, "alias");
    EXPECT_EQ(map.by_tool_name("k/l")->module, "k");
}

TEST(ToolMap, ABadToolIsLeftOutAlone) {
    const ToolMap map{{tool_named("good"), tool_named(""), tool_named("bad.array", R"([1])"),
                       tool_named("bad.type", R"({"type":"string"})"),
                       tool_named("bad.ref", R"({"$ref":"#/$defs/none"})"), tool_named("good")},
                      "alias"};
    ASSERT_EQ(map.entries().size(), 1U);
    EXPECT_EQ(map.left_out().size(), 5U);
    EXPECT_EQ(map.left_out()[1].find("bad.array: "), 0U);
}

TEST(ToolMap, WritesTheApisArray) {
    McpTool bare = tool_named("b");
    bare.description = " ";
    const Json tools =
        base::parse_json(ToolMap({bare, tool_named("a.a")}, "alias").tools_json(), "tools");
    ASSERT_EQ(tools.size(), 2U);
    EXPECT_EQ(tools[0]["name"], "a_a");
    EXPECT_EQ(tools[0]["description"], "Does a.a");
    EXPECT_EQ(tools[0]["input_schema"]["type"], "object");
    EXPECT_FALSE(tools[1]["description"].get<std::string>().empty());
    EXPECT_EQ(ToolMap{}.tools_json(), "[]");
}

TEST(ToolMap, RenamesPropertyKeysAndTakesThemBack) {
    const ToolMap map{{tool_named("t", R"({"type":"object","properties":{"ok":{"type":"string"},
        "größe":{"type":"integer"},"gr__e":{},"":{}},"required":["größe","ok"]})")},
                      "alias"};
    const auto* entry = map.by_api_name("t");
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(entry->renamed.size(), 2U);
    const std::regex valid{"^[a-zA-Z0-9_.-]{1,64}$"};
    for (const auto& [key, value] : entry->schema["properties"].items()) {
        EXPECT_TRUE(std::regex_match(key, valid)) << key;
    }
    EXPECT_EQ(entry->schema["properties"].size(), 4U);
    EXPECT_EQ(entry->schema["required"][0], entry->renamed[0].first);
    Json input = Json::object();
    for (const auto& [key, value] : entry->schema["properties"].items()) input[key] = key;
    const Json arguments = ToolMap::product_arguments(*entry, input);
    EXPECT_EQ(arguments.size(), 4U);
    EXPECT_EQ(arguments["größe"], entry->renamed[0].first);
    EXPECT_EQ(arguments["ok"], "ok");
    EXPECT_EQ(arguments["gr__e"], "gr__e");
    EXPECT_TRUE(arguments.contains(""));
}

TEST(ToolSchema, AnEmptySchemaIsAnObjectWithoutFields) {
    for (const Json& schema : {Json(), Json::object(), Json(true)}) {
        const auto adapted = adapt_schema(schema);
        EXPECT_EQ(adapted.fault, "");
        EXPECT_EQ(adapted.schema, schema_text(R"({"type":"object","properties":{}})"));
    }
}

TEST(ToolSchema, AGoodSchemaStaysAsItIs) {
    const Json schema = schema_text(R"({"type":"object","properties":{"id":{"type":"string",
        "format":"uuid"},"n":{"anyOf":[{"type":"integer","exclusiveMinimum":0},{"type":"null"}]}},
        "required":["id"],"additionalProperties":false})");
    EXPECT_EQ(adapt_schema(schema).schema, schema);
}

TEST(ToolSchema, FoldsChoicesIntoTheRoot) {
    const auto adapted = adapt_schema(schema_text(R"({"type":"object",
        "properties":{"kind":{"type":"string"}},"required":["kind"],
        "oneOf":[{"properties":{"a":{"type":"string"},"same":{"const":1}},"required":["a","same"]},
                 {"properties":{"b":{"type":"string"},"same":{"const":2}},
                  "required":["b","same"]}]})"));
    EXPECT_EQ(adapted.fault, "");
    EXPECT_FALSE(adapted.schema.contains("oneOf"));
    EXPECT_EQ(adapted.schema["properties"].size(), 4U);
    EXPECT_EQ(adapted.schema["properties"]["same"],
              schema_text(R"({"anyOf":[{"const":1},{"const":2}]})"));
    EXPECT_EQ(adapted.schema["required"], schema_text(R"(["kind","same"])"));
    EXPECT_NE(adapted.note.find("exactly one"), std::string::npos);
    EXPECT_NE(adapted.note.find("(a, same)"), std::string::npos);
}

TEST(ToolSchema, FoldsAllOfWithReferences) {
    const auto adapted = adapt_schema(schema_text(R"({"allOf":[{"$ref":"#/definitions/base"},
        {"properties":{"b":{}},"required":["b"]}],
        "definitions":{"base":{"type":"object","properties":{"a":{"$ref":"#/definitions/id"}},
        "required":["a"]},"id":{"type":"string"}}})"));
    EXPECT_EQ(adapted.fault, "");
    EXPECT_FALSE(adapted.schema.contains("allOf"));
    EXPECT_EQ(adapted.schema["required"], schema_text(R"(["a","b"])"));
    EXPECT_EQ(adapted.schema["properties"]["a"]["$ref"], "#/$defs/id");
    EXPECT_TRUE(adapted.schema["$defs"].contains("id"));
    EXPECT_TRUE(adapted.note.empty());
}

TEST(ToolSchema, InlinesARootReference) {
    const auto adapted = adapt_schema(schema_text(
        R"({"$ref":"#/$defs/in","$defs":{"in":{"type":"object","properties":{"a":{}}}}})"));
    EXPECT_EQ(adapted.fault, "");
    EXPECT_FALSE(adapted.schema.contains("$ref"));
    EXPECT_TRUE(adapted.schema["properties"].contains("a"));
}

TEST(ToolSchema, CirclesAndDepthsAreFaultsNotHangs) {
    EXPECT_NE(
        adapt_schema(schema_text(R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}})"))
            .fault,
        "");
    EXPECT_NE(adapt_schema(schema_text(
                               R"({"allOf":[{"$ref":"#/$defs/a"}],
                        "$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"}]}}})"))
                  .fault,
              "");
    Json deep = Json::object();
    for (int i = 0; i < 40; ++i) {
        deep = Json{{"type", "object"}, {"properties", Json{{"a", std::move(deep)}}}};
    }
    EXPECT_NE(adapt_schema(deep).fault, "");
    Json wide = {{"type", "object"}, {"description", std::string(70'000, 'x')}};
    EXPECT_NE(adapt_schema(wide).fault, "");
}

TEST(ToolSchema, TranslatesOlderDraftsAndDropsWhatIsMalformed) {
    const auto adapted =
        adapt_schema(schema_text(R"({"$schema":"http://json-schema.org/draft-04/schema#",
        "id":"http://example.test/x","type":"object","properties":{
          "n":{"type":"number","minimum":1,"exclusiveMinimum":true,
               "maximum":9,"exclusiveMaximum":false},
          "pair":{"type":"array","items":[{"type":"string"},{"type":"integer"}],
                  "additionalItems":false},
          "far":{"$ref":"https://example.test/far.json"},
          "odd":{"type":"text","enum":[],"required":true,"minLength":-1,"pattern":5},
          "data":{"default":{"type":"kept as it is"},"enum":[{"items":[1]}]}}})"));
    EXPECT_EQ(adapted.fault, "");
    EXPECT_EQ(adapted.schema, schema_text(R"({"type":"object","properties":{
          "n":{"type":"number","maximum":9,"exclusiveMinimum":1},
          "pair":{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],
                  "items":false},
          "far":{},"odd":{},
          "data":{"default":{"type":"kept as it is"},"enum":[{"items":[1]}]}}})"));
}

}  // namespace
