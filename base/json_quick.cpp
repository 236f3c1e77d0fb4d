#include "base/json_quick.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <simdjson.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace base::json_detail {

namespace {

namespace dom = simdjson::dom;

// The parser keeps its buffers, about three times the longest text. Longer ones get their own, so
// that no thread holds much for ever.
constexpr std::size_t quick_kept_bytes_max = 32 * 1024;

// False: the strict reader has to decide.
bool quick_value(Json& value, const dom::element& element, int depth_left);

bool quick_object(Json& value, const dom::object& object, int depth_left) {
    Json::object_t members;
    members.reserve(object.size());
    for (const auto& [name, element] : object) {
        if (members.size() >= members_max) return false;
        for (const auto& known : members) {
            if (known.first == name)
                return false;  // The last one counts, in the first one's place.
        }
        // Built where it stays: a growing object would copy all that it holds.
        if (!quick_value(members.emplace_back(std::string(name), Json()).second, element,
                         depth_left)) {
            return false;
        }
    }
    value = std::move(members);
    return true;
}

bool quick_array(Json& value, const dom::array& array, int depth_left) {
    Json::array_t items;
    items.reserve(array.size());
    for (const dom::element& element : array) {
        if (!quick_value(items.emplace_back(), element, depth_left)) return false;
    }
    value = std::move(items);
    return true;
}

bool quick_value(Json& value, const dom::element& element, int depth_left) {
    const dom::element_type type = element.type();
    const bool is_nested = type == dom::element_type::OBJECT || type == dom::element_type::ARRAY;
    if (is_nested && depth_left == 0) return false;
    switch (type) {
        case dom::element_type::OBJECT:
            return quick_object(value, element.get_object(), depth_left - 1);
        case dom::element_type::ARRAY:
            return quick_array(value, element.get_array(), depth_left - 1);
        case dom::element_type::STRING: value = std::string_view(element.get_string()); return true;
        case dom::element_type::BOOL: value = bool(element.get_bool()); return true;
        case dom::element_type::NULL_VALUE: value = nullptr; return true;
        case dom::element_type::UINT64: value = std::uint64_t(element.get_uint64()); return true;
        case dom::element_type::INT64: {
            const std::int64_t number = element.get_int64();
            if (number < 0) {
                value = number;
            } else {
                value = static_cast<std::uint64_t>(number);
            }
            return true;
        }
        case dom::element_type::DOUBLE: return false;  // The strict reader knows what is too big.
    }
    return false;
}

std::optional<Json> quick_parse(dom::parser& parser, std::string_view text, int depth_max) {
    dom::element element;
    if (parser.parse(text.data(), text.size()).get(element)) return std::nullopt;
    std::optional<Json> value(std::in_place);
    if (!quick_value(*value, element, depth_max)) return std::nullopt;
    return value;
}

enum class QuickByte : std::uint8_t { plain, special, wide };

// What a byte means inside a JSON string: itself, an escape or its need of one, part of UTF-8.
constexpr std::array<QuickByte, 256> quick_bytes = [] {
    std::array<QuickByte, 256> table{};
    for (std::size_t byte = 0; byte < table.size(); ++byte) {
        if (byte < 0x20 || byte == '"' || byte == '\\') table[byte] = QuickByte::special;
        if (byte >= 0x80) table[byte] = QuickByte::wide;
    }
    return table;
}();

QuickByte quick_kind(char c) {
    return quick_bytes[static_cast<unsigned char>(c)];
}

}  // namespace

std::optional<Json> read_quickly(std::string_view text, int depth_max) {
    if (text.size() > quick_kept_bytes_max) {
        dom::parser parser;
        return quick_parse(parser, text, depth_max);
    }
    thread_local dom::parser kept;
    return quick_parse(kept, text, depth_max);
}

void append_string(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    bool wide = false;
    for (const char c : text) wide |= quick_kind(c) == QuickByte::wide;
    if (wide && !is_valid_utf8(text)) {
        out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
        return;
    }
    out += '"';
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && quick_kind(text[plain]) != QuickByte::special) ++plain;
        out.append(text.substr(0, plain));
        if (plain == text.size()) break;
        const char c = text[plain];
        text.remove_prefix(plain + 1);
        out += '\\';
        switch (c) {
            case '"':
            case '\\': out += c; break;
            case '\b': out += 'b'; break;
            case '\f': out += 'f'; break;
            case '\n': out += 'n'; break;
            case '\r': out += 'r'; break;
            case '\t': out += 't'; break;
            default:
                out += "u00";
                out += digits[static_cast<std::size_t>(c) >> 4];
                out += digits[static_cast<std::size_t>(c) & 0xF];
        }
    }
    out += '"';
}

void append_value(std::string& text, const Json& value) {
    std::array<char, 24> digits;
    const auto append_number = [&](auto number) {
        const auto [end, error] =
            std::to_chars(digits.data(), digits.data() + digits.size(), number);
        text.append(digits.data(), end);
    };
    switch (value.type()) {
        case Json::value_t::object: {
            char mark = '{';
            for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
                text += std::exchange(mark, ',');
                append_string(text, name);
                text += ':';
                append_value(text, member);
            }
            text += mark == '{' ? "{}" : "}";
            return;
        }
        case Json::value_t::array: {
            char mark = '[';
            for (const Json& item : value) {
                text += std::exchange(mark, ',');
                append_value(text, item);
            }
            text += mark == '[' ? "[]" : "]";
            return;
        }
        case Json::value_t::string: return append_string(text, value.get_ref<const std::string&>());
        case Json::value_t::boolean: text += value.get<bool>() ? "true" : "false"; return;
        case Json::value_t::number_integer: return append_number(value.get<std::int64_t>());
        case Json::value_t::number_unsigned: return append_number(value.get<std::uint64_t>());
        default: text += value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
}

}  // namespace base::json_detail
