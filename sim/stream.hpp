// A whole message as the events of a stream: text and tool input split at odd places, pings
// between, usage that agrees with itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace sim {

class Dice;

struct StreamEvent {
    std::string name;
    std::string frame;  // "event: …\ndata: …\n\n"
};

// `message` is a finished message as a non-streamed answer would carry it.
std::vector<StreamEvent> stream_events(const base::Json& message, Dice dice);

StreamEvent make_event(std::string_view name, const base::Json& data);

// Pieces of at most `bytes_max` bytes that never split a character.
std::vector<std::string> split_pieces(std::string_view text, std::size_t bytes_max, Dice& dice);

}  // namespace sim
