// An answer as the bytes that go over the wire, the waits between them and how the connection ends:
// a value, made before the first byte leaves, so that all misbehaviour is decided purely and the
// listener only sends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/faults.hpp"
#include "sim/stream.hpp"

namespace base {
struct ServerResponse;
}

namespace sim {

struct Answer {
    enum class Ending {
        keep,   // The connection serves the next request.
        close,  // FIN.
        reset,  // RST.
        hang,   // Nothing more; the client leaves, or the listener's limit ends it.
    };
    struct Pause {
        std::size_t at = 0;  // Before the byte of this number; what stands before goes out alone.
        std::chrono::milliseconds wait{0};
    };

    std::string bytes;
    std::vector<Pause> pauses;   // In the order of `at`.
    std::size_t head_bytes = 0;  // The answer has begun when more than these are out.
    Ending ending = Ending::keep;
    bool whole = true;  // All that the client needs is in it.
    // With hang: sent again and again, so long apart.
    std::string loop;
    std::chrono::milliseconds loop_wait{0};
    // Called on the listener's thread, each at most once: the first byte behind the head is out;
    // the exchange is over, with all bytes out and `whole`, or not.
    std::function<void()> begun;
    std::function<void(bool)> ended;
};

// An answer that is not a stream. `wait` passes before its first byte.
Answer whole_answer(const base::ServerResponse& response, const std::optional<Fault>& fault = {},
                    std::chrono::milliseconds wait = {});

struct StreamOptions {
    std::vector<std::pair<std::string, std::string>> headers;
    std::optional<Fault> fault;
    std::chrono::milliseconds first{0};   // Before the first byte.
    std::chrono::milliseconds pacing{0};  // Between two events.
    std::uint64_t seed = 1;
};

// The events as chunks of an HTTP/1.1 answer, bent as the fault says.
Answer stream_answer(const std::vector<StreamEvent>& events, const StreamOptions& options);

// Index of the event before which the fault strikes.
std::size_t place_of(const Fault& fault, const std::vector<StreamEvent>& events);

}  // namespace sim
