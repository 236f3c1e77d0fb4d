#include "sim/raw_prompt.hpp"

#include <algorithm>
#include <functional>

namespace sim {

namespace {

constexpr char raw_block = '\x1f';    // Between blocks.
constexpr char raw_message = '\x1e';  // Before a message; control characters stand in no JSON.
constexpr std::string_view raw_mark = "\"cache_control\"";

// Walks over valid JSON without building anything.
class RawCursor {
  public:
    explicit RawCursor(std::string_view text) : text_(text) {}

    bool at(char letter) {
        blanks();
        return at_ < text_.size() && text_[at_] == letter;
    }
    bool take(char letter) {
        if (!at(letter)) return false;
        ++at_;
        return true;
    }
    // The next value's text, whatever it is.
    std::string_view value() {
        blanks();
        const std::size_t from = at_;
        if (at('"')) {
            skip_string();
        } else if (at('{') || at('[')) {
            skip_nested();
        } else {
            at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
        }
        return text_.substr(from, at_ - from);
    }

  private:
    void blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    void skip_string() {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] == '\\') ++at_;
        }
        ++at_;
    }
    void skip_nested() {
        std::size_t depth = 0;
        do {
            if (text_[at_] == '"') {
                skip_string();
                continue;
            }
            if (text_[at_] == '{' || text_[at_] == '[') ++depth;
            if (text_[at_] == '}' || text_[at_] == ']') --depth;
            ++at_;
        } while (depth > 0 && at_ < text_.size());
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

using RawMember = std::function<void(std::string_view name, std::string_view value)>;

void raw_members(std::string_view object, const RawMember& use) {
    RawCursor cursor(object);
    if (!cursor.take('{')) return;
    while (cursor.at('"')) {
        const std::string_view name = cursor.value();
        cursor.take(':');
        use(name, cursor.value());
        cursor.take(',');
    }
}

void raw_elements(std::string_view array, const std::function<void(std::string_view)>& use) {
    RawCursor cursor(array);
    if (!cursor.take('[')) return;
    while (!cursor.at(']')) {
        use(cursor.value());
        cursor.take(',');
    }
}

// The value without blanks and cache marks.
void raw_copy(std::string& out, std::string_view value) {
    if (value.starts_with('{')) {
        out += '{';
        raw_members(value, [&out](std::string_view name, std::string_view member) {
            if (name == raw_mark) return;
            out.append(name) += ':';
            raw_copy(out, member);
            out += ',';
        });
        out += '}';
    } else if (value.starts_with('[')) {
        out += '[';
        raw_elements(value, [&out](std::string_view element) {
            raw_copy(out, element);
            out += ',';
        });
        out += ']';
    } else {
        out += value;
    }
}

// Blocks of an array, or one text that stands for all.
void raw_blocks(std::string& out, std::string_view content) {
    if (!content.starts_with('[')) {
        out += raw_block;
        return raw_copy(out, content);
    }
    raw_elements(content, [&out](std::string_view block) {
        out += raw_block;
        raw_copy(out, block);
    });
}

}  // namespace

std::string raw_prompt(std::string_view body) {
    std::string_view tools;
    std::string_view system;
    std::string_view messages;
    raw_members(body, [&](std::string_view name, std::string_view value) {
        if (name == "\"tools\"") tools = value;
        if (name == "\"system\"") system = value;
        if (name == "\"messages\"") messages = value;
    });
    std::string prompt;
    if (!messages.starts_with('[')) return prompt;
    raw_blocks(prompt, tools);
    prompt += raw_message;
    raw_blocks(prompt, system);
    raw_elements(messages, [&prompt](std::string_view message) {
        prompt += raw_message;
        raw_members(message, [&prompt](std::string_view name, std::string_view value) {
            if (name == "\"role\"") prompt += value;
        });
        raw_members(message, [&prompt](std::string_view name, std::string_view value) {
            if (name == "\"content\"") raw_blocks(prompt, value);
        });
    });
    return prompt;
}

}  // namespace sim
