#include "base/server_threads.hpp"

#include <chrono>
#include <system_error>

#include "base/log.hpp"

namespace base {

namespace {
constexpr std::chrono::seconds threads_idle_max{30};
}  // namespace

ServerThreads::ServerThreads(std::size_t threads_max, std::size_t waiting_max)
    : threads_max_(threads_max), waiting_max_(waiting_max) {}

ServerThreads::~ServerThreads() {
    shutdown();
}

ServerThreads::Taken ServerThreads::take(std::function<void()> job) {
    Threads ended;
    Taken taken = Taken::served;
    {
        std::lock_guard lock(mutex_);
        ended.splice(ended.end(), ended_);
        bool free = idle_ > jobs_.size();
        if (!free && threads_.size() < threads_max_) {
            auto self = threads_.emplace(threads_.end());
            try {
                *self = std::thread([this, self] { serve(self); });
                free = true;
            } catch (const std::system_error& error) {
                // The system has no thread left; those that run take the waiting line.
                threads_.erase(self);
                log_warning("no thread for a connection", {{"reason", error.what()}});
            }
        }
        if (threads_.empty() || (!free && jobs_.size() >= waiting_max_)) {
            taken = Taken::full;
        } else {
            jobs_.push_back(std::move(job));
            if (!free) taken = Taken::waiting;
        }
    }
    wake_.notify_one();
    for (std::thread& thread : ended) thread.join();
    return taken;
}

void ServerThreads::serve(Threads::iterator self) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (jobs_.empty()) {
            if (ending_) return;
            ++idle_;
            wake_.wait_for(lock, threads_idle_max, [&] { return ending_ || !jobs_.empty(); });
            --idle_;
            if (jobs_.empty()) {
                if (!ending_) ended_.splice(ended_.end(), threads_, self);
                return;
            }
        }
        std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

std::size_t ServerThreads::waiting() {
    std::lock_guard lock(mutex_);
    return jobs_.size();
}

void ServerThreads::shutdown() {
    Threads threads;
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
        threads.splice(threads.end(), threads_);
        threads.splice(threads.end(), ended_);
    }
    wake_.notify_all();
    for (std::thread& thread : threads) thread.join();
}

}  // namespace base
