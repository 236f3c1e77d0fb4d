// A whole message as the events of a stream: text and tool input split at odd places, pings
// between, usage that agrees with itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace sim {

class Dice;

struct StreamEvent {
    std::string name;
    base::Json data;
};

// How an event is written. All of them say the same to a reader that keeps to the standard.
enum class FrameStyle { plain, crlf, cr, comments, lines };

std::string frame_of(const StreamEvent& event, FrameStyle style);  // "event: …\ndata: …\n\n"

// `message` is a finished message as a non-streamed answer would carry it.
std::vector<StreamEvent> stream_events(const base::Json& message, Dice dice);

StreamEvent make_event(std::string_view name, base::Json data);

// Pieces of at most `bytes_max` bytes that never split a character.
std::vector<std::string> split_pieces(std::string_view text, std::size_t bytes_max, Dice& dice);

}  // namespace sim
