// Clears away what no rule reads any more: ended sessions, links, windows of limits, old attempts
// and deliveries. Requests clear a little on their way; this is for what they leave.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

// Resource; any thread.
class Sweeper {
  public:
    Sweeper(base::Postgres& database, base::Clock& clock);
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    ~Sweeper();  // stop()

    void start();  // A thread that sweeps at once and then once an hour.
    void stop();

    // In small transactions, at most ten thousand rows of each kind; answers how many went.
    std::size_t sweep();

  private:
    void work();

    base::Postgres& database_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace auth
