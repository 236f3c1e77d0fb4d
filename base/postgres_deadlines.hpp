// Ends the wait for a server that says nothing any more. statement_timeout is the server's own and
// needs one that still speaks; behind a dead link or a stuck proxy a statement would hold its
// thread for ever. For base/postgres*.cpp alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.hpp"

namespace base {

// Resource; any thread. Has a thread of its own as soon as somebody waits; it sleeps while nobody
// does.
class SqlDeadlines {
  public:
    SqlDeadlines() = default;
    SqlDeadlines(const SqlDeadlines&) = delete;
    SqlDeadlines& operator=(const SqlDeadlines&) = delete;
    ~SqlDeadlines();  // Nobody waits any more.

    // While it lives, the socket is shut down (not closed) once `limit` is over, give or take half
    // a second; whoever reads from it then finds its end. Without deadlines or limit: never.
    class Watch {
      public:
        Watch(SqlDeadlines* deadlines, int socket, std::chrono::milliseconds limit);
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch();
        bool has_struck() const;

      private:
        SqlDeadlines* deadlines_;
        std::uint64_t key_ = 0;
    };

  private:
    struct Entry {
        int socket;
        Steady deadline;
        bool struck = false;
    };
    void serve();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, Entry> entries_;
    std::uint64_t last_key_ = 0;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace base
