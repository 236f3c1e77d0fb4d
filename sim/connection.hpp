// One connection of the simulator's listener: bytes in become requests, answers leave as bytes at
// their times. No thread and no epoll: the listener says what happened and asks what to wait for.
//
//   reading ──request whole──► answering ──keep──► reading
//      │                           │ close: lingering (the client reads its answer), then gone
//      └──client left, too slow    └─ reset, client left ─► gone
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/server_head.hpp"
#include "sim/answer.hpp"

namespace sim {

struct Incoming {
    base::ServerRequest request;
    int refused = 0;  // Status with which it is to be refused, 0: it is fine.
    std::string refusal;
};

struct ConnectionLimits {
    std::size_t body_bytes_max = 32 * 1024 * 1024;
    std::size_t header_count_max = 100;
    // To send one request, and to take some of an answer's bytes.
    std::chrono::milliseconds request_deadline{30'000};
    std::chrono::milliseconds keep_alive{60'000};
    // A forgotten client holds a silent answer no longer.
    std::chrono::milliseconds hang_max{900'000};
};

// Resource of the listener's thread.
class Connection {
  public:
    using Ask = std::function<Answer(Incoming)>;

    // Owns the socket, which does not block.
    Connection(int socket, const ConnectionLimits& limits, const Ask& ask, base::Steady now);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();  // An answer under way has ended then, not whole.

    void on_readable(base::Steady now);
    void on_writable(base::Steady now);
    void on_hang_up();  // The client has left.
    void on_time(base::Steady now);

    bool gone() const { return state_ == State::gone; }
    bool answering() const { return state_ == State::answering; }
    int socket() const { return socket_; }
    std::uint32_t wishes() const;  // EPOLL flags.
    std::optional<base::Steady> due() const { return due_; }

  private:
    enum class State { reading, answering, lingering, gone };

    void take_requests(base::Steady now);
    bool take_one(base::Steady now);
    void begin_answer(Incoming incoming);
    void pump(base::Steady now);
    bool send_to(std::size_t end);
    void finish_answer(base::Steady now);
    void finish_reset(base::Steady now);
    void tell_ended(bool whole);
    void linger(base::Steady now);
    void leave();

    const int socket_;
    const ConnectionLimits& limits_;
    const Ask& ask_;
    State state_ = State::reading;
    std::optional<base::Steady> due_;
    std::string in_;
    std::size_t searched_ = 0;
    std::optional<base::ServerHead> head_;
    bool close_ = false;    // Behind this answer.
    bool blocked_ = false;  // The socket takes no more.
    Answer answer_;
    std::size_t sent_ = 0;
    std::size_t pause_ = 0;  // Index of the next one.
    bool pausing_ = false;
    bool begun_ = false;
};

}  // namespace sim
