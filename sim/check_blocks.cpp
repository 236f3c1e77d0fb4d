// Every message and block on its own: roles, types, fields, texts.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/check.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

struct BlockRule {
    std::string_view type;
    std::string_view fields;  // All that may appear, separated by blanks.
    std::string_view needed;
    std::string_view roles;  // a assistant, u user, s system, r inside a tool result.
};

constexpr std::array block_rules{
    BlockRule{"text", "type text citations cache_control", "text", "ausr"},
    BlockRule{"thinking", "type thinking signature", "thinking signature", "a"},
    BlockRule{"redacted_thinking", "type data", "data", "a"},
    BlockRule{"tool_use", "type id name input cache_control caller toolset_name", "id name input",
              "a"},
    BlockRule{"tool_result", "type tool_use_id content is_error cache_control", "tool_use_id", "u"},
    BlockRule{"server_tool_use", "type id name input cache_control caller", "id name input", "a"},
    BlockRule{"web_search_tool_result", "type tool_use_id content cache_control caller",
              "tool_use_id content", "a"},
    // What the simulator itself answers as a block that nobody knows.
    BlockRule{"sim_novelty", "type payload", "", "a"},
    BlockRule{"image", "type source cache_control", "source", "ur"},
    BlockRule{"document", "type source title context citations cache_control", "source", "ur"},
    BlockRule{"search_result", "type source title content citations cache_control",
              "source title content", "ur"},
    BlockRule{"tool_reference", "type tool_name cache_control", "tool_name", "r"},
};

bool block_lists(std::string_view words, std::string_view word) {
    std::size_t from = 0;
    while (from < words.size()) {
        const std::size_t end = std::min(words.find(' ', from), words.size());
        if (words.substr(from, end - from) == word) return true;
        from = end + 1;
    }
    return false;
}

void block_check_text(const base::Json& block, const std::string& path, char place,
                      const CheckOptions& options) {
    if (!block["text"].is_string()) refuse(path + ".text.text: Input should be a valid string");
    const std::string_view text = text_member(block, "text");
    if (text.empty()) refuse("messages: text content blocks must be non-empty");
    if (text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos) {
        refuse("messages: text content blocks must contain non-whitespace text");
    }
    const bool cites =
        block.contains("citations") && block["citations"].is_array() && !block["citations"].empty();
    if (place == 'u' && cites && options.version != "2023-06-01") {
        refuse(path + ".text.citations: not permitted in user messages");
    }
}

void block_check_id(std::string_view id, const std::string& path) {
    const bool valid = !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '_' || letter == '-';
    });
    if (!valid) refuse(path + ": String should match pattern '^[a-zA-Z0-9_-]+$'");
}

void block_check(const base::Json& block, const std::string& path, char place,
                 const CheckOptions& options);

void block_check_result(const base::Json& block, const std::string& path,
                        const CheckOptions& options) {
    block_check_id(text_member(block, "tool_use_id"), path + ".tool_result.tool_use_id");
    if (block.contains("is_error") && !block["is_error"].is_boolean() &&
        !block["is_error"].is_null()) {
        refuse(path + ".tool_result.is_error: Input should be a valid boolean");
    }
    const bool failed = block.contains("is_error") && block["is_error"] == true;
    const auto content = block.find("content");
    const bool empty = content == block.end() || content->is_null() ||
                       (content->is_string() && content->get_ref<const std::string&>().empty()) ||
                       (content->is_array() && content->empty());
    if (failed && empty) {
        refuse(path + ".tool_result: content cannot be empty if `is_error` is true");
    }
    if (content == block.end() || content->is_null() || content->is_string()) return;
    if (!content->is_array()) {
        refuse(path + ".tool_result.content: Input should be a valid string or list");
    }
    for (std::size_t at = 0; at < content->size(); ++at) {
        const std::string inner = fmt::format("{}.tool_result.content.{}", path, at);
        const base::Json& part = (*content)[at];
        if (part.is_object() && part.contains("cache_control")) {
            refuse(inner + ".cache_control: Extra inputs are not permitted");
        }
        block_check(part, inner, 'r', options);
    }
}

void block_check(const base::Json& block, const std::string& path, char place,
                 const CheckOptions& options) {
    if (!block.is_object()) refuse(path + ": Input should be a valid dictionary");
    const std::string_view type = type_of(block);
    const auto rule = std::find_if(block_rules.begin(), block_rules.end(),
                                   [type](const BlockRule& one) { return one.type == type; });
    const bool fits = rule != block_rules.end() && rule->roles.find(place) != std::string::npos;
    // The first API version still took documents that an assistant had written.
    const bool old_document = type == "document" && place == 'a' && options.version == "2023-06-01";
    if (!fits && !old_document) {
        if (rule != block_rules.end() && type == "tool_use") {
            refuse(path + ": `tool_use` blocks can only be in `assistant` messages");
        }
        if (rule != block_rules.end() && type == "tool_result") {
            refuse(path + ": `tool_result` blocks can only be in `user` messages");
        }
        refuse(
            fmt::format("{}: Input tag '{}' found using 'type' does not match any of the "
                        "expected tags",
                        path, type));
    }
    for (const auto& [name, value] : block.items()) {
        if (!block_lists(rule->fields, name)) {
            refuse(fmt::format("{}.{}.{}: Extra inputs are not permitted", path, type, name));
        }
    }
    for (std::size_t from = 0; from < rule->needed.size();) {
        const std::size_t end = std::min(rule->needed.find(' ', from), rule->needed.size());
        const std::string name(rule->needed.substr(from, end - from));
        if (!block.contains(name)) {
            refuse(fmt::format("{}.{}.{}: Field required", path, type, name));
        }
        from = end + 1;
    }
    check_cache_mark(block, fmt::format("{}.{}", path, type));
    if (type == "text") block_check_text(block, path, place, options);
    if (type == "tool_result") block_check_result(block, path, options);
    if (type == "tool_use") {
        block_check_id(text_member(block, "id"), path + ".tool_use.id");
        if (text_member(block, "name").empty()) {
            refuse(path + ".tool_use.name: String should have at least 1 character");
        }
        if (!block["input"].is_object()) {
            refuse(path + ".tool_use.input: Input should be a valid dictionary");
        }
    }
    if (type == "thinking" &&
        (!block["thinking"].is_string() || text_member(block, "signature").empty())) {
        refuse(path + ".thinking.signature: Field required");
    }
}

void message_check_content(const base::Json& message, const std::string& path, char place,
                           bool may_be_empty, const CheckOptions& options) {
    const auto content = message.find("content");
    if (content == message.end()) refuse(path + ".content: Field required");
    if (content->is_string()) {
        const auto& text = content->get_ref<const std::string&>();
        if (text.empty() && !may_be_empty) {
            refuse(path +
                   ": all messages must have non-empty content except for the optional "
                   "final assistant message");
        }
        if (!text.empty() && text.find_first_not_of(" \t\r\n\f\v") == std::string::npos) {
            refuse("messages: text content blocks must contain non-whitespace text");
        }
        return;
    }
    if (!content->is_array()) {
        refuse(path + ".content: Input should be a valid string or list of content blocks");
    }
    if (content->empty() && !may_be_empty) {
        refuse(path +
               ": all messages must have non-empty content except for the optional final "
               "assistant message");
    }
    for (std::size_t at = 0; at < content->size(); ++at) {
        block_check((*content)[at], fmt::format("{}.content.{}", path, at), place, options);
    }
}

}  // namespace

void check_message_shapes(const base::Json& body, const CheckOptions& options) {
    const auto messages = body.find("messages");
    if (messages == body.end()) refuse("messages: Field required");
    if (!messages->is_array()) refuse("messages: Input should be a valid list");
    if (messages->empty()) refuse("messages: at least one message is required");
    if (messages->size() > 100'000) refuse("messages: at most 100000 messages are allowed");
    static constexpr std::array<std::string_view, 2> known{"role", "content"};
    for (std::size_t at = 0; at < messages->size(); ++at) {
        const base::Json& message = (*messages)[at];
        const std::string path = fmt::format("messages.{}", at);
        refuse_unknown_fields(message, path, known);
        const std::string_view role = text_member(message, "role");
        if (role != "user" && role != "assistant" && role != "system") {
            refuse(path + ".role: Input should be 'user', 'assistant' or 'system'");
        }
        const bool last_assistant = role == "assistant" && at + 1 == messages->size();
        message_check_content(message, path, role.front(), last_assistant, options);
    }
}

}  // namespace sim
