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

using Piece = base::HttpBody::Piece;

// It stays until its conversation ends, and holds no more than it says.
Piece piece_of(std::string text) {
    text.shrink_to_fit();
    return std::make_shared<const std::string>(std::move(text));
}

const Piece& cache_mark_piece() {
    static const Piece piece = piece_of(std::string(cache_mark));
    return piece;
}

// What ends a user message: of its last block, of its content, of itself.
const Piece& user_end_piece() {
    static const Piece piece = piece_of("}]}");
    return piece;
}

// Text from outside as the model's API takes it: valid, without NUL, never blank.
std::string clean_text(std::string_view text) {
    const std::string clean = base::clean_utf8(text);
    return base::quoted(base::trim(clean).empty() ? std::string_view{"(no output)"} : clean);
}

// Without its closing brace.
std::string result_block(std::string_view id, std::string_view text, bool is_error) {
    std::string block = R"({"type":"tool_result","tool_use_id":)" + base::quoted(id);
    if (is_error) block += R"(,"is_error":true)";
    return block + R"(,"content":)" + clean_text(text);
}

}  // namespace

Conversation::Conversation(std::string_view system, std::string_view tools_json)
    : Conversation(system, piece_of(std::string(tools_json))) {}

Conversation::Conversation(std::string_view system, std::shared_ptr<const std::string> tools_json)
    : tools_(std::move(tools_json)) {
    const bool has_system = !base::trim(system).empty();
    if (tools_->size() <= 2) {
        tools_ = piece_of({});
    } else {
        base::require(tools_->ends_with("}]"), "tools_json is no array of objects");
    }
    std::string lead;
    if (has_system) {
        lead += R"(,"system":[{"type":"text","text":)";
        lead += clean_text(system);
        lead += cache_mark;
        lead += "}]";
    } else if (!tools_->empty()) {
        std::string marked = tools_->substr(0, tools_->size() - 2);
        marked += cache_mark;
        marked += "}]";
        tools_ = piece_of(std::move(marked));
    }
    lead += R"(,"messages":[)";
    system_ = piece_of(std::move(lead));
}

void Conversation::add_user(std::string_view text) {
    if (!open_calls_.empty()) add_results({});
    std::string message = begun_message("user");
    message += R"([{"type":"text","text":)";
    message += clean_text(text);
    add_user_message(std::move(message), 1);
}

void Conversation::add_reply(const Message& reply) {
    base::require(open_calls_.empty(), "a reply follows tool calls that nobody answered");
    if (reply.content_json == "[]") return;
    std::string message = begun_message("assistant");
    message.reserve(message.size() + reply.content_json.size() + 1);
    message += reply.content_json;
    message += '}';
    messages_.push_back(piece_of(std::move(message)));
    for (const ToolUse& use : reply.tool_uses) open_calls_.push_back(use.id);
}

void Conversation::add_results(const std::vector<ToolAnswer>& answers) {
    base::require(!open_calls_.empty(), "results without a tool call");
    for (const ToolAnswer& answer : answers) {
        const bool open = std::find(open_calls_.begin(), open_calls_.end(), answer.tool_use_id) !=
                          open_calls_.end();
        base::require(open, "a result for a tool call that is not open");
    }
    std::string message = begun_message("user") + '[';
    bool first = true;
    for (const std::string& id : open_calls_) {
        if (!first) message += "},";
        first = false;
        const auto answer =
            std::find_if(answers.begin(), answers.end(),
                         [&id](const ToolAnswer& each) { return each.tool_use_id == id; });
        message += answer == answers.end()
                       ? result_block(id, "not run: the visit was interrupted", true)
                       : result_block(id, answer->text, answer->is_error);
    }
    // The reply has at least as many blocks as calls, besides text and thinking.
    add_user_message(std::move(message), 2 * open_calls_.size() + 2);
    open_calls_.clear();
}

std::string Conversation::begun_message(std::string_view role) const {
    std::string message = messages_.empty() ? "" : ",";
    message += R"({"role":")";
    message += role;
    message += R"(","content":)";
    return message;
}

void Conversation::add_user_message(std::string text, std::size_t blocks) {
    messages_.push_back(piece_of(std::move(text)));
    previous_mark_ = newest_mark_;
    newest_mark_ = messages_.size();
    blocks_between_marks_ = blocks;
    messages_.push_back(user_end_piece());
}

base::HttpBody Conversation::request(const TurnOptions& options) const {
    base::require(newest_mark_ > 0, "a conversation is sent that says nothing");
    std::string front = R"({"model":)" + base::quoted(options.model);
    front += R"(,"max_tokens":)" + std::to_string(options.max_tokens);
    front += R"(,"stream":true)";
    if (!options.thinking.empty()) front += R"(,"thinking":)" + options.thinking;
    if (!options.effort.empty() || !options.output_schema.empty()) {
        front += R"(,"output_config":{)";
        if (!options.effort.empty()) front += R"("effort":)" + base::quoted(options.effort);
        if (!options.effort.empty() && !options.output_schema.empty()) front += ',';
        if (!options.output_schema.empty()) {
            front += R"("format":{"type":"json_schema","schema":)" + options.output_schema + '}';
        }
        front += '}';
    }
    if (!tools_->empty()) front += R"(,"tools":)";

    static const Piece end = piece_of("]}");
    std::vector<Piece> pieces;
    pieces.reserve(messages_.size() + 6);
    pieces.push_back(piece_of(std::move(front)));
    pieces.push_back(tools_);
    pieces.push_back(system_);
    const bool marks_previous = previous_mark_ > 0 && blocks_between_marks_ > cache_lookback_blocks;
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        if (i == newest_mark_ || (marks_previous && i == previous_mark_)) {
            pieces.push_back(cache_mark_piece());
        }
        pieces.push_back(messages_[i]);
    }
    pieces.push_back(end);
    return base::HttpBody(std::move(pieces));
}

std::size_t Conversation::bytes() const {
    std::size_t bytes = tools_->size() + system_->size();
    for (const Piece& piece : messages_) bytes += piece->size();
    return bytes;
}

}  // namespace clients
