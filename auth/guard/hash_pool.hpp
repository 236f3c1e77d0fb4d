// The few threads on which slow hashes are computed. They are their own so that nobody who needs no
// hash waits for one, and of low priority so that a rush of logins leaves the processor to others.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace auth {

// Resource; any thread.
class HashPool {
  public:
    // `waiting_max`: how many may wait beside those whose work runs.
    HashPool(int threads, int waiting_max);
    HashPool(const HashPool&) = delete;
    HashPool& operator=(const HashPool&) = delete;
    ~HashPool();  // After the work under way; nobody may wait.

    // Runs `work` on one of the threads and returns when it is done; its exception is thrown here.
    // Throws Failure::unavailable with retry_after, at once when too many wait already, after ten
    // seconds when its turn did not come.
    void run(const std::function<void()>& work);

  private:
    struct Job;

    void serve();

    const std::size_t places_;
    std::mutex mutex_;
    std::condition_variable wake_, progress_;
    std::deque<Job*> jobs_;  // Owned by those who wait in run().
    std::size_t busy_ = 0;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace auth
