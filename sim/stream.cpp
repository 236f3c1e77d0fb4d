#include "sim/stream.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "sim/dice.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t stream_text_bytes_max = 48;
constexpr std::size_t stream_pieces_usual = 64;  // Of a long text; its pieces grow with it.
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
        const std::string_view text = text_member(block, "text");
        const std::size_t most = std::max(stream_text_bytes_max, text.size() / stream_pieces_usual);
        for (std::string& piece : split_pieces(text, most, dice)) {
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

// One data line per member: JSON may be broken behind a comma that stands in no string.
std::string stream_data_lines(std::string_view data) {
    std::string lines = "data: ";
    bool quoted = false;
    for (std::size_t at = 0; at < data.size(); ++at) {
        lines += data[at];
        if (data[at] == '\\' && at + 1 < data.size()) {
            lines += data[++at];
            continue;
        }
        if (data[at] == '"') quoted = !quoted;
        if (data[at] == ',' && !quoted) lines += "\ndata: ";
    }
    return lines + '\n';
}

}  // namespace

StreamEvent make_event(std::string_view name, base::Json data) {
    return {.name = std::string(name), .data = std::move(data)};
}

std::string frame_of(const StreamEvent& event, FrameStyle style) {
    const std::string data = base::to_text(event.data);
    switch (style) {
        case FrameStyle::plain: return fmt::format("event: {}\ndata: {}\n\n", event.name, data);
        case FrameStyle::crlf:
            return fmt::format("event: {}\r\ndata: {}\r\n\r\n", event.name, data);
        case FrameStyle::cr: return fmt::format("event: {}\rdata: {}\r\r", event.name, data);
        case FrameStyle::comments:
            return fmt::format(
                ": a comment\nevent:{}\n:\nnonsense: field\nlonely\ndata:{}\n\n\n: between\n\n",
                event.name, data);
        case FrameStyle::lines:
            return fmt::format("event: {}\n{}\n", event.name, stream_data_lines(data));
    }
    base::unreachable("frame style");
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
    if (opening.contains("stop_details")) opening["stop_details"] = nullptr;
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
    base::Json delta = {{"stop_reason", message["stop_reason"]},
                        {"stop_sequence", message["stop_sequence"]}};
    const auto details = message.find("stop_details");
    if (details != message.end() && !details->is_null()) delta["stop_details"] = *details;
    events.push_back(
        make_event("message_delta",
                   {{"type", "message_delta"},
                    {"delta", std::move(delta)},
                    // Counters are cumulative; the details come only now, when they are known.
                    {"usage",
                     {{"output_tokens", usage["output_tokens"]},
                      {"output_tokens_details", usage["output_tokens_details"]}}}}));
    events.push_back(make_event("message_stop", {{"type", "message_stop"}}));
    return events;
}

}  // namespace sim
