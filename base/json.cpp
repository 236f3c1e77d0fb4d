#include "base/json.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json_quick.hpp"
#include "base/text.hpp"

namespace base {

namespace {

constexpr std::size_t json_name_shown_max = 64;
constexpr double json_exact_max = 9'007'199'254'740'992.0;  // 2^53: whole doubles end here.

std::string json_place(std::string_view text, std::size_t offset) {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
        ++column;
        if (text[i] == '\n') {
            ++line;
            column = 1;
        }
    }
    return fmt::format("line {}, column {}", line, column);
}

// Finds what the parser would accept or find too late: nesting past the limit, an object with too
// many members, and a NUL, which it takes for the end of the text. Nothing when all is fine, else
// the complaint.
std::optional<std::string> json_objection(std::string_view text, int depth_max) {
    struct Level {
        bool is_object;
        std::size_t commas = 0;
    };
    std::vector<Level> open;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\0') return "has a NUL byte at " + json_place(text, i);
        if (in_string) {
            if (c == '\\' && i + 1 < text.size() && text[i + 1] != '\0') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            open.push_back({c == '{'});
            if (static_cast<int>(open.size()) > depth_max) {
                return fmt::format("is nested deeper than {} levels at {}", depth_max,
                                   json_place(text, i));
            }
        } else if ((c == '}' || c == ']') && !open.empty()) {
            open.pop_back();
        } else if (c == ',' && !open.empty() && open.back().is_object &&
                   ++open.back().commas >= json_detail::members_max) {
            return fmt::format("has an object with more than {} members at {}",
                               json_detail::members_max, json_place(text, i));
        }
    }
    return std::nullopt;
}

std::string json_shown(std::string_view name) {
    return cut(clean_utf8(name), json_name_shown_max);
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, int depth_max) {
    if (auto value = json_detail::read_quickly(text, depth_max)) return std::move(*value);
    const auto objection = json_objection(text, depth_max);
    if (objection) throw Failure(Failure::Kind::invalid, fmt::format("{} {}", what, *objection));
    try {
        return Json::parse(text.begin(), text.end());
    } catch (const Json::parse_error& error) {
        if (trim(text).empty()) {
            throw Failure(Failure::Kind::invalid, fmt::format("{} is empty; send JSON", what));
        }
        // The parser's own words quote the text, which may hold a secret: only the place is told.
        const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} is not valid JSON at {}", what, json_place(text, offset)));
    } catch (const Json::exception&) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} is not valid JSON: a number is out of range", what));
    }
}

std::optional<Json> try_parse_json(std::string_view text, int depth_max) {
    if (auto quick = json_detail::read_quickly(text, depth_max)) return quick;
    if (json_objection(text, depth_max)) return std::nullopt;
    Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return std::nullopt;
    return value;
}

std::string to_text(const Json& value) {
    std::string text;
    json_detail::append_value(text, value);
    return text;
}

std::string quoted(std::string_view text) {
    std::string literal;
    literal.reserve(text.size() + 2);
    json_detail::append_string(literal, text);
    return literal;
}

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (object_.is_object()) return;
    throw Failure(Failure::Kind::invalid, where_.empty() ? "the body must be a JSON object"
                                                         : where_ + " must be an object");
}

bool Fields::has(std::string_view name) const {
    return find(name) != nullptr;
}

std::string Fields::text(std::string_view name, std::size_t bytes_min,
                         std::size_t bytes_max) const {
    const auto valid = [&] { return fmt::format("text of {} to {} bytes", bytes_min, bytes_max); };
    const Json* value = find(name);
    if (value == nullptr || !value->is_string()) fail(name, valid());
    const auto& text = value->get_ref<const std::string&>();
    if (text.size() < bytes_min || text.size() > bytes_max) fail(name, valid());
    if (text.find('\0') != std::string::npos) fail(name, "text without NUL characters");
    return text;
}

std::int64_t Fields::integer(std::string_view name, std::int64_t min, std::int64_t max) const {
    const auto valid = [&] { return fmt::format("a whole number from {} to {}", min, max); };
    const Json* value = find(name);
    if (value == nullptr || !value->is_number()) fail(name, valid());
    std::int64_t number = 0;
    if (value->is_number_unsigned()) {
        const auto whole = value->get<std::uint64_t>();
        if (whole > static_cast<std::uint64_t>(INT64_MAX)) fail(name, valid());
        number = static_cast<std::int64_t>(whole);
    } else if (value->is_number_integer()) {
        number = value->get<std::int64_t>();
    } else {
        // Clients without integers write 4.0; it is whole as long as a double can tell.
        const double real = value->get<double>();
        if (!(std::abs(real) <= json_exact_max) || real != std::trunc(real)) fail(name, valid());
        number = static_cast<std::int64_t>(real);
    }
    if (number < min || number > max) fail(name, valid());
    return number;
}

double Fields::number(std::string_view name, double min, double max) const {
    const Json* value = find(name);
    const bool fits = value != nullptr && value->is_number() && value->get<double>() >= min &&
                      value->get<double>() <= max;
    if (!fits) fail(name, fmt::format("a number from {} to {}", min, max));
    return value->get<double>();
}

bool Fields::flag(std::string_view name) const {
    const Json& value = need(name, "true or false");
    if (!value.is_boolean()) fail(name, "true or false");
    return value.get<bool>();
}

const Json& Fields::object(std::string_view name) const {
    const Json& value = need(name, "an object");
    if (!value.is_object()) fail(name, "an object");
    return value;
}

const Json& Fields::array(std::string_view name, std::size_t items_max) const {
    const Json* value = find(name);
    if (value == nullptr || !value->is_array() || value->size() > items_max) {
        fail(name, fmt::format("a list of at most {} items", items_max));
    }
    return *value;
}

std::size_t Fields::word(std::string_view name, std::span<const std::string_view> words) const {
    const Json* value = find(name);
    if (value != nullptr && value->is_string()) {
        const auto& text = value->get_ref<const std::string&>();
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (words[i] == text) return i;
        }
    }
    fail(name, fmt::format("one of {}", fmt::join(words, ", ")));
}

std::optional<std::string> Fields::text_or_none(std::string_view name,
                                                std::size_t bytes_max) const {
    if (!has(name)) return std::nullopt;
    return text(name, 0, bytes_max);
}

std::optional<std::int64_t> Fields::integer_or_none(std::string_view name, std::int64_t min,
                                                    std::int64_t max) const {
    if (!has(name)) return std::nullopt;
    return integer(name, min, max);
}

std::optional<double> Fields::number_or_none(std::string_view name, double min, double max) const {
    if (!has(name)) return std::nullopt;
    return number(name, min, max);
}

std::optional<bool> Fields::flag_or_none(std::string_view name) const {
    if (!has(name)) return std::nullopt;
    return flag(name);
}

std::optional<std::size_t> Fields::word_or_none(std::string_view name,
                                                std::span<const std::string_view> words) const {
    if (!has(name)) return std::nullopt;
    return word(name, words);
}

void Fields::only(std::span<const std::string_view> names) const {
    for (const auto& [name, value] : object_.items()) {
        bool known = false;
        for (const std::string_view allowed : names) known = known || allowed == name;
        if (known) continue;
        throw Failure(
            Failure::Kind::invalid,
            names.empty()
                ? fmt::format("{} is not a known field; valid are none", path_of(json_shown(name)))
                : fmt::format("{} is not a known field; valid are {}", path_of(json_shown(name)),
                              fmt::join(names, ", ")));
    }
}

std::string Fields::path_of(std::string_view name) const {
    if (where_.empty()) return std::string(name);
    return fmt::format("{}.{}", where_, name);
}

void Fields::fail(std::string_view name, std::string_view valid) const {
    throw Failure(Failure::Kind::invalid, fmt::format("{} must be {}", path_of(name), valid));
}

const Json* Fields::find(std::string_view name) const {
    const auto place = object_.find(std::string(name));
    if (place == object_.end() || place->is_null()) return nullptr;
    return &*place;
}

const Json& Fields::need(std::string_view name, std::string_view valid) const {
    const Json* value = find(name);
    if (value == nullptr) fail(name, valid);
    return *value;
}

}  // namespace base
