// The calls that are under way and may be cancelled by name: notifications/cancelled names a
// request of the same session. Unknown and finished ones are nobody's.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/json.hpp"

namespace workspace {

// Resource; any inbound thread.
class RunningCalls {
  public:
    using Flag = std::shared_ptr<const std::atomic<bool>>;

    // Lives as long as the call runs.
    class Entry {
      public:
        Entry(RunningCalls& owner, std::string key, Flag flag)
            : owner_(owner), key_(std::move(key)), flag_(std::move(flag)) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry();
        const Flag& flag() const { return flag_; }

      private:
        RunningCalls& owner_;
        const std::string key_;
        const Flag flag_;
    };

    RunningCalls() = default;
    RunningCalls(const RunningCalls&) = delete;
    RunningCalls& operator=(const RunningCalls&) = delete;

    Entry begin(const std::string& session_id, const base::Json& request_id);
    // `params` of the notification; malformed ones are ignored, as the protocol wants it.
    void cancel(const std::string& session_id, const base::Json& params);

  private:
    std::mutex mutex_;
    // A second request of one id, which a sane client never sends, shares the first one's flag.
    std::map<std::string, std::weak_ptr<std::atomic<bool>>, std::less<>> flags_;
};

}  // namespace workspace
