// The threads of one server: started as connections need them, ended when idle for a while, never
// more than the maximum. The line of waiting connections is bounded too.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace base {

class ServerThreads {
  public:
    ServerThreads(std::size_t threads_max, std::size_t waiting_max);
    ServerThreads(const ServerThreads&) = delete;
    ServerThreads& operator=(const ServerThreads&) = delete;
    ~ServerThreads();  // shutdown()

    // waiting: taken, but every thread is busy. full: not taken.
    enum class Taken { served, waiting, full };
    Taken take(std::function<void()> job);

    std::size_t waiting();  // Jobs that no thread has taken yet.
    void shutdown();        // Runs what is waiting, then joins. Twice is harmless.

  private:
    using Threads = std::list<std::thread>;
    void serve(Threads::iterator self);

    const std::size_t threads_max_;
    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    Threads threads_;
    Threads ended_;  // Left by themselves; joined by whoever comes next.
    std::size_t idle_ = 0;
    bool ending_ = false;
};

}  // namespace base
