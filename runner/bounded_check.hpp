// A question that may block for long (what is wrong with the database?), asked by handlers that
// must answer within a bound. One thread asks it, one question at a time; whoever comes meanwhile
// waits for that answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace runner {

// Thread-safe resource. The destructor waits for the question under way.
class BoundedCheck {
  public:
    explicit BoundedCheck(std::function<std::string()> question);  // Does not throw.
    BoundedCheck(const BoundedCheck&) = delete;
    BoundedCheck& operator=(const BoundedCheck&) = delete;
    ~BoundedCheck();

    // Nothing: no answer within the limit.
    std::optional<std::string> ask(std::chrono::milliseconds limit);

  private:
    void serve();

    const std::function<std::string()> question_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool wanted_ = false, ending_ = false;
    std::uint64_t answers_ = 0;  // Given so far.
    std::string newest_;
    std::thread thread_;
};

}  // namespace runner
