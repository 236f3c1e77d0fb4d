#include "base/worker.hpp"

#include <utility>

namespace base {

Worker::Worker(Loop& loop, Mode mode) : loop_(loop) {
    if (mode == Mode::own_thread) thread_ = std::thread([this] { serve(); });
}

Worker::Worker(Loop& loop, std::function<Duration()> pace) : loop_(loop), pace_(std::move(pace)) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::size_t Worker::queued() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
}

void Worker::put(std::function<void()> job) {
    if (!thread_.joinable()) return job();
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void Worker::serve() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

}  // namespace base
