// Misbehaviour on request: a status instead of an answer, a cut or silent stream, an error in the
// middle. Asked for by the request's `x-sim-fault` header or by rules in a queue.
//
//   status=529   status=429;retry-after=2   status=400;should-retry=true   status=502;html
//   cut=5        connection broken before event 5 (0: right behind the headers)
//   end=5        clean end of the stream before event 5: no message_stop
//   silence=5    nothing after event 4 until the client leaves
//   error=5;type=overloaded_error   an error event instead of event 5; 0: the very first frame
//   slow=200     milliseconds between events
//   late=500     milliseconds before the first byte
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

struct Fault {
    enum class Kind { status, cut, end, silence, error, slow, late };
    Kind kind = Kind::status;
    int status = 0;
    std::size_t event = 0;  // Index of the event before which it strikes.
    std::chrono::milliseconds wait{0};
    std::string retry_after;   // As sent; empty: no such header.
    std::string should_retry;  // "true", "false" or empty: no such header.
    std::string type;          // error.type; empty: the status' usual one.
    bool html = false;         // A proxy's page instead of the envelope.

    bool operator==(const Fault&) const = default;
};

// Throws Failure::invalid naming the word that it does not know.
Fault parse_fault(std::string_view text);

struct FaultRule {
    std::string fault;      // As for parse_fault.
    std::string match;      // Only requests whose body contains this; empty: all.
    std::size_t skip = 0;   // Matching requests that pass first.
    std::size_t times = 1;  // Then so many are hit; 0: all of them.
};

// Thread-safe. The first rule that matches a request decides; a used-up rule is gone.
class FaultQueue {
  public:
    void add(const FaultRule& rule);
    void clear();
    std::optional<Fault> take(std::string_view body);

  private:
    struct Waiting {
        Fault fault;
        FaultRule rule;
    };
    std::mutex mutex_;
    std::vector<Waiting> waiting_;
};

}  // namespace sim
