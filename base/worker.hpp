// One background thread for the few things that block (fdatasync, directory scans): the loop hands
// over a function and awaits its result. Work runs in order.
//
// Inline mode has no thread: the work runs on the loop at once (or after its pace), its result
// arrives on the loop's next round. The same calls in the same order give the same run each time;
// for the simulation of time, never for a daemon, whose loop it would block.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/loop.hpp"

namespace base {

// Resource; built on the loop's thread. The destructor finishes the work that is queued.
class Worker {
  public:
    enum class Mode { own_thread, on_the_loop };

    explicit Worker(Loop& loop, Mode mode = Mode::own_thread);
    // Inline mode in which each piece of work takes the time that `pace` answers, one after the
    // other: what is dropped before its time was never done, as when the process dies.
    Worker(Loop& loop, std::function<Duration()> pace);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    // Runs `work` on the worker's thread (or at once, see Mode) and answers its result; its
    // exception is rethrown here. Dropping the awaiting task does not stop the work, only the
    // waiting. `work` owns what it uses.
    template <class T>
    Task<T> run(std::function<T()> work);

    std::size_t queued() const;  // Jobs that wait for the thread; none in inline mode.

  private:
    void put(std::function<void()> job);
    void serve();

    Loop& loop_;
    const std::function<Duration()> pace_;
    Steady free_at_{};  // With a pace: when the last piece is done.
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool ending_ = false;
    std::thread thread_;  // None in inline mode.
};

}  // namespace base

#include "base/worker_inline.hpp"
