#include "sim/filling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr int filling_depth_max = 6;
constexpr int filling_references_max = 8;

bool filling_has(const std::string& name, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&name](std::string_view word) {
        return name.find(word) != std::string::npos;
    });
}

std::string filling_uuid(Dice& dice) {
    const std::uint64_t high = dice.roll();
    const std::uint64_t low = dice.roll();
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                       high & 0xfff, low >> 52, low & 0xffffffffffffULL);
}

// Cuts or pads to the schema's limits, which count characters; ours are mostly single bytes.
std::string filling_fit(std::string text, const base::Json& schema) {
    const auto max = schema.value("maxLength", std::size_t{100'000});
    const auto min = schema.value("minLength", std::size_t{0});
    if (text.size() > max) {
        text = base::cut(text, max);
        if (text.size() > max) text.resize(max, '.');
    }
    while (text.size() < min) text += text.empty() ? "a" : ".";
    return text;
}

// The value that a JSON pointer leads to; nothing when it is malformed or leads nowhere.
const base::Json* filling_point(const base::Json& root, std::string_view path) {
    try {
        const base::Json::json_pointer pointer{std::string(path)};
        return root.contains(pointer) ? &root.at(pointer) : nullptr;
    } catch (const base::Json::exception&) {
        return nullptr;
    }
}

class Filler {
  public:
    Filler(const base::Json& root, const Reading& reading, std::string module, Care care, Dice dice)
        : root_(root),
          reading_(reading),
          module_(std::move(module)),
          care_(care),
          dice_(dice),
          matter_(dice_.pick(matters(reading.theme))),
          person_(dice_.pick(acquaintances())),
          article_(dice_.pick(reading_matters())),
          hour_(8 + static_cast<int>(dice_.below(10))) {}

    base::Json object(const base::Json& raw, int depth);
    base::Json value(const base::Json& raw, const std::string& name, int depth);
    void spoil(base::Json& arguments, const base::Json& schema);

  private:
    bool wants(const std::string& name, const base::Json& schema, bool required, int depth);
    base::Json text(const base::Json& schema, const std::string& raw_name);
    std::string text_for(const std::string& name);
    std::string title();
    std::string search_word();
    std::string place_in_time(const std::string& name, std::string_view format);
    base::Json number(const base::Json& schema, const std::string& name, bool whole);
    base::Json list(const base::Json& schema, const std::string& name, int depth);
    std::string id_for(const std::string& name);

    const base::Json& root_;
    const Reading& reading_;
    std::string module_;
    Care care_;
    Dice dice_;
    const Matter& matter_;
    const Acquaintance& person_;
    const ReadingMatter& article_;
    int hour_;
};

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
    const bool lucky = dice_.chance(0.35);
    if (care_ == Care::careful || !lucky || depth > 1) return false;
    const std::string lower = base::lower_ascii(name);
    if (lower.ends_with("id") || lower.ends_with("ids")) return false;
    if (filling_has(lower, {"limit", "cursor", "offset", "page", "order", "archived", "include",
                            "metadata", "subtask", "url", "image", "photo", "time", "days"})) {
        return false;
    }
    const std::string type = schema_type(schema);
    return type != "object" && type != "null";
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
    if (type == "boolean") return base::lower_ascii(name).find("favorite") != std::string::npos;
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
    if (filling_has(name, {"year"})) number = std::atof(reading_.day.c_str());
    if (whole) return static_cast<std::int64_t>(std::llround(number));
    return std::round(number * 100) / 100;
}

base::Json Filler::text(const base::Json& schema, const std::string& raw_name) {
    const std::string format(text_member(schema, "format"));
    const std::string pattern(text_member(schema, "pattern"));
    const std::string name = base::lower_ascii(raw_name);
    if (format == "date" || format == "date-time" || format == "time") {
        return place_in_time(name, format);
    }
    if (raw_name == "id" || raw_name.ends_with("Id") || raw_name.ends_with("_id") ||
        format == "uuid") {
        return id_for(raw_name);
    }
    if (format == "email") return text_for("email");
    if (format == "uri" || format == "url") return text_for("url");
    if (pattern.find("A-F") != std::string::npos || filling_has(name, {"color", "colour"})) {
        return "#6366f1";
    }
    if (pattern.find("\\d{4}-") != std::string::npos ||
        pattern.find("[0-9]{4}-") != std::string::npos) {
        return place_in_time(name, "date");
    }
    if (pattern.find(":") != std::string::npos && pattern.find("[0-5]") != std::string::npos) {
        return fmt::format("{:02}:30", hour_);
    }
    return filling_fit(text_for(name), schema);
}

std::string Filler::place_in_time(const std::string& name, std::string_view format) {
    const bool is_end = filling_has(name, {"end", "until", "bis", "to_", "finish"});
    const int hour = is_end ? hour_ + 1 : hour_;
    const std::string time = fmt::format("{:02}:00", hour);
    if (format == "time") return time;
    std::string day = reading_.day;
    // Things that are due lie ahead, but never past the month's end, so that no calendar is needed.
    if (filling_has(name, {"due", "deadline", "expected"})) {
        const int number = std::atoi(day.substr(8, 2).c_str());
        day.replace(8, 2, fmt::format("{:02}", std::max(number, std::min(28, number + 3))));
    }
    return format == "date" ? day : day + "T" + time + ":00.000Z";
}

std::string Filler::title() {
    if (module_ == "habits") return std::string(dice_.pick(habit_titles()));
    if (module_ == "articles" || module_ == "library") return std::string(article_.title);
    if (module_ == "contacts") return fmt::format("{} {}", person_.first, person_.last);
    if (module_ == "calendar" && dice_.chance(0.3)) {
        return fmt::format("Treffen mit {}", person_.first);
    }
    return std::string(matter_.title);
}

std::string Filler::search_word() {
    std::string_view label;
    for (const Thing& thing : reading_.things) {
        if (thing.module == module_ && !thing.label.empty()) label = thing.label;
    }
    if (label.empty()) label = module_ == "contacts" ? person_.first : matter_.title;
    std::string_view longest;
    for (const std::string_view word : base::split(label, ' ')) {
        if (word.size() > longest.size()) longest = word;
    }
    return std::string(base::trim(longest));
}

std::string Filler::text_for(const std::string& name) {
    if (filling_has(name, {"query", "search", "filter"}) || name == "q") return search_word();
    if (filling_has(name, {"firstname", "first_name", "vorname"})) {
        return std::string(person_.first);
    }
    if (filling_has(name, {"lastname", "last_name", "nachname"})) return std::string(person_.last);
    if (filling_has(name, {"email", "mail"})) {
        return base::lower_ascii(person_.first) + "@example.org";
    }
    if (filling_has(name, {"phone", "mobile"})) {
        return fmt::format("+49 30 555{:04}", dice_.below(10'000));
    }
    if (filling_has(name, {"url", "link", "website"})) {
        return fmt::format("https://example.org/lesen/{}", article_.slug);
    }
    if (filling_has(name, {"company", "organization", "firma"}))
        return std::string(person_.company);
    if (filling_has(name, {"jobtitle", "job", "role"})) return std::string(person_.job);
    if (filling_has(name, {"city", "ort"})) return std::string(person_.city);
    if (filling_has(name, {"country"})) return "Deutschland";
    if (filling_has(name, {"location", "place", "where"})) return std::string(dice_.pick(places()));
    if (filling_has(name, {"withwhom", "person", "author", "attendee"})) {
        return std::string(person_.first);
    }
    if (filling_has(name, {"tag"})) return std::string(dice_.pick(tags()));
    if (filling_has(name, {"icon"})) return "star";
    if (filling_has(name, {"title", "name", "subject", "summary", "label"})) return title();
    if (module_ == "mood") return std::string(dice_.pick(mood_notes()));
    if (module_ == "articles") return std::string(article_.gist);
    if (module_ == "journal" || filling_has(name, {"content", "body"})) {
        return fmt::format("{} {}", matter_.sentence, dice_.pick(mood_notes()));
    }
    return std::string(matter_.sentence);
}

std::string Filler::id_for(const std::string& name) {
    std::string module = module_;
    if (name != "id") {
        // "habitId", "contact_id": the thing's own module when there is one.
        const std::string stem = base::lower_ascii(name.substr(0, name.find_first_of("_I")));
        for (const Thing& thing : reading_.things) {
            if (!stem.empty() && thing.module.starts_with(stem)) module = thing.module;
        }
    }
    std::vector<const Thing*> open;
    for (const Thing& thing : reading_.things) {
        if (thing.module == module && !thing.settled) open.push_back(&thing);
    }
    if (open.empty()) return filling_uuid(dice_);
    return dice_.pick(open)->id;
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

}  // namespace

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
    Filler filler(*tool.schema, reading, tool.module, care, dice);
    base::Json arguments = filler.object(*tool.schema, 0);
    if (care == Care::careless) filler.spoil(arguments, *tool.schema);
    return arguments;
}

base::Json fill_schema(const base::Json& schema, const Reading& reading, Dice dice) {
    return Filler(schema, reading, {}, Care::usual, dice).value(schema, "text", 0);
}

}  // namespace sim
