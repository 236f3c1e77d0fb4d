#include "auth/guard/hash_pool.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/failure.hpp"

namespace auth {

namespace {

constexpr auto pool_wait_max = std::chrono::seconds(10);
constexpr int pool_niceness = 5;

[[noreturn]] void pool_refuse() {
    throw base::Failure(base::Failure::Kind::unavailable,
                        "too many passwords are being checked; try again in a second")
        .retry_after(std::chrono::seconds(1));
}

}  // namespace

struct HashPool::Job {
    const std::function<void()>& work;
    bool taken = false;
    bool done = false;
    std::exception_ptr failure = nullptr;
};

HashPool::HashPool(int threads, int waiting_max)
    : places_(static_cast<std::size_t>(threads + waiting_max)) {
    base::require(threads > 0 && waiting_max >= 0, "the password gate must let someone pass");
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

HashPool::~HashPool() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void HashPool::run(const std::function<void()>& work) {
    Job job{.work = work};
    std::unique_lock lock(mutex_);
    if (busy_ + jobs_.size() >= places_) pool_refuse();
    jobs_.push_back(&job);
    wake_.notify_one();
    if (!progress_.wait_for(lock, pool_wait_max, [&] { return job.taken; })) {
        std::erase(jobs_, &job);
        pool_refuse();
    }
    progress_.wait(lock, [&] { return job.done; });
    if (job.failure) std::rethrow_exception(job.failure);
}

void HashPool::serve() {
    // On Linux this is the calling thread's own niceness. Without it the work is done as well.
    ::setpriority(PRIO_PROCESS, 0, pool_niceness);
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        Job& job = *jobs_.front();
        jobs_.pop_front();
        job.taken = true;
        ++busy_;
        lock.unlock();
        std::exception_ptr failure;
        try {
            job.work();
        } catch (...) {
            // Whoever waits for it gets it.
            failure = std::current_exception();
        }
        lock.lock();
        --busy_;
        job.failure = failure;
        job.done = true;
        progress_.notify_all();
    }
}

}  // namespace auth
