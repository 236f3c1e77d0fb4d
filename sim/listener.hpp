// The simulator's own HTTP/1.1 server: one thread and one epoll for any number of open streams,
// with full say over every byte, wait and reset. The handler runs on that thread and must not
// block; what takes time is a pause of its answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "sim/connection.hpp"

namespace sim {

struct ListenerOptions {
    std::string address = "127.0.0.1";
    int port = 0;                          // 0: any free one.
    std::size_t connections_max = 20'000;  // Past it new ones wait in the kernel's queue.
    ConnectionLimits limits;
};

// Resource.
class Listener {
  public:
    Listener(ListenerOptions options, Connection::Ask ask);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();  // stop()

    // Throws Failure::unavailable naming address and port when they cannot be had.
    void start();
    void stop();  // Open connections are cut. Twice is harmless.

    int port() const;
    std::string url() const;

    // Any other thread: returns when all that clients could have seen by then has been told to
    // `begun` and `ended`. At once when the listener is stopped.
    void catch_up();

    // On the listener's thread: new connections wait so long.
    void pause_accepting(std::chrono::milliseconds span);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sim
