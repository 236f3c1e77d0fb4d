#include "clients/conversation.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::string_view cache_mark = R"(,"cache_control":{"type":"ephemeral"})";
// The cache looks back over 20 blocks from a breakpoint; past this many a second one is set.
constexpr std::size_t cache_lookback_blocks = 18;

std::string json_text(std::string_view text) {
    return base::to_text(base::Json(text));
}

// Text from outside as the model's API takes it: valid, without NUL, never blank.
std::string clean_text(std::string_view text) {
    const std::string clean = base::clean_utf8(text);
    return json_text(base::trim(clean).empty() ? std::string_view{"(no output)"} : clean);
}

std::string result_block(std::string_view id, std::string_view text, bool is_error) {
    std::string block = R"({"type":"tool_result","tool_use_id":)" + json_text(id);
    if (is_error) block += R"(,"is_error":true)";
    return block + R"(,"content":)" + clean_text(text) + '}';
}

}  // namespace

std::string RequestText::whole() const {
    std::string text;
    text.reserve(bytes());
    text += front;
    text += *tools;
    text += back;
    return text;
}

Conversation::Conversation(std::string_view system, std::string_view tools_json)
    : Conversation(system, std::make_shared<const std::string>(tools_json)) {}

Conversation::Conversation(std::string_view system, std::shared_ptr<const std::string> tools_json)
    : tools_(std::move(tools_json)) {
    const bool has_system = !base::trim(system).empty();
    if (tools_->size() <= 2) {
        tools_ = std::make_shared<const std::string>();
    } else {
        base::require(tools_->ends_with("}]"), "tools_json is no array of objects");
    }
    if (has_system) {
        system_ += R"(,"system":[{"type":"text","text":)";
        system_ += clean_text(system);
        system_ += cache_mark;
        system_ += "}]";
    } else if (!tools_->empty()) {
        std::string marked = tools_->substr(0, tools_->size() - 2);
        marked += cache_mark;
        marked += "}]";
        tools_ = std::make_shared<const std::string>(std::move(marked));
    }
}

void Conversation::add_user(std::string_view text) {
    if (!open_calls_.empty()) add_results({});
    begin_message("user");
    messages_ += R"({"type":"text","text":)" + clean_text(text) + "}]}";
    end_user_message(1);
}

void Conversation::add_reply(const Message& reply) {
    base::require(open_calls_.empty(), "a reply follows tool calls that nobody answered");
    if (reply.content_json == "[]") return;
    begin_message("assistant");
    messages_.pop_back();  // The bracket: the reply brings its own.
    messages_ += reply.content_json;
    messages_ += '}';
    for (const ToolUse& use : reply.tool_uses) open_calls_.push_back(use.id);
}

void Conversation::add_results(const std::vector<ToolAnswer>& answers) {
    base::require(!open_calls_.empty(), "results without a tool call");
    for (const ToolAnswer& answer : answers) {
        const bool open = std::find(open_calls_.begin(), open_calls_.end(), answer.tool_use_id) !=
                          open_calls_.end();
        base::require(open, "a result for a tool call that is not open");
    }
    begin_message("user");
    bool first = true;
    for (const std::string& id : open_calls_) {
        if (!first) messages_ += ',';
        first = false;
        const auto answer =
            std::find_if(answers.begin(), answers.end(),
                         [&id](const ToolAnswer& each) { return each.tool_use_id == id; });
        messages_ += answer == answers.end()
                         ? result_block(id, "not run: the visit was interrupted", true)
                         : result_block(id, answer->text, answer->is_error);
    }
    messages_ += "]}";
    // The reply has at least as many blocks as calls, besides text and thinking.
    end_user_message(2 * open_calls_.size() + 2);
    open_calls_.clear();
}

void Conversation::begin_message(std::string_view role) {
    if (!messages_.empty()) messages_ += ',';
    messages_ += R"({"role":")";
    messages_ += role;
    messages_ += R"(","content":[)";
}

void Conversation::end_user_message(std::size_t blocks) {
    previous_mark_ = newest_mark_;
    blocks_between_marks_ = blocks;
    newest_mark_ = messages_.size() - 3;  // Of "}]}".
}

RequestText Conversation::request_text(const TurnOptions& options) const {
    base::require(newest_mark_ > 0, "a conversation is sent that says nothing");
    RequestText request{.tools = tools_};
    std::string& front = request.front;
    front += R"({"model":)" + json_text(options.model);
    front += R"(,"max_tokens":)" + std::to_string(options.max_tokens);
    front += R"(,"stream":true)";
    if (!options.thinking.empty()) front += R"(,"thinking":)" + options.thinking;
    if (!options.effort.empty() || !options.output_schema.empty()) {
        front += R"(,"output_config":{)";
        if (!options.effort.empty()) front += R"("effort":)" + json_text(options.effort);
        if (!options.effort.empty() && !options.output_schema.empty()) front += ',';
        if (!options.output_schema.empty()) {
            front += R"("format":{"type":"json_schema","schema":)" + options.output_schema + '}';
        }
        front += '}';
    }
    if (!tools_->empty()) front += R"(,"tools":)";

    std::string& back = request.back;
    back.reserve(system_.size() + messages_.size() + 128);
    back += system_;
    back += R"(,"messages":[)";
    const std::string_view messages = messages_;
    std::size_t written = 0;
    if (previous_mark_ > 0 && blocks_between_marks_ > cache_lookback_blocks) {
        back += messages.substr(0, previous_mark_);
        back += cache_mark;
        written = previous_mark_;
    }
    back += messages.substr(written, newest_mark_ - written);
    back += cache_mark;
    back += messages.substr(newest_mark_);
    back += "]}";
    return request;
}

std::size_t Conversation::bytes() const {
    return tools_->size() + system_.size() + messages_.size();
}

}  // namespace clients
