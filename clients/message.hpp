// One reply of the model, gathered from its stream. The reader turns events into a Message; the
// message keeps its content as text that is echoed byte for byte.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "catalog/record.hpp"
#include "clients/message_delta.hpp"
#include "clients/sse.hpp"

namespace clients {

struct ToolUse {
    std::string id;
    std::string name;        // As the model was told, see ToolMap::by_api_name().
    base::Json input;        // An object; empty when not valid.
    std::string input_json;  // The input's text as the model wrote it, also when not valid.
    bool valid = false;      // false: cut off or no JSON object; answer it with an error result.
};

struct Message {
    std::string id;
    std::string model;
    // "end_turn", "tool_use", "max_tokens", "refusal", "pause_turn", … as the model said it.
    std::string stop_reason;
    std::string refusal_category;  // With "refusal", when the model names one.
    std::string text;              // All text blocks, joined by a blank line.
    std::vector<ToolUse> tool_uses;
    // The content array as JSON text, ready to be echoed: thinking and unknown blocks are kept,
    // empty text blocks (the model's API refuses them back) are dropped.
    std::string content_json = "[]";
    catalog::TokenCounts tokens;
};

// What an error envelope says ({"type":"error","error":{type,message,details}}), as a failure.
// `status` is the answer's HTTP status; 200 for an event inside a stream.
base::Failure claude_failure(std::string_view envelope_text, int status);

// Resource of one stream. Every fault of the stream is Failure::unavailable (so: retryable), an
// error event has the kind of its type.
class MessageReader {
  public:
    explicit MessageReader(std::size_t bytes_max = std::size_t{16} * 1024 * 1024);
    MessageReader(const MessageReader&) = delete;
    MessageReader& operator=(const MessageReader&) = delete;

    void on_event(const SseEvent& event);
    bool finished() const { return finished_; }  // message_stop has come.

    // What has been counted so far, also of a stream that broke.
    const catalog::TokenCounts& tokens() const { return message_.tokens; }
    // Of its content, as far as it came.
    std::size_t content_bytes() const { return bytes_; }

    // The whole message, once. Throws Failure::unavailable when the stream ended too early.
    Message take();

  private:
    struct Block {
        base::Json start;  // The block as content_block_start gave it.
        std::string type;
        std::string text;       // Of text and thinking blocks.
        std::string signature;  // The last one counts.
        std::string partial_json;
        base::Json citations;
        bool closed = false;
    };

    void start_message(const base::Json& event);
    void start_block(const base::Json& event);
    void apply_plain(const PlainDelta& delta);
    void apply_delta(const base::Json& event);
    void close_block(const base::Json& event);
    void read_message_delta(const base::Json& event);
    void read_usage(const base::Json& usage);
    void grow(std::size_t bytes);
    Block& block_of(const base::Json& event);
    Block& begun_block(int index);
    void append_block(const Block& block);
    void append_tool_use(const Block& block);

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    bool started_ = false;
    bool finished_ = false;
    std::map<int, Block> blocks_;
    std::set<std::string> tool_ids_;
    Message message_;
};

}  // namespace clients
