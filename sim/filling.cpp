#include "sim/filling.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sim/filler.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {
constexpr int filling_depth_max = 6;
constexpr int filling_references_max = 8;

// The value that a JSON pointer leads to; nothing when it is malformed or leads nowhere.
const base::Json* filling_point(const base::Json& root, std::string_view path) {
    try {
        const base::Json::json_pointer pointer{std::string(path)};
        return root.contains(pointer) ? &root.at(pointer) : nullptr;
    } catch (const base::Json::exception&) {
        return nullptr;  // No pointer at all: the schema came from outside.
    }
}

}  // namespace

base::Json Filler::object(const base::Json& raw, int depth) {
    const base::Json& schema = resolve_schema(root_, raw);
    base::Json result = base::Json::object();
    if (!schema.contains("properties") || depth > filling_depth_max) return result;
    const base::Json required = schema.value("required", base::Json::array());
    for (const auto& [name, inner] : schema["properties"].items()) {
        const bool needed = std::find(required.begin(), required.end(), name) != required.end();
        if (!wants(name, resolve_schema(root_, inner), needed, depth)) continue;
        result[name] = value(inner, name, depth + 1);
    }
    return result;
}

bool Filler::wants(const std::string& name, const base::Json& schema, bool required, int depth) {
    if (required) return true;
    // Rolled in every case, so that one field's fate does not move the others'.
    const bool lucky = dice_.chance(verb_ == Verb::make ? 0.35 : 0.15);
    const std::string lower = base::lower_ascii(name);
    if (verb_ == Verb::look && filling_has(lower, {"query", "search"})) return true;
    if (care_ == Care::careful || !lucky || depth > 1) return false;
    return may_choose(lower, schema);
}

// Fields that a person would fill of her own accord.
bool Filler::may_choose(const std::string& lower, const base::Json& schema) const {
    if (lower.ends_with("id") || lower.ends_with("ids")) return false;
    if (filling_has(lower, {"limit", "cursor", "offset", "page", "order", "archived", "include",
                            "metadata", "subtask", "url", "image", "photo", "time", "days"})) {
        return false;
    }
    // Nobody renames her acquaintances.
    if (verb_ == Verb::change && module_ == "contacts" &&
        filling_has(lower, {"name", "company", "mail", "birth", "job", "city"})) {
        return false;
    }
    const std::string type = schema_type(schema);
    if (type == "boolean") return filling_has(lower, {"favorite", "pinned"});
    return type != "object" && type != "null";
}

// A change that changes nothing is refused everywhere: adds the first field that she may choose.
void Filler::change_something(base::Json& arguments, const base::Json& raw) {
    const base::Json& schema = resolve_schema(root_, raw);
    if (!schema.contains("properties")) return;
    const base::Json required = schema.value("required", base::Json::array());
    const auto is_required = [&required](const std::string& name) {
        return std::find(required.begin(), required.end(), name) != required.end();
    };
    for (const auto& [name, value] : arguments.items()) {
        if (!is_required(name)) return;
    }
    std::vector<std::string> choices;
    for (const auto& [name, inner] : schema["properties"].items()) {
        if (!is_required(name) &&
            may_choose(base::lower_ascii(name), resolve_schema(root_, inner))) {
            choices.push_back(name);
        }
    }
    if (choices.empty()) return;
    const std::string& name = dice_.pick(choices);
    arguments[name] = value(schema["properties"][name], name, 1);
}

base::Json Filler::value(const base::Json& raw, const std::string& name, int depth) {
    const base::Json& schema = resolve_schema(root_, raw);
    if (!schema.is_object()) return text_for(name);
    if (schema.contains("const")) return schema["const"];
    if (schema.contains("enum") && schema["enum"].is_array() && !schema["enum"].empty()) {
        const base::Json& words = schema["enum"];
        const base::Json& word = words[dice_.below(words.size())];
        return word.is_null() && words.size() > 1 ? words[0] : word;
    }
    const std::string type = schema_type(schema);
    if (type == "object") return object(schema, depth);
    if (type == "array") return list(schema, name, depth);
    if (type == "integer") return number(schema, name, true);
    if (type == "number") return number(schema, name, false);
    if (type == "boolean") return filling_has(base::lower_ascii(name), {"favorite", "pinned"});
    if (type == "null") return nullptr;
    return text(schema, name);
}

base::Json Filler::list(const base::Json& schema, const std::string& name, int depth) {
    base::Json result = base::Json::array();
    const auto min = schema.value("minItems", std::size_t{0});
    const auto max = schema.value("maxItems", std::size_t{2});
    const std::size_t count = std::max(min, std::min<std::size_t>(max, 1 + dice_.below(2)));
    if (depth > filling_depth_max || !schema.contains("items")) return result;
    for (std::size_t at = 0; at < std::min<std::size_t>(count, 20); ++at) {
        base::Json item = value(schema["items"], name, depth + 1);
        // Repeated words help nobody.
        if (at >= min && std::find(result.begin(), result.end(), item) != result.end()) continue;
        result.push_back(std::move(item));
    }
    return result;
}

base::Json Filler::number(const base::Json& schema, const std::string& raw_name, bool whole) {
    const std::string name = base::lower_ascii(raw_name);
    double low = schema.value("minimum", 1.0);
    double high = schema.value("maximum", low + 9);
    if (schema.contains("exclusiveMinimum") && schema["exclusiveMinimum"].is_number()) {
        low = schema["exclusiveMinimum"].get<double>() + (whole ? 1 : 0.5);
        high = schema.value("maximum", low + 9);
    }
    double number = low + static_cast<double>(dice_.below(1000)) / 1000 * (high - low);
    if (filling_has(name, {"limit"})) number = std::min(high, 20.0);
    if (filling_has(name, {"duration", "minutes"})) number = std::min(high, std::max(low, 30.0));
    if (filling_has(name, {"perday"})) number = std::max(low, 1.0);
    if (filling_has(name, {"year"})) number = leading_number(reading_.day);
    if (whole) return static_cast<std::int64_t>(std::llround(number));
    return std::round(number * 100) / 100;
}

void Filler::spoil(base::Json& arguments, const base::Json& raw) {
    const base::Json& schema = resolve_schema(root_, raw);
    if (!schema.contains("properties")) return;
    const base::Json required = schema.value("required", base::Json::array());
    for (const auto& [name, inner] : schema["properties"].items()) {
        if (resolve_schema(root_, inner).contains("enum")) {
            arguments[name] = "ganz besonders";
            return;
        }
    }
    for (const base::Json& name : required) {
        if (!name.is_string()) continue;
        const auto& word = name.get_ref<const std::string&>();
        if (word == "id" || word.ends_with("Id") || word.ends_with("_id")) {
            arguments[word] = filling_uuid(dice_);
        } else {
            arguments.erase(word);
        }
        return;
    }
}

const base::Json& resolve_schema(const base::Json& root, const base::Json& schema) {
    const base::Json* at = &schema;
    for (int step = 0; step < filling_references_max && at->is_object(); ++step) {
        const std::string_view reference = text_member(*at, "$ref");
        if (reference.starts_with("#/")) {
            const base::Json* target = filling_point(root, reference.substr(1));
            if (target == nullptr) return *at;
            at = target;
            continue;
        }
        const base::Json* branch = nullptr;
        for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
            if (branch != nullptr || !at->contains(keyword) || !(*at)[keyword].is_array()) continue;
            for (const base::Json& one : (*at)[keyword]) {
                if (text_member(one, "type") != "null" && branch == nullptr) branch = &one;
            }
        }
        if (branch == nullptr) return *at;
        at = branch;
    }
    return *at;
}

std::string schema_type(const base::Json& schema) {
    if (!schema.is_object() || !schema.contains("type")) {
        return schema.is_object() && schema.contains("properties") ? "object" : "";
    }
    const base::Json& type = schema["type"];
    if (type.is_string()) return type.get<std::string>();
    if (!type.is_array()) return {};
    for (const base::Json& word : type) {
        if (word.is_string() && word != "null") return word.get<std::string>();
    }
    return "null";
}

base::Json fill_arguments(const ToolOffer& tool, const Reading& reading, Care care, Dice dice) {
    Filler filler(*tool.schema, reading, tool.module, tool.verb, care, dice);
    base::Json arguments = filler.object(*tool.schema, 0);
    if (tool.verb == Verb::change) filler.change_something(arguments, *tool.schema);
    if (care == Care::careless) filler.spoil(arguments, *tool.schema);
    return arguments;
}

base::Json fill_schema(const base::Json& schema, const Reading& reading, Dice dice) {
    return Filler(schema, reading, {}, Verb::make, Care::usual, dice).value(schema, "text", 0);
}

}  // namespace sim
