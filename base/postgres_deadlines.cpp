#include "base/postgres_deadlines.hpp"

#include <sys/socket.h>

namespace base {

namespace {

constexpr std::chrono::milliseconds deadlines_look_every{500};

}  // namespace

SqlDeadlines::~SqlDeadlines() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void SqlDeadlines::serve() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        if (entries_.empty()) {
            changed_.wait(lock, [this] { return ending_ || !entries_.empty(); });
            continue;
        }
        changed_.wait_for(lock, deadlines_look_every, [this] { return ending_; });
        const Steady now = std::chrono::steady_clock::now();
        for (auto& [key, entry] : entries_) {
            if (entry.struck || entry.deadline > now) continue;
            // Under the lock: its owner cannot close the socket before it has left the list.
            ::shutdown(entry.socket, SHUT_RDWR);
            entry.struck = true;
        }
    }
}

SqlDeadlines::Watch::Watch(SqlDeadlines* deadlines, int socket, std::chrono::milliseconds limit)
    : deadlines_(limit.count() > 0 && socket >= 0 ? deadlines : nullptr) {
    if (!deadlines_) return;
    bool first = false;
    {
        const std::lock_guard lock(deadlines_->mutex_);
        key_ = ++deadlines_->last_key_;
        first = deadlines_->entries_.empty();
        deadlines_->entries_.emplace(
            key_, Entry{.socket = socket, .deadline = std::chrono::steady_clock::now() + limit});
        if (!deadlines_->thread_.joinable()) {
            deadlines_->thread_ = std::thread([all = deadlines_] { all->serve(); });
        }
    }
    if (first) deadlines_->changed_.notify_all();
}

SqlDeadlines::Watch::~Watch() {
    if (!deadlines_) return;
    const std::lock_guard lock(deadlines_->mutex_);
    deadlines_->entries_.erase(key_);
}

bool SqlDeadlines::Watch::has_struck() const {
    if (!deadlines_) return false;
    const std::lock_guard lock(deadlines_->mutex_);
    const auto found = deadlines_->entries_.find(key_);
    return found != deadlines_->entries_.end() && found->second.struck;
}

}  // namespace base
