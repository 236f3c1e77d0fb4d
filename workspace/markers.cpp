#include "workspace/markers.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace workspace {

namespace {

using Text = std::string_view;

constexpr std::size_t markers_bytes_min = 16;
constexpr std::size_t markers_name_reach = 60;  // From "you are now" to the name.

Text markers_after_blanks(Text text) {
    const std::size_t at = text.find_first_not_of(" \t\r\n");
    return at == text.npos ? Text() : text.substr(at);
}

template <std::size_t n>
bool markers_skip(Text& text, const std::array<Text, n>& words) {
    for (const Text word : words) {
        if (!text.starts_with(word)) continue;
        text = markers_after_blanks(text.substr(word.size()));
        return true;
    }
    return false;
}

// "ignore all the previous instructions": the words between may be missing.
bool markers_ignores(Text text) {
    static constexpr std::array<Text, 9> fill = {"all ",  "the ", "any ",   "my ",   "your ",
                                                 "alle ", "die ", "meine ", "deine "};
    static constexpr std::array<Text, 8> earlier = {"previous ",  "prior ",      "above ",
                                                    "earlier ",   "vorherigen ", "bisherigen ",
                                                    "vorherige ", "bisherige "};
    static constexpr std::array<Text, 6> what = {"instruction", "message",   "prompt",
                                                 "rule",        "anweisung", "nachricht"};
    text = markers_after_blanks(text);
    for (int words = 0; words < 3 && markers_skip(text, fill); ++words) {
    }
    return markers_skip(text, earlier) &&
           std::any_of(what.begin(), what.end(), [&](Text word) { return text.starts_with(word); });
}

bool markers_renames(Text text) {
    static constexpr std::array<Text, 7> names = {"assistant", "assistent", "gpt", "claude",
                                                  "gemini",    "admin",     "root"};
    const Text reach = text.substr(0, std::min(text.size(), markers_name_reach));
    return std::any_of(names.begin(), names.end(),
                       [&](Text name) { return reach.find(name) != reach.npos; });
}

bool markers_opens(Text text) {
    text = markers_after_blanks(text);
    if (!text.starts_with("system")) return false;
    return text.size() == 6 || text[6] < 'a' || text[6] > 'z';
}

// A template of somebody's own is none; one that speaks of the model's instructions is.
bool markers_template(Text text) {
    const std::size_t end = text.find("}}");
    if (end == text.npos) return false;
    const Text inside = text.substr(0, end);
    return inside.find("system") != inside.npos || inside.find("prompt") != inside.npos ||
           inside.find("instruction") != inside.npos;
}

struct Marker {
    Text name, begin;
    bool (*holds)(Text rest);  // What stands behind `begin`.
};

constexpr std::array markers = {
    Marker{"ignore-previous", "ignore ", markers_ignores},
    Marker{"ignore-previous", "disregard ", markers_ignores},
    Marker{"ignore-previous", "ignoriere ", markers_ignores},
    Marker{"ignore-previous", "vergiss ", markers_ignores},
    Marker{"you-are-now", "you are now ", markers_renames},
    Marker{"you-are-now", "du bist jetzt ", markers_renames},
    Marker{"you-are-now", "du bist ab jetzt ", markers_renames},
    Marker{"system-tag", "<", markers_opens},
    Marker{"template", "{{", markers_template},
    Marker{"system-block", "```", markers_opens},
};

}  // namespace

std::optional<Text> find_marker(Text text) {
    if (text.size() < markers_bytes_min) return std::nullopt;
    const std::string folded = base::lower_ascii(text);
    const Text all = folded;
    for (const Marker& marker : markers) {
        for (std::size_t at = all.find(marker.begin); at != all.npos;
             at = all.find(marker.begin, at + 1)) {
            if (marker.holds(all.substr(at + marker.begin.size()))) return marker.name;
        }
    }
    return std::nullopt;
}

std::optional<Text> find_marker(const base::Json& value) {
    if (value.is_string()) return find_marker(Text(value.get_ref<const std::string&>()));
    if (!value.is_structured()) return std::nullopt;
    for (const base::Json& inner : value) {
        if (const auto found = find_marker(inner)) return found;
    }
    return std::nullopt;
}

}  // namespace workspace
