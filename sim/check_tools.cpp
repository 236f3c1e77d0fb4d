// Tool definitions, tool_choice, and the schemas of tools and structured outputs.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/check.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::array<std::string_view, 11> tools_fields{
    "type",          "name",          "description",           "input_schema",   "strict",
    "cache_control", "defer_loading", "eager_input_streaming", "input_examples", "allowed_callers",
    "toolset_name"};
constexpr std::array<std::string_view, 7> schema_types{"object",  "array",   "string", "number",
                                                       "integer", "boolean", "null"};
constexpr int schema_depth_max = 32;

bool tools_valid_name(std::string_view name) {
    if (name.empty() || name.size() > 64) return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
    });
}

void schema_check_type(const base::Json& type, const std::string& path) {
    const auto check = [&path](const base::Json& word) {
        const bool known =
            word.is_string() && std::find(schema_types.begin(), schema_types.end(),
                                          word.get_ref<const std::string&>()) != schema_types.end();
        if (!known)
            refuse(path + ": JSON schema is invalid. It must match JSON Schema draft 2020-12");
    };
    if (type.is_array()) {
        for (const base::Json& word : type) check(word);
    } else {
        check(type);
    }
}

// Well-formed JSON Schema: the keywords that nest or that clients get wrong.
void schema_check(const base::Json& schema, const std::string& path, int depth) {
    if (schema.is_boolean()) return;
    const std::string bad =
        path + ": JSON schema is invalid. It must match JSON Schema draft 2020-12";
    if (!schema.is_object() || depth > schema_depth_max) refuse(bad);
    if (schema.contains("type")) schema_check_type(schema["type"], path);
    if (schema.contains("required")) {
        if (!schema["required"].is_array()) refuse(bad);
        for (const base::Json& name : schema["required"]) {
            if (!name.is_string()) refuse(bad);
        }
    }
    if (schema.contains("enum") && (!schema["enum"].is_array())) refuse(bad);
    for (const char* keyword : {"minLength", "maxLength", "minItems", "maxItems"}) {
        if (schema.contains(keyword) && !schema[keyword].is_number_unsigned()) refuse(bad);
    }
    for (const char* keyword : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
        if (schema.contains(keyword) && !schema[keyword].is_number()) refuse(bad);
    }
    for (const char* keyword : {"properties", "$defs", "definitions", "patternProperties"}) {
        if (!schema.contains(keyword)) continue;
        if (!schema[keyword].is_object()) refuse(bad);
        for (const auto& [name, inner] : schema[keyword].items()) {
            schema_check(inner, path, depth + 1);
        }
    }
    for (const char* keyword : {"items", "additionalProperties", "not"}) {
        if (schema.contains(keyword)) schema_check(schema[keyword], path, depth + 1);
    }
    for (const char* keyword : {"anyOf", "oneOf", "allOf", "prefixItems"}) {
        if (!schema.contains(keyword)) continue;
        if (!schema[keyword].is_array() || schema[keyword].empty()) refuse(bad);
        for (const base::Json& inner : schema[keyword]) schema_check(inner, path, depth + 1);
    }
}

struct StrictCount {
    int optional = 0;
    int unions = 0;
};

void schema_refuse_keywords(const base::Json& schema, const std::string& path) {
    for (const char* keyword :
         {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
          "maxLength", "maxItems", "uniqueItems", "minProperties", "maxProperties", "oneOf", "not",
          "patternProperties", "if"}) {
        if (schema.contains(keyword)) {
            refuse(fmt::format("{}: For '{}' type, property '{}' is not supported", path,
                               text_member(schema, "type"), keyword));
        }
    }
    if (schema.contains("minItems") && schema["minItems"] != 0 && schema["minItems"] != 1) {
        refuse(path + ": For 'array' type, 'minItems' values other than 0 or 1 are not supported");
    }
    if (schema.contains("$ref") && !text_member(schema, "$ref").starts_with("#")) {
        refuse(path + ": external $ref is not supported");
    }
}

void schema_check_strict(const base::Json& schema, const std::string& path, StrictCount& count,
                         int depth) {
    if (!schema.is_object()) refuse(path + ": a schema must be an object");
    schema_refuse_keywords(schema, path);
    const bool is_object = text_member(schema, "type") == "object" || schema.contains("properties");
    if (is_object && schema.value("additionalProperties", base::Json(true)) != false) {
        refuse(path +
               ": For 'object' type, 'additionalProperties' must be explicitly set to false");
    }
    if (schema.contains("anyOf") || (schema.contains("type") && schema["type"].is_array())) {
        ++count.unions;
    }
    for (const char* keyword : {"properties", "$defs", "definitions"}) {
        if (!schema.contains(keyword)) continue;
        for (const auto& [name, inner] : schema[keyword].items()) {
            schema_check_strict(inner, path + "." + name, count, depth + 1);
        }
    }
    if (schema.contains("properties")) {
        const std::size_t required = schema.contains("required") ? schema["required"].size() : 0;
        const std::size_t all = schema["properties"].size();
        if (all > required) count.optional += static_cast<int>(all - required);
    }
    if (schema.contains("items")) schema_check_strict(schema["items"], path, count, depth + 1);
    for (const char* keyword : {"anyOf", "allOf"}) {
        if (!schema.contains(keyword)) continue;
        for (const base::Json& inner : schema[keyword]) {
            schema_check_strict(inner, path, count, depth + 1);
        }
    }
}

void schema_check_limits(const StrictCount& count, const std::string& path) {
    if (count.optional > 24 || count.unions > 16) {
        refuse(path + ": Schema is too complex for compilation.");
    }
}

void tools_check_one(const base::Json& tool, const std::string& path) {
    refuse_unknown_fields(tool, path, tools_fields);
    if (tool.contains("type") && !tool["type"].is_null() && type_of(tool) != "custom") {
        refuse(
            fmt::format("{}: Input tag '{}' found using 'type' does not match any of the "
                        "expected tags",
                        path, type_of(tool)));
    }
    if (!tool.contains("name")) refuse(path + ".custom.name: Field required");
    if (!tools_valid_name(text_member(tool, "name"))) {
        refuse(path + ".custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
    }
    if (tool.contains("description") && !tool["description"].is_string()) {
        refuse(path + ".custom.description: Input should be a valid string");
    }
    if (!tool.contains("input_schema")) refuse(path + ".custom.input_schema: Field required");
    const base::Json& schema = tool["input_schema"];
    if (!schema.is_object() || text_member(schema, "type") != "object") {
        refuse(path + ".custom.input_schema.type: Input should be 'object'");
    }
    for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
        if (schema.contains(keyword)) {
            refuse(path +
                   ".custom.input_schema: input_schema does not support oneOf, allOf, or "
                   "anyOf at the top level");
        }
    }
    schema_check(schema, path + ".custom.input_schema", 0);
    check_cache_mark(tool, path + ".custom");
}

void tools_check_choice(const base::Json& body, const Model& model,
                        const std::set<std::string_view>& names) {
    if (!body.contains("tool_choice") || body["tool_choice"].is_null()) return;
    const base::Json& choice = body["tool_choice"];
    static constexpr std::array<std::string_view, 3> known{"type", "name",
                                                           "disable_parallel_tool_use"};
    refuse_unknown_fields(choice, "tool_choice", known);
    if (choice.contains("disable_parallel_tool_use") &&
        !choice["disable_parallel_tool_use"].is_boolean()) {
        refuse("tool_choice.disable_parallel_tool_use: Input should be a valid boolean");
    }
    const std::string_view type = type_of(choice);
    if (type != "auto" && type != "any" && type != "none" && type != "tool") {
        refuse("tool_choice.type: Input should be 'auto', 'any', 'none' or 'tool'");
    }
    if (names.empty()) refuse("tool_choice: may only be specified while providing tools");
    if (type == "none" && choice.contains("disable_parallel_tool_use")) {
        refuse("tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted");
    }
    if (type == "tool" && !names.contains(text_member(choice, "name"))) {
        refuse(fmt::format("tool_choice.tool.name: Tool '{}' not found in provided tools",
                           text_member(choice, "name")));
    }
    if (type != "any" && type != "tool") return;
    if (!model.forced_tools) {
        refuse("tool_choice: type \"tool\" and \"any\" are not supported for this model.");
    }
    if (body.contains("thinking") && type_of(body["thinking"]) == "enabled") {
        refuse("Thinking may not be enabled when tool_choice forces tool use.");
    }
}

}  // namespace

void check_strict_schema(const base::Json& schema, const std::string& path) {
    schema_check(schema, path, 0);
    StrictCount count;
    schema_check_strict(schema, path, count, 0);
    schema_check_limits(count, path);
}

void check_tools(const base::Json& body, const Model& model) {
    std::set<std::string_view> names;
    if (body.contains("tools")) {
        const base::Json& tools = body["tools"];
        if (!tools.is_array()) refuse("tools: Input should be a valid list");
        StrictCount count;
        int strict_tools = 0;
        for (std::size_t at = 0; at < tools.size(); ++at) {
            const std::string path = fmt::format("tools.{}", at);
            tools_check_one(tools[at], path);
            if (!names.insert(text_member(tools[at], "name")).second) {
                refuse("tools: Tool names must be unique.");
            }
            if (!tools[at].contains("strict") || tools[at]["strict"] != true) continue;
            if (++strict_tools > 20) refuse("tools: at most 20 strict tools are supported.");
            schema_check_strict(tools[at]["input_schema"], path + ".custom.input_schema", count, 0);
            schema_check_limits(count, path);
        }
    }
    tools_check_choice(body, model, names);
}

}  // namespace sim
