#include "base/json_quick.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace base::json_detail {

namespace {

constexpr int quick_digits_max = 18;  // Whole numbers of so many digits fit 64 bits.

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

void quick_append_utf8(std::string& text, std::uint32_t point) {
    const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xC0 | point >> 6);
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
    }
    put(0x80 | (point & 0x3F));
}

// Every read_… answers false when it is not sure; the whole text is then read strictly.
class QuickReader {
  public:
    QuickReader(std::string_view text, int depth_max) : rest_(text), depth_max_(depth_max) {}

    bool read_whole(Json& value) {
        if (!read_value(value, 0)) return false;
        skip_blanks();
        return rest_.empty();
    }

  private:
    bool read_value(Json& value, int depth);
    bool read_object(Json& value, int depth);
    bool read_array(Json& value, int depth);
    bool read_number(Json& value);
    bool read_string(std::string& text);
    bool read_escape(std::string& text);
    bool read_code_unit(std::uint32_t& unit);

    void skip_blanks() {
        std::size_t blanks = 0;
        while (blanks < rest_.size() && (rest_[blanks] == ' ' || rest_[blanks] == '\n' ||
                                         rest_[blanks] == '\r' || rest_[blanks] == '\t')) {
            ++blanks;
        }
        rest_.remove_prefix(blanks);
    }
    bool take(std::string_view part) {
        if (!rest_.starts_with(part)) return false;
        rest_.remove_prefix(part.size());
        return true;
    }
    // After blanks.
    bool take_mark(char mark) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != mark) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool is_known_member(std::size_t first, std::string_view name) const {
        for (std::size_t i = first; i < members_.size(); ++i) {
            if (members_[i].first == name) return true;
        }
        return false;
    }

    std::string_view rest_;
    const int depth_max_;
    // Of the objects and arrays that are open, innermost last: each is built once it is whole, in
    // one piece, for a growing one would copy all that it holds.
    std::vector<std::pair<std::string, Json>> members_;
    std::vector<Json> items_;
};

bool QuickReader::read_value(Json& value, int depth) {
    skip_blanks();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
        case '{': return read_object(value, depth + 1);
        case '[': return read_array(value, depth + 1);
        case '"': {
            std::string text;
            if (!read_string(text)) return false;
            value = std::move(text);
            return true;
        }
        case 't': value = true; return take("true");
        case 'f': value = false; return take("false");
        case 'n': value = nullptr; return take("null");
        default: return read_number(value);
    }
}

bool QuickReader::read_object(Json& value, int depth) {
    if (depth > depth_max_ || !take_mark('{')) return false;
    const std::size_t first = members_.size();
    if (!take_mark('}')) {
        do {
            skip_blanks();
            std::string name;
            if (!read_string(name) || !take_mark(':') || is_known_member(first, name)) return false;
            Json member;
            if (!read_value(member, depth)) return false;
            members_.emplace_back(std::move(name), std::move(member));
        } while (take_mark(','));
        if (!take_mark('}')) return false;
    }
    Json::object_t object;
    object.reserve(members_.size() - first);
    for (std::size_t i = first; i < members_.size(); ++i) {
        object.emplace_back(std::move(members_[i].first), std::move(members_[i].second));
    }
    members_.resize(first);
    value = std::move(object);
    return true;
}

bool QuickReader::read_array(Json& value, int depth) {
    if (depth > depth_max_ || !take_mark('[')) return false;
    const std::size_t first = items_.size();
    if (!take_mark(']')) {
        do {
            Json item;
            if (!read_value(item, depth)) return false;
            items_.push_back(std::move(item));
        } while (take_mark(','));
        if (!take_mark(']')) return false;
    }
    Json::array_t array;
    array.reserve(items_.size() - first);
    for (std::size_t i = first; i < items_.size(); ++i) array.push_back(std::move(items_[i]));
    items_.resize(first);
    value = std::move(array);
    return true;
}

// Whole numbers; the others are rare and left to the strict reader.
bool QuickReader::read_number(Json& value) {
    const bool negative = take("-");
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    const bool whole = digits > 0 && digits <= quick_digits_max &&
                       (digits == 1 || rest_.front() != '0') &&
                       (digits == rest_.size() ||
                        (rest_[digits] != '.' && rest_[digits] != 'e' && rest_[digits] != 'E'));
    if (!whole) return false;
    std::uint64_t number = 0;
    std::from_chars(rest_.data(), rest_.data() + digits, number);
    rest_.remove_prefix(digits);
    if (negative) {
        value = -static_cast<std::int64_t>(number);
    } else {
        value = number;
    }
    return true;
}

bool QuickReader::read_string(std::string& text) {
    if (!take("\"")) return false;
    bool wide = false;
    for (;;) {
        std::size_t plain = 0;
        while (plain < rest_.size() && quick_kind(rest_[plain]) != QuickByte::special) {
            wide |= quick_kind(rest_[plain]) == QuickByte::wide;
            ++plain;
        }
        if (plain == rest_.size()) return false;
        text.append(rest_.substr(0, plain));
        const char mark = rest_[plain];
        rest_.remove_prefix(plain + 1);
        if (mark == '"') return !wide || is_valid_utf8(text);
        if (mark != '\\' || !read_escape(text)) return false;
    }
}

bool QuickReader::read_escape(std::string& text) {
    if (rest_.empty()) return false;
    const char letter = rest_.front();
    rest_.remove_prefix(1);
    switch (letter) {
        case '"':
        case '\\':
        case '/': text += letter; return true;
        case 'b': text += '\b'; return true;
        case 'f': text += '\f'; return true;
        case 'n': text += '\n'; return true;
        case 'r': text += '\r'; return true;
        case 't': text += '\t'; return true;
        case 'u': break;
        default: return false;
    }
    std::uint32_t unit = 0;
    if (!read_code_unit(unit)) return false;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        std::uint32_t low = 0;
        if (unit > 0xDBFF || !take("\\u") || !read_code_unit(low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return false;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    quick_append_utf8(text, unit);
    return true;
}

bool QuickReader::read_code_unit(std::uint32_t& unit) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, unit, 16);
    if (error != std::errc{} || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
}

}  // namespace

std::optional<Json> read_quickly(std::string_view text, int depth_max) {
    std::optional<Json> value(std::in_place);
    if (!QuickReader(text, depth_max).read_whole(*value)) return std::nullopt;
    return value;
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
