#include "workspace/schema.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "workspace/dates.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::size_t schema_faults_max = 8;

std::size_t schema_characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
    }));
}

bool schema_is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        const bool hex = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f') ||
                         (letter >= 'A' && letter <= 'F');
        if (dash ? letter != '-' : !hex) return false;
    }
    return true;
}

bool schema_is_hex_color(std::string_view text) {
    return text.size() == 7 && text[0] == '#' &&
           text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
}

bool schema_is_web_address(std::string_view text) {
    const std::string lower = base::lower_ascii(text);
    std::size_t host = std::string::npos;
    if (lower.starts_with("http://")) host = 7;
    if (lower.starts_with("https://")) host = 8;
    if (host == std::string::npos ||
        text.find_first_of(" \t\r\n<>\"\\") != std::string_view::npos) {
        return false;
    }
    const std::size_t end = text.find_first_of("/?#", host);
    const std::string_view name = text.substr(host, end == text.npos ? end : end - host);
    return !name.empty() && name.find('@') == name.npos && name[0] != '.' && name[0] != ':';
}

bool schema_is_mail_address(std::string_view text) {
    const std::size_t at = text.find('@');
    return at != text.npos && at > 0 && at + 1 < text.size() &&
           text.find('@', at + 1) == text.npos &&
           text.find_first_of(" \t\r\n,;<>\"") == text.npos && text[at + 1] != '.' &&
           text.back() != '.';
}

struct SchemaFormat {
    std::string_view name, valid;
    bool (*holds)(std::string_view);
};

constexpr std::array schema_formats = {
    SchemaFormat{"uuid", "must be an id as another tool answered it (a uuid)", schema_is_uuid},
    SchemaFormat{"date", "must be a date like 2026-11-21", is_date},
    SchemaFormat{"date-time", "must be a date and time with zone like 2026-11-21T09:30:00Z",
                 [](std::string_view text) { return utc_text(text).has_value(); }},
    SchemaFormat{"uri", "must be a web address like https://example.org/page",
                 schema_is_web_address},
    SchemaFormat{"email", "must be a mail address like name@example.org", schema_is_mail_address},
};

constexpr std::array schema_patterns = {
    SchemaFormat{hex_color, "must be a colour like #6366f1", schema_is_hex_color},
    SchemaFormat{hour_minute, "must be a time like 09:30", is_time},
};

bool schema_has_type(const Json& value, std::string_view type) {
    if (type == "string") return value.is_string();
    if (type == "integer") {
        return value.is_number_integer() ||
               (value.is_number_float() && value.get<double>() >= -9e15 &&
                value.get<double>() <= 9e15 &&
                value.get<double>() ==
                    static_cast<double>(static_cast<std::int64_t>(value.get<double>())));
    }
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    return type == "null" && value.is_null();
}

bool schema_allows_type(const Json& schema, std::string_view type) {
    const auto listed = schema.find("type");
    if (listed == schema.end()) return true;
    if (listed->is_string()) return *listed == type;
    return std::any_of(listed->begin(), listed->end(),
                       [&](const Json& one) { return one == type; });
}

std::string schema_shown(const Json& value) {
    return base::cut(base::to_text(value), 60);
}

// Walks one value; the path is that of the value, empty for the whole.
class SchemaCheck {
  public:
    void value(const Json& schema, const Json& value, const std::string& path) {
        if (faults.size() >= schema_faults_max) return;
        if (!type(schema, value, path)) return;
        const auto words = schema.find("enum");
        if (words != schema.end() &&
            std::find(words->begin(), words->end(), value) == words->end()) {
            std::string list;
            for (const Json& word : *words) {
                list += (list.empty() ? "" : ", ") + base::to_text(word);
            }
            return fault(path, "must be one of " + list, value);
        }
        if (value.is_string()) text(schema, value, path);
        if (value.is_number()) number(schema, value, path);
        if (value.is_array()) array(schema, value, path);
        if (value.is_object()) object(schema, value, path);
    }

    std::vector<std::string> faults;

  private:
    void fault(const std::string& path, std::string_view valid, const Json& got) {
        faults.push_back(fmt::format("{} {}, got {}", path.empty() ? "the arguments" : path, valid,
                                     schema_shown(got)));
    }

    bool type(const Json& schema, const Json& value, const std::string& path) {
        const auto listed = schema.find("type");
        if (listed == schema.end()) return true;
        const Json one = listed->is_array() ? *listed : Json::array({*listed});
        std::string names;
        for (const Json& name : one) {
            if (schema_has_type(value, name.get_ref<const std::string&>())) return true;
            names += (names.empty() ? "" : " or ") + name.get<std::string>();
        }
        fault(path, "must be of type " + names, value);
        return false;
    }

    void text(const Json& schema, const Json& value, const std::string& path) {
        const auto& content = value.get_ref<const std::string&>();
        const std::size_t length = schema_characters(content);
        const std::size_t min = schema.value("minLength", std::size_t{0});
        const std::size_t max = schema.value("maxLength", std::size_t{1'000'000});
        if (length < min || length > max) {
            faults.push_back(
                fmt::format("{} must be {} to {} characters long, got {}", path, min, max, length));
            return;
        }
        if (min > 0 && base::trim(content).empty()) {
            return fault(path, "must not be blank", value);
        }
        // PostgreSQL's text holds no NUL.
        if (content.find('\0') != std::string::npos) {
            return fault(path, "must not contain the character U+0000", value);
        }
        const std::string format = schema.value("format", "");
        for (const SchemaFormat& known : schema_formats) {
            if (known.name == format && !known.holds(content)) fault(path, known.valid, value);
        }
        const std::string pattern = schema.value("pattern", "");
        for (const SchemaFormat& known : schema_patterns) {
            if (known.name == pattern && !known.holds(content)) fault(path, known.valid, value);
        }
    }

    void number(const Json& schema, const Json& value, const std::string& path) {
        const double amount = value.get<double>();
        const auto min = schema.find("minimum"), max = schema.find("maximum");
        const auto above = schema.find("exclusiveMinimum");
        if (min != schema.end() && amount < min->get<double>()) {
            return fault(path, "must be at least " + min->dump(), value);
        }
        if (max != schema.end() && amount > max->get<double>()) {
            return fault(path, "must be at most " + max->dump(), value);
        }
        if (above != schema.end() && amount <= above->get<double>()) {
            fault(path, "must be greater than " + above->dump(), value);
        }
    }

    void array(const Json& schema, const Json& value, const std::string& path) {
        const std::size_t min = schema.value("minItems", std::size_t{0});
        const std::size_t max = schema.value("maxItems", std::size_t{10'000});
        if (value.size() < min || value.size() > max) {
            faults.push_back(
                fmt::format("{} must have {} to {} items, got {}", path, min, max, value.size()));
            return;
        }
        const auto items = schema.find("items");
        if (items == schema.end()) return;
        for (std::size_t at = 0; at < value.size(); ++at) {
            this->value(*items, value[at], fmt::format("{}[{}]", path, at));
        }
    }

    void object(const Json& schema, const Json& value, const std::string& path) {
        const auto properties = schema.find("properties");
        const std::string prefix = path.empty() ? "" : path + ".";
        for (const Json& name : schema.value("required", Json::array())) {
            if (!value.contains(name.get_ref<const std::string&>())) {
                faults.push_back(prefix + name.get<std::string>() + " is required");
            }
        }
        for (const auto& [name, member] : value.items()) {
            if (properties != schema.end() && properties->contains(name)) {
                this->value((*properties)[name], member, prefix + name);
            } else if (schema.contains("additionalProperties")) {
                // As JSON writes it: a name may hold any character.
                const std::string shown = base::to_text(Json(base::cut(name, 60)));
                faults.push_back(
                    unknown(prefix + shown.substr(1, shown.size() - 2), properties, schema));
            }
            if (faults.size() >= schema_faults_max) return;
        }
    }

    static std::string unknown(const std::string& path, Json::const_iterator properties,
                               const Json& schema) {
        std::string names;
        if (properties != schema.end()) {
            for (const auto& [name, unused] : properties->items()) {
                names += (names.empty() ? "" : ", ") + name;
            }
        }
        if (names.empty()) return path + " is not known; there are no arguments";
        return path + " is not known; known are " + names;
    }
};

}  // namespace

Json parsed_schema(std::string_view text) {
    auto value = base::try_parse_json(text);
    base::require(value.has_value(), "a tool's schema is not JSON");
    return std::move(*value);
}

Schema object_schema(std::string_view properties, const std::vector<std::string>& required) {
    Json schema;
    schema["type"] = "object";
    schema["properties"] = parsed_schema(properties);
    if (!required.empty()) schema["required"] = required;
    schema["additionalProperties"] = false;
    return std::make_shared<const Json>(std::move(schema));
}

Schema answer_schema(std::string_view name, std::string_view record) {
    return object_schema(fmt::format(R"({{"{}": {}}})", name, record), {std::string(name)});
}

Schema list_schema(std::string_view name, std::string_view record) {
    return object_schema(fmt::format(R"({{"{}": {{"type": "array", "items": {}}}}})", name, record),
                         {std::string(name)});
}

Schema done_schema() {
    return object_schema(R"({"ok": {"type": "boolean", "enum": [true]}})", {"ok"});
}

std::string record_schema(std::string_view properties, const std::vector<std::string>& optional) {
    Json listed = parsed_schema(properties);
    Json required = Json::array();
    for (const auto& [name, unused] : listed.items()) {
        if (std::find(optional.begin(), optional.end(), name) == optional.end()) {
            required.push_back(name);
        }
    }
    Json schema;
    schema["type"] = "object";
    schema["properties"] = std::move(listed);
    schema["required"] = std::move(required);
    schema["additionalProperties"] = false;
    return schema.dump();
}

void fill_in(const Json& schema, Json& arguments) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !arguments.is_object()) return;
    const Json required = schema.value("required", Json::array());
    for (const auto& [name, property] : properties->items()) {
        const auto given = arguments.find(name);
        const bool needed = std::find(required.begin(), required.end(), name) != required.end();
        if (given != arguments.end() && given->is_null() && !needed &&
            !schema_allows_type(property, "null")) {
            arguments.erase(name);
        }
        if (!arguments.contains(name) && property.contains("default")) {
            arguments[name] = property["default"];
        }
    }
}

bool fit(const Json& schema, Json& record) {
    fill_in(schema, record);
    for (const Json& needed : schema.value("required", Json::array())) {
        const auto& name = needed.get_ref<const std::string&>();
        if (record.contains(name)) continue;
        const Json& property = schema["properties"][name];
        if (schema_allows_type(property, "null")) {
            record[name] = nullptr;
        } else if (schema_allows_type(property, "array")) {
            record[name] = Json::array();
        } else if (schema_allows_type(property, "boolean")) {
            record[name] = false;
        }
    }
    return check(schema, record).empty();
}

std::vector<std::string> check(const Json& schema, const Json& value) {
    SchemaCheck walk;
    walk.value(schema, value, "");
    return std::move(walk.faults);
}

void require_known(const Json& schema) {
    static constexpr std::array known = {
        "type",    "enum",        "properties",       "required",  "additionalProperties",
        "items",   "minItems",    "maxItems",         "minLength", "maxLength",
        "minimum", "maximum",     "exclusiveMinimum", "format",    "pattern",
        "title",   "description", "default"};
    for (const auto& [name, word] : schema.items()) {
        base::require(std::find(known.begin(), known.end(), name) != known.end(),
                      "a tool's schema uses an unknown keyword");
        if (name == "pattern") {
            base::require(word == hex_color || word == hour_minute,
                          "a tool's schema has an unknown pattern");
        }
        if (name == "format") {
            base::require(std::any_of(schema_formats.begin(), schema_formats.end(),
                                      [&](const SchemaFormat& one) { return word == one.name; }),
                          "a tool's schema has an unknown format");
        }
        if (name == "items") require_known(word);
        if (name != "properties") continue;
        for (const auto& [unused, property] : word.items()) require_known(property);
    }
}

}  // namespace workspace
