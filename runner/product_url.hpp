// Where the hosted product answers: known only after the auth service, which wants to know it, has
// started.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace runner {

// Any thread.
class ProductUrl {
  public:
    void set(std::string url) {
        const std::lock_guard lock(mutex_);
        url_ = std::move(url);
    }
    std::string get() const {
        const std::lock_guard lock(mutex_);
        return url_;
    }

  private:
    mutable std::mutex mutex_;
    std::string url_;
};

}  // namespace runner
