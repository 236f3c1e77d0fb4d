#include "sim/wire.hpp"

#include <charconv>

#include <nlohmann/json.hpp>

namespace sim {

namespace {

void wire_make_blocks(base::Json& owner, const char* name) {
    const auto member = owner.find(name);
    if (member == owner.end() || !member->is_string()) return;
    base::Json block = {{"type", "text"}, {"text", *member}};
    *member = base::Json::array({std::move(block)});
}

}  // namespace

void normalize(base::Json& body) {
    wire_make_blocks(body, "system");
    if (!body.contains("messages")) return;
    for (base::Json& message : body["messages"]) {
        wire_make_blocks(message, "content");
        for (base::Json& block : message["content"]) {
            if (type_of(block) == "tool_result") wire_make_blocks(block, "content");
        }
    }
}

std::vector<WireTurn> turns_of(const base::Json& body) {
    std::vector<WireTurn> turns;
    const base::Json& messages = body.at("messages");
    for (std::size_t at = 0; at < messages.size(); ++at) {
        const base::Json& message = messages[at];
        const std::string_view role = text_member(message, "role");
        if (turns.empty() || turns.back().role != role) {
            turns.push_back({.role = role, .message = at, .blocks = {}});
        }
        const base::Json& content = message.at("content");
        for (std::size_t index = 0; index < content.size(); ++index) {
            turns.back().blocks.push_back({.json = &content[index], .message = at, .index = index});
        }
    }
    return turns;
}

std::string_view text_member(const base::Json& object, std::string_view name) {
    if (!object.is_object()) return {};
    const auto member = object.find(std::string(name));
    if (member == object.end() || !member->is_string()) return {};
    return member->get_ref<const std::string&>();
}

std::string_view type_of(const base::Json& block) {
    return text_member(block, "type");
}

bool is_thinking(const base::Json& block) {
    const std::string_view type = type_of(block);
    return type == "thinking" || type == "redacted_thinking";
}

int leading_number(std::string_view digits) {
    int number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return read.ec == std::errc{} ? number : -1;
}

std::string canonical(const base::Json& block) {
    if (!block.is_object() || !block.contains("cache_control")) return base::to_text(block);
    base::Json bare = block;
    bare.erase("cache_control");
    return base::to_text(bare);
}

std::string joined_text(const base::Json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    if (!content.is_array()) return text;
    for (const base::Json& block : content) {
        if (type_of(block) != "text") continue;
        if (!text.empty()) text += '\n';
        text += text_member(block, "text");
    }
    return text;
}

}  // namespace sim
