#include "clients/message_delta.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::size_t delta_index_digits_max = 6;
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> delta_forms{{
    {"text_delta", R"("text":")"},
    {"input_json_delta", R"("partial_json":")"},
    {"thinking_delta", R"("thinking":")"},
}};

bool take_delta_part(std::string_view& rest, std::string_view part) {
    if (!rest.starts_with(part)) return false;
    rest.remove_prefix(part.size());
    return true;
}

// What a short escape stands for; NUL: it is none, or one that needs more than a letter.
char delta_escape(char letter) {
    switch (letter) {
        case '"':
        case '\\':
        case '/': return letter;
        case 'n': return '\n';
        case 't': return '\t';
        case 'r': return '\r';
        case 'b': return '\b';
        case 'f': return '\f';
        default: return '\0';
    }
}

// Up to the closing quote; nothing when there is none or the text is not plain.
std::optional<std::string_view> take_delta_text(std::string_view& rest) {
    bool ascii = true;
    std::size_t at = 0;
    while (at < rest.size() && rest[at] != '"') {
        const auto byte = static_cast<unsigned char>(rest[at]);
        if (byte < 0x20) return std::nullopt;
        if (byte >= 0x80) ascii = false;
        if (byte == '\\') {
            ++at;
            if (at == rest.size() || delta_escape(rest[at]) == '\0') return std::nullopt;
        }
        ++at;
    }
    if (at == rest.size()) return std::nullopt;
    const std::string_view text = rest.substr(0, at);
    if (!ascii && !base::is_valid_utf8(text)) return std::nullopt;
    rest.remove_prefix(at + 1);
    return text;
}

}  // namespace

std::optional<PlainDelta> read_plain_delta(std::string_view data) {
    PlainDelta delta;
    std::string_view rest = data;
    if (!take_delta_part(rest, R"({"type":"content_block_delta","index":)")) return std::nullopt;
    const std::size_t digits = rest.find(',');
    if (digits == 0 || digits > delta_index_digits_max) return std::nullopt;
    unsigned index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + digits, index);
    const bool leading_zero = rest[0] == '0' && digits > 1;
    if (error != std::errc{} || end != rest.data() + digits || leading_zero) return std::nullopt;
    delta.index = static_cast<int>(index);
    rest.remove_prefix(digits);
    if (!take_delta_part(rest, R"(,"delta":{"type":")")) return std::nullopt;
    for (const auto& [type, member] : delta_forms) {
        if (!take_delta_part(rest, type)) continue;
        if (!take_delta_part(rest, R"(",)") || !take_delta_part(rest, member)) return std::nullopt;
        const std::optional<std::string_view> text = take_delta_text(rest);
        if (!text || !take_delta_part(rest, "}")) return std::nullopt;
        // The API pads its events with blanks.
        if (base::trim(rest) != "}") return std::nullopt;
        delta.type = type;
        delta.escaped = *text;
        return delta;
    }
    return std::nullopt;
}

std::size_t append_unescaped(std::string& text, std::string_view escaped) {
    const std::size_t before = text.size();
    for (;;) {
        const std::size_t mark = escaped.find('\\');
        text += escaped.substr(0, mark);
        if (mark == std::string_view::npos) return text.size() - before;
        text += delta_escape(escaped[mark + 1]);
        escaped.remove_prefix(mark + 2);
    }
}

}  // namespace clients
