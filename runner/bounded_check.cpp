#include "runner/bounded_check.hpp"

#include <utility>

namespace runner {

BoundedCheck::BoundedCheck(std::function<std::string()> question)
    : question_(std::move(question)), thread_([this] { serve(); }) {}

BoundedCheck::~BoundedCheck() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::optional<std::string> BoundedCheck::ask(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    const std::uint64_t before = answers_;
    wanted_ = true;
    changed_.notify_all();
    if (!changed_.wait_for(lock, limit, [&] { return answers_ != before; })) return std::nullopt;
    return newest_;
}

void BoundedCheck::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return wanted_ || ending_; });
        if (ending_) return;
        wanted_ = false;
        lock.unlock();
        std::string answer = question_();
        lock.lock();
        newest_ = std::move(answer);
        ++answers_;
        changed_.notify_all();
    }
}

}  // namespace runner
