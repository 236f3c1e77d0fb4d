// The outbound thread: one epoll loop that resumes coroutines when their timer, their socket or
// another task is ready. Everything here is called on the loop's thread, except post() and stop().
//
//   ready queue ─► resume … ─► timers that are due ─► patient ones, for 1 ms at most ─► epoll_wait
//        ▲                                                                (until next timer) │
//        └────────────────────────────────────────────── sockets ◄───────────────────────────┘
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"

namespace base {

class Histogram;
class Loop;
class Waiter;

// Waiters one behind the other; the links lie in themselves.
struct WaiterQueue {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
    std::size_t count = 0;

    void push(Waiter& waiter);
    void remove(Waiter& waiter);
    std::coroutine_handle<> take();  // Of the first one; not when it is empty.
};

// The place where one coroutine waits. Owned by its awaiter (so it lives in the coroutine's frame);
// its destructor takes it out of whatever list it is in, which makes dropping a task safe.
class Waiter {
  public:
    explicit Waiter(Loop& loop) : loop_(loop) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();

    // `co_await waiter` suspends here until wake(). A wake() that comes earlier is lost: look at
    // the condition first.
    struct Awaiter;
    Awaiter operator co_await();
    void suspend(std::coroutine_handle<> handle) { handle_ = handle; }
    // Puts the coroutine into the ready queue; never resumes it inside the call. Harmless when
    // nobody is suspended here or when it is queued already.
    void wake();
    // Wakes it at `when`; setting again moves the timer. It runs until it fires, moved or not:
    // whoever waits again on the same waiter may find it set still.
    void wake_at(Steady when);
    // Wakes it at `when` or earlier: a timer that is set and comes first stays. Who waits often
    // with a limit that moves on sets the timer once in a while instead of every time.
    void wake_by(Steady when);
    // Whoever was suspended here is gone and must not be resumed. The timer stays.
    void forget();
    bool is_queued() const { return queue_ != nullptr; }

  private:
    friend class Loop;
    friend class TimerHeap;
    friend struct WaiterQueue;

    Loop& loop_;
    std::coroutine_handle<> handle_;
    WaiterQueue* queue_ = nullptr;  // Where it stands: ready, patient or nowhere.
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
    std::uint64_t timer_ = 0;      // Order among timers of one moment; 0 = none is set.
    std::size_t timer_place_ = 0;  // In the loop's timers.
    Steady due_{};
};

// Resource, created in place, destroyed after everything that waits on it.
class Loop {
  public:
    explicit Loop(Clock& clock);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    Clock& clock() { return clock_; }
    Steady now() const { return clock_.steady(); }

    // Runs until the task has finished (rethrows its failure) and answers its result, or until
    // stop() was called: then the task is dropped and the answer is nothing (void: false).
    template <class T>
    std::optional<T> run(Task<T> task);
    bool run(Task<void> task);

    // From any thread: `work` runs on the loop thread, in order, outside any coroutine.
    void post(std::function<void()> work);
    // From any thread, also from a signal handler's thread: run() returns soon. It ends one run:
    // the one under way, else the next.
    void stop();

    // co_await loop.sleep(50ms)
    struct Sleep;
    Sleep sleep(Duration span);
    Sleep sleep_until(Steady when);
    // co_await loop.when_free(): before a large piece of work that nobody waits for. It goes on at
    // once when the loop has little to do; else sockets and timers come first, and of those who
    // wait here, in their order, one a round at least and no more than fit into 1 ms.
    struct WhenFree;
    WhenFree when_free();

    // The task's result, or nothing when it was not ready within `limit` (it is dropped then).
    // The task is destroyed before the answer is given.
    template <class T>
    Task<std::optional<T>> within(Duration limit, Task<T> task);
    Task<bool> within(Duration limit, Task<void> task);  // false: out of time.

    // For base/http and whoever else owns a socket: `ready` gets the EPOLL* bits that came up.
    // Changing the mask is another watch() on the same fd; unwatch() before closing it.
    void watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready);
    void unwatch(int fd);

    // How far behind the loop was when it last came round: due time of the oldest timer vs. now.
    Duration lag() const;
    // Observes there, from now on, how long work that comes up at any moment (one observation per
    // 20 ms) waits until the loop's turn comes to it. Nothing under a driven clock.
    void observe_lag(Histogram& seconds);
    static std::vector<double> lag_bounds();  // What that histogram is best made of.

  private:
    friend class Waiter;
    struct State;
    void run_until(const bool& done);

    Clock& clock_;
    std::unique_ptr<State> state_;
};

// A condition that coroutines wait for. Loop thread only; resource.
class Gate {
  public:
    explicit Gate(Loop& loop) : loop_(loop) {}
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate();

    // Every coroutine that waits now goes on. A later wait() waits for the next notify(): so test
    // the condition in a loop: `while (!ready) co_await gate.wait();`
    void notify();
    struct Node;
    Node wait();

  private:
    Loop& loop_;
    Node* first_ = nullptr;
};

}  // namespace base

#include "base/loop_inline.hpp"
