// What we have said to the model and it to us: append-only and kept as text, so that every request
// starts with the bytes of the request before and the prompt cache holds.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "clients/message.hpp"

namespace clients {

struct ToolAnswer {
    std::string tool_use_id;
    std::string text;
    bool is_error = false;
};

// What may differ between two requests of one conversation.
struct TurnOptions {
    std::string model;
    int max_tokens = 4'096;
    std::string effort;         // "low", "medium", …; empty: the model's default.
    std::string output_schema;  // JSON Schema text that the reply's text must match; empty: none.
    std::string thinking;       // JSON text of the `thinking` field; empty: the model's default.
};

// Value; movable. Text from outside is cleaned here and never empty.
class Conversation {
  public:
    // `system` may be empty; `tools_json` is the API's array ("[]": no tools), see ToolMap.
    Conversation(std::string_view system, std::shared_ptr<const std::string> tools_json);
    Conversation(std::string_view system, std::string_view tools_json);

    // Tool calls that are still unanswered are answered as interrupted first.
    void add_user(std::string_view text);

    // Takes the reply in as it came. A reply without content leaves no trace.
    void add_reply(const Message& reply);

    // Answers the tool calls of the newest reply, in call order whatever the order given. A call
    // without an answer is answered as not run. An answer without a call is a bug.
    void add_results(const std::vector<ToolAnswer>& answers);

    // The whole streaming request. Cache breakpoints: the end of tools + system, the end of the
    // newest user message, and the one before when a single turn outgrew the cache's look-back.
    // Its pieces are the conversation's own: a request costs little while it is under way, and the
    // tools, the largest part by far, are those of every other conversation.
    base::HttpBody request(const TurnOptions& options) const;
    std::string request_body(const TurnOptions& options) const { return request(options).text(); }

    std::size_t bytes() const;  // Of the text it holds.
    bool has_open_calls() const { return !open_calls_.empty(); }

  private:
    using Piece = base::HttpBody::Piece;

    std::string begun_message(std::string_view role) const;
    // `text`: all but the closing brace of its last block. `blocks`: how many it and the reply
    // before it have.
    void add_user_message(std::string text, std::size_t blocks);

    Piece tools_;   // The array, with the first breakpoint when there is no system text.
    Piece system_;  // "system":…, with the first breakpoint, and "messages":[.
    std::vector<Piece> messages_;          // Message objects with their commas.
    std::vector<std::string> open_calls_;  // Ids of the newest reply's calls, in call order.

    // Where a breakpoint goes: before that piece, which ends a user message. 0: nowhere.
    std::size_t newest_mark_ = 0;
    std::size_t previous_mark_ = 0;
    std::size_t blocks_between_marks_ = 0;
};

}  // namespace clients
