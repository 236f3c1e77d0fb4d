#include "sim/stream.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/dice.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t stream_text_bytes_max = 48;
constexpr std::size_t stream_json_bytes_max = 40;

StreamEvent stream_delta(std::size_t index, base::Json delta) {
    return make_event(
        "content_block_delta",
        {{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}});
}

void stream_start(std::vector<StreamEvent>& events, std::size_t index, base::Json block) {
    events.push_back(make_event(
        "content_block_start",
        {{"type", "content_block_start"}, {"index", index}, {"content_block", std::move(block)}}));
}

void stream_block(std::vector<StreamEvent>& events, std::size_t index, const base::Json& block,
                  Dice& dice) {
    base::Json start = block;
    if (type_of(block) == "text") {
        start["text"] = "";
        stream_start(events, index, std::move(start));
        for (std::string& piece :
             split_pieces(text_member(block, "text"), stream_text_bytes_max, dice)) {
            events.push_back(
                stream_delta(index, {{"type", "text_delta"}, {"text", std::move(piece)}}));
        }
    } else if (type_of(block) == "thinking") {
        start["thinking"] = "";
        start["signature"] = "";
        stream_start(events, index, std::move(start));
        for (std::string& piece :
             split_pieces(text_member(block, "thinking"), stream_text_bytes_max, dice)) {
            events.push_back(
                stream_delta(index, {{"type", "thinking_delta"}, {"thinking", std::move(piece)}}));
        }
        events.push_back(
            stream_delta(index, {{"type", "signature_delta"}, {"signature", block["signature"]}}));
    } else if (type_of(block) == "tool_use") {
        start["input"] = base::Json::object();
        stream_start(events, index, std::move(start));
        const auto add = [&](std::string piece) {
            events.push_back(stream_delta(
                index, {{"type", "input_json_delta"}, {"partial_json", std::move(piece)}}));
        };
        // The API opens every input with an empty piece; a call without arguments has no other.
        add("");
        if (!block["input"].empty()) {
            const std::string input = base::to_text(block["input"]);
            for (std::string& piece : split_pieces(input, stream_json_bytes_max, dice)) {
                add(std::move(piece));
            }
        }
    } else {
        stream_start(events, index, std::move(start));
    }
    events.push_back(
        make_event("content_block_stop", {{"type", "content_block_stop"}, {"index", index}}));
}

}  // namespace

StreamEvent make_event(std::string_view name, const base::Json& data) {
    return {.name = std::string(name),
            .frame = fmt::format("event: {}\ndata: {}\n\n", name, base::to_text(data))};
}

std::vector<std::string> split_pieces(std::string_view text, std::size_t bytes_max, Dice& dice) {
    std::vector<std::string> pieces;
    while (!text.empty()) {
        std::size_t end = std::min(text.size(), 1 + dice.below(bytes_max));
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
        pieces.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return pieces;
}

std::vector<StreamEvent> stream_events(const base::Json& message, Dice dice) {
    std::vector<StreamEvent> events;
    base::Json opening = message;
    opening["content"] = base::Json::array();
    opening["stop_reason"] = nullptr;
    opening["stop_sequence"] = nullptr;
    opening["usage"]["output_tokens"] = 1;
    opening["usage"].erase("output_tokens_details");
    events.push_back(
        make_event("message_start", {{"type", "message_start"}, {"message", std::move(opening)}}));
    const base::Json& content = message["content"];
    for (std::size_t index = 0; index < content.size(); ++index) {
        if (index == 0 || dice.chance(0.2)) {
            events.push_back(make_event("ping", {{"type", "ping"}}));
        }
        stream_block(events, index, content[index], dice);
    }
    const base::Json& usage = message["usage"];
    events.push_back(make_event(
        "message_delta",
        {{"type", "message_delta"},
         {"delta",
          {{"stop_reason", message["stop_reason"]}, {"stop_sequence", message["stop_sequence"]}}},
         // Counters are cumulative; the details come only now, when they are known.
         {"usage",
          {{"output_tokens", usage["output_tokens"]},
           {"output_tokens_details", usage["output_tokens_details"]}}}}));
    events.push_back(make_event("message_stop", {{"type", "message_stop"}}));
    return events;
}

}  // namespace sim
