#include "clients/tool_schema.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

namespace clients {

namespace {

using base::Json;

constexpr int schema_depth_max = 32;
constexpr int schema_parts_max = 5'000;
constexpr std::size_t schema_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t schema_key_bytes_max = 64;
constexpr int schema_references_max = 8;

constexpr std::array<std::string_view, 10> single_schema_keywords{"not",
                                                                  "if",
                                                                  "then",
                                                                  "else",
                                                                  "contains",
                                                                  "items",
                                                                  "propertyNames",
                                                                  "additionalProperties",
                                                                  "unevaluatedItems",
                                                                  "unevaluatedProperties"};
constexpr std::array<std::string_view, 4> schema_list_keywords{"allOf", "anyOf", "oneOf",
                                                               "prefixItems"};
constexpr std::array<std::string_view, 4> schema_map_keywords{"properties", "patternProperties",
                                                              "$defs", "dependentSchemas"};

// A schema that is settled with one sentence instead of being offered.
struct SchemaFault {
    std::string reason;
};

const Json* schema_member(const Json& object, std::string_view name) {
    const auto member = object.find(name);
    return member == object.end() ? nullptr : &*member;
}

// Draft 4's boolean bounds become draft 2020-12's numbers.
void modernise_bound(Json& schema, std::string_view exclusive, std::string_view inclusive) {
    const Json* flag = schema_member(schema, exclusive);
    if (flag == nullptr || flag->is_number()) return;
    const bool on = flag->is_boolean() && flag->get<bool>();
    schema.erase(std::string{exclusive});
    const Json* bound = schema_member(schema, inclusive);
    if (!on || bound == nullptr || !bound->is_number()) return;
    const Json number = *bound;
    schema.erase(std::string{inclusive});
    schema[std::string{exclusive}] = number;
}

// Array-form `items` became `prefixItems`, and `additionalItems` became `items`.
void modernise_items(Json& schema) {
    const Json* items = schema_member(schema, "items");
    if (items != nullptr && items->is_array()) {
        const Json prefix = *items;
        const Json* more = schema_member(schema, "additionalItems");
        const std::optional<Json> rest = more == nullptr ? std::nullopt : std::optional{*more};
        schema.erase("items");
        if (!prefix.empty()) schema["prefixItems"] = prefix;
        if (rest) schema["items"] = *rest;
    }
    schema.erase("additionalItems");
}

bool is_type_word(const Json& value) {
    constexpr std::array<std::string_view, 7> words{"object",  "array",   "string", "number",
                                                    "integer", "boolean", "null"};
    return value.is_string() && std::find(words.begin(), words.end(),
                                          value.get_ref<const std::string&>()) != words.end();
}

// Keywords whose value has the wrong shape make the whole request invalid: better without them.
void drop_malformed(Json& schema) {
    const auto drop_unless = [&schema](std::string_view name, auto&& fits) {
        const Json* value = schema_member(schema, name);
        if (value != nullptr && !fits(*value)) schema.erase(std::string{name});
    };
    drop_unless("type", [](const Json& value) {
        return is_type_word(value) || (value.is_array() && !value.empty() &&
                                       std::all_of(value.begin(), value.end(), is_type_word));
    });
    drop_unless("required", [](const Json& value) {
        return value.is_array() && std::all_of(value.begin(), value.end(),
                                               [](const Json& each) { return each.is_string(); });
    });
    drop_unless("enum", [](const Json& value) { return value.is_array() && !value.empty(); });
    for (const std::string_view name : {"pattern", "format", "description", "title", "$ref"}) {
        drop_unless(name, [](const Json& value) { return value.is_string(); });
    }
    for (const std::string_view name : {"minimum", "maximum", "multipleOf"}) {
        drop_unless(name, [](const Json& value) { return value.is_number(); });
    }
    for (const std::string_view name :
         {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}) {
        drop_unless(name, [](const Json& value) {
            return value.is_number_integer() && value.get<std::int64_t>() >= 0;
        });
    }
    for (const std::string_view name : single_schema_keywords) {
        drop_unless(name,
                    [](const Json& value) { return value.is_object() || value.is_boolean(); });
    }
    for (const std::string_view name : schema_map_keywords) {
        drop_unless(name, [](const Json& value) { return value.is_object(); });
    }
    for (const std::string_view name : schema_list_keywords) {
        drop_unless(name, [](const Json& value) { return value.is_array() && !value.empty(); });
    }
}

void modernise(Json& schema, int depth, int& parts) {
    if (depth > schema_depth_max) {
        throw SchemaFault{"its schema is nested deeper than " + std::to_string(schema_depth_max)};
    }
    if (++parts > schema_parts_max) throw SchemaFault{"its schema has too many parts"};
    if (schema.is_boolean()) return;
    if (!schema.is_object()) {
        schema = Json::object();
        return;
    }
    for (const char* name : {"$schema", "$id", "id", "$vocabulary"}) {
        if (const Json* value = schema_member(schema, name); value && value->is_string()) {
            schema.erase(name);
        }
    }
    if (const Json* old = schema_member(schema, "definitions"); old && old->is_object()) {
        Json definitions = *old;
        if (const Json* fresh = schema_member(schema, "$defs"); fresh && fresh->is_object()) {
            definitions.update(*fresh);
        }
        schema.erase("definitions");
        schema["$defs"] = std::move(definitions);
    }
    modernise_bound(schema, "exclusiveMinimum", "minimum");
    modernise_bound(schema, "exclusiveMaximum", "maximum");
    modernise_items(schema);
    drop_malformed(schema);
    if (const Json* reference = schema_member(schema, "$ref")) {
        const std::string target = reference->get<std::string>();
        constexpr std::string_view old = "#/definitions/";
        // Nothing is ever fetched: a reference elsewhere admits anything.
        if (!target.starts_with('#')) schema.erase("$ref");
        if (target.starts_with(old)) schema["$ref"] = "#/$defs/" + target.substr(old.size());
    }
    for (const std::string_view name : single_schema_keywords) {
        if (const auto part = schema.find(name); part != schema.end()) {
            modernise(*part, depth + 1, parts);
        }
    }
    for (const std::string_view name : schema_list_keywords) {
        const auto list = schema.find(name);
        if (list == schema.end()) continue;
        for (Json& part : *list) modernise(part, depth + 1, parts);
    }
    for (const std::string_view name : schema_map_keywords) {
        const auto map = schema.find(name);
        if (map == schema.end()) continue;
        for (auto& [key, part] : map->items()) modernise(part, depth + 1, parts);
    }
}

// What the members of `from` add to `to`; members that are there already win.
void add_missing(Json& to, const Json& from) {
    for (const auto& [key, value] : from.items()) {
        if (!to.contains(key)) to[key] = value;
    }
}

// Replaces a local reference at the root of `schema` by what it names in `root`.
Json resolved(Json schema, const Json& root) {
    for (int steps = 0; schema.is_object() && schema.contains("$ref"); ++steps) {
        const std::string target = schema["$ref"].get<std::string>();
        if (steps >= schema_references_max) throw SchemaFault{"its schema refers to itself"};
        const Json* named = nullptr;
        try {
            const Json::json_pointer pointer{target.substr(1)};
            if (root.contains(pointer)) named = &root.at(pointer);
        } catch (const Json::exception&) {
            // The text is no JSON pointer: it names nothing.
            named = nullptr;
        }
        if (named == nullptr || !named->is_object()) {
            throw SchemaFault{"its schema refers to a part that does not exist"};
        }
        schema.erase("$ref");
        add_missing(schema, *named);
    }
    return schema;
}

std::set<std::string> required_of(const Json& schema) {
    std::set<std::string> names;
    if (const Json* required = schema_member(schema, "required")) {
        for (const Json& name : *required) names.insert(name.get<std::string>());
    }
    return names;
}

void require_also(Json& schema, const std::set<std::string>& names) {
    Json required = schema.contains("required") ? schema["required"] : Json::array();
    for (const std::string& name : names) {
        if (std::find(required.begin(), required.end(), name) == required.end()) {
            required.push_back(name);
        }
    }
    if (!required.empty()) schema["required"] = std::move(required);
}

void merge_properties(Json& schema, const Json& branch) {
    const Json* added = schema_member(branch, "properties");
    if (added == nullptr) return;
    if (!schema.contains("properties")) schema["properties"] = Json::object();
    Json& properties = schema["properties"];
    for (const auto& [key, value] : added->items()) {
        if (!properties.contains(key)) {
            properties[key] = value;
        } else if (properties[key] != value) {
            // Two branches know the name differently: either will do.
            const Json either = properties[key];
            const bool is_folded =
                either.is_object() && either.size() == 1 && either.contains("anyOf");
            Json branches = is_folded ? either["anyOf"] : Json::array({either});
            if (std::find(branches.begin(), branches.end(), value) == branches.end()) {
                branches.push_back(value);
            }
            properties[key] = Json{{"anyOf", std::move(branches)}};
        }
    }
}

std::string sentence_of_choice(const std::vector<std::set<std::string>>& choices,
                               std::string_view keyword) {
    std::string text;
    for (const std::set<std::string>& choice : choices) {
        if (choice.empty()) continue;
        std::string names;
        for (const std::string& name : choice) names += (names.empty() ? "" : ", ") + name;
        text += (text.empty() ? "" : " or ") + ("(" + names + ")");
    }
    if (text.empty()) return {};
    return (keyword == "oneOf" ? "Give exactly one of these sets of fields: "
                               : "Give at least one of these sets of fields: ") +
           text + ".";
}

// The API refuses combinators at the root of a schema: their branches are folded into it.
void fold(Json& schema, const Json& root, std::string& note, int depth) {
    if (depth > schema_references_max) throw SchemaFault{"its schema's branches never end"};
    for (const std::string_view keyword : {"allOf", "anyOf", "oneOf"}) {
        const Json* found = schema_member(schema, keyword);
        if (found == nullptr) continue;
        const Json branches = *found;
        schema.erase(std::string{keyword});
        std::vector<std::set<std::string>> choices;
        std::optional<std::set<std::string>> common;
        for (const Json& each : branches) {
            if (!each.is_object()) continue;
            Json branch = resolved(each, root);
            fold(branch, root, note, depth + 1);
            merge_properties(schema, branch);
            const std::set<std::string> names = required_of(branch);
            if (keyword == "allOf") {
                require_also(schema, names);
                continue;
            }
            choices.push_back(names);
            if (!common) common = names;
            std::erase_if(*common,
                          [&names](const std::string& name) { return !names.contains(name); });
        }
        if (common) require_also(schema, *common);
        const std::string sentence = sentence_of_choice(choices, keyword);
        if (!sentence.empty()) note += (note.empty() ? "" : " ") + sentence;
    }
}

bool is_key_character(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '-';
}

bool is_api_key(std::string_view key) {
    return !key.empty() && key.size() <= schema_key_bytes_max &&
           std::all_of(key.begin(), key.end(), is_key_character);
}

std::string fresh_key(std::string_view key, const Json& properties,
                      const std::set<std::string>& taken) {
    std::string stem{key.substr(0, schema_key_bytes_max - 4)};
    std::replace_if(
        stem.begin(), stem.end(), [](char each) { return !is_key_character(each); }, '_');
    if (stem.empty()) stem = "field";
    std::string candidate = stem;
    for (int number = 2; properties.contains(candidate) || taken.contains(candidate); ++number) {
        candidate = stem + "_" + std::to_string(number);
    }
    return candidate;
}

void rename_keys(AdaptedSchema& adapted) {
    const Json properties = adapted.schema["properties"];
    Json kept = Json::object();
    std::set<std::string> taken;
    for (const auto& [key, value] : properties.items()) {
        if (is_api_key(key)) {
            kept[key] = value;
            continue;
        }
        const std::string fresh = fresh_key(key, properties, taken);
        taken.insert(fresh);
        kept[fresh] = value;
        adapted.renamed.emplace_back(fresh, key);
    }
    adapted.schema["properties"] = std::move(kept);
    if (adapted.renamed.empty() || !adapted.schema.contains("required")) return;
    for (Json& name : adapted.schema["required"]) {
        for (const auto& [fresh, original] : adapted.renamed) {
            if (name == original) name = fresh;
        }
    }
}

bool admits_object(const Json& schema) {
    const Json* type = schema_member(schema, "type");
    if (type == nullptr || *type == "object") return true;
    return type->is_array() && std::find(type->begin(), type->end(), "object") != type->end();
}

}  // namespace

AdaptedSchema adapt_schema(const Json& input_schema) {
    AdaptedSchema adapted;
    const bool anything = input_schema.is_null() || input_schema == true || input_schema.empty();
    adapted.schema = anything ? Json::object() : input_schema;
    if (!adapted.schema.is_object()) {
        adapted.fault = "its input schema is no object";
        return adapted;
    }
    if (base::to_text(adapted.schema).size() > schema_bytes_max) {
        adapted.fault = "its schema is larger than " + std::to_string(schema_bytes_max) + " bytes";
        return adapted;
    }
    try {
        int parts = 0;
        modernise(adapted.schema, 0, parts);
        const Json root = adapted.schema;
        adapted.schema = resolved(std::move(adapted.schema), root);
        fold(adapted.schema, root, adapted.note, 0);
    } catch (const SchemaFault& fault) {
        // The caller leaves this one tool out and says why.
        adapted.fault = fault.reason;
        return adapted;
    }
    if (!admits_object(adapted.schema)) {
        adapted.fault = "its input is no object";
        return adapted;
    }
    Json ordered = {{"type", "object"}};
    ordered["properties"] = Json::object();
    adapted.schema.erase("type");
    ordered.update(adapted.schema);
    adapted.schema = std::move(ordered);
    rename_keys(adapted);
    return adapted;
}

}  // namespace clients
