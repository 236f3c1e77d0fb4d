#include "base/text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace base {

namespace {

constexpr std::string_view text_replacement = "\xEF\xBF\xBD";
constexpr std::string_view text_ellipsis = "\xE2\x80\xA6";

struct TextStep {
    std::size_t bytes = 1;  // To go forward: a whole character, or the part that is broken.
    bool valid = false;
};

// The character at the front of `rest` (not empty), by Unicode's table of well-formed sequences:
// the second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
TextStep text_step(std::string_view rest) {
    const auto byte = [rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {1, true};
    std::size_t length = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        if (first == 0xE0) low = 0xA0;
        if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        if (first == 0xF0) low = 0x90;
        if (first == 0xF4) high = 0x8F;
    } else {
        return {1, false};
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= rest.size() || byte(i) < low || byte(i) > high) return {i, false};
        low = 0x80;
        high = 0xBF;
    }
    return {length, true};
}

// How many bytes at the front are ASCII, eight at a time: most text is.
std::size_t text_ascii_bytes(std::string_view text) {
    std::size_t at = 0;
    for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
        std::memcpy(&eight, text.data() + at, sizeof eight);
        if ((eight & 0x8080'8080'8080'8080) != 0) break;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
    return at;
}

bool text_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

char text_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string clean_utf8(std::string_view bytes) {
    if (is_valid_utf8(bytes) && bytes.find('\0') == std::string_view::npos) {
        return std::string(bytes);
    }
    std::string clean;
    clean.reserve(bytes.size());
    while (!bytes.empty()) {
        const TextStep step = text_step(bytes);
        if (step.valid && bytes.front() != '\0') {
            clean.append(bytes.substr(0, step.bytes));
        } else {
            clean.append(text_replacement);
        }
        bytes.remove_prefix(step.bytes);
    }
    return clean;
}

bool is_valid_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        bytes.remove_prefix(text_ascii_bytes(bytes));
        if (bytes.empty()) break;
        const TextStep step = text_step(bytes);
        if (!step.valid) return false;
        bytes.remove_prefix(step.bytes);
    }
    return true;
}

std::string cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string(text);
    const bool marked = bytes_max >= text_ellipsis.size();
    std::size_t end = marked ? bytes_max - text_ellipsis.size() : bytes_max;
    // A continuation byte at the cut means that the character before it is not whole.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    std::string result(text.substr(0, end));
    if (marked) result.append(text_ellipsis);
    return result;
}

std::size_t characters(std::string_view text) {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    return count;
}

std::string cut_characters(std::string_view text, std::size_t most) {
    if (characters(text) <= most) return std::string(text);
    if (most == 0) return {};
    std::size_t left = most - 1, end = 0;
    // Past the character that begins at `end`, and the bytes that belong to it.
    for (; left > 0; --left) {
        for (++end; end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80;)
            ++end;
    }
    return std::string(text.substr(0, end)).append(text_ellipsis);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && text_is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && text_is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string lower_ascii(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = text_lower(c);
    return lower;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (text_lower(left[i]) != text_lower(right[i])) return false;
    }
    return true;
}

}  // namespace base
