// Answers that must not tell whether an address is known take the same time either way: the shorter
// way waits for the longer one.
#pragma once

#include <chrono>
#include <thread>

namespace auth {

// Longer than the work of a request that queues a mail, shorter than people notice.
inline constexpr std::chrono::milliseconds even_time_span{40};

// From its construction to the end of its destruction passes at least the span, on the calling
// thread. Limit how often a client may ask for it: it holds a thread of the listener.
class EvenTime {
  public:
    EvenTime() : until_(std::chrono::steady_clock::now() + even_time_span) {}
    EvenTime(const EvenTime&) = delete;
    EvenTime& operator=(const EvenTime&) = delete;
    ~EvenTime() { std::this_thread::sleep_until(until_); }

  private:
    const std::chrono::steady_clock::time_point until_;
};

}  // namespace auth
