// The templates and awaiters of base/loop.hpp; include that one.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "base/loop.hpp"

namespace base {

struct Waiter::Awaiter {
    Waiter& waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { waiter.suspend(handle); }
    void await_resume() const noexcept {}
};

inline Waiter::Awaiter Waiter::operator co_await() {
    return Awaiter{*this};
}

struct Loop::Sleep {
    Waiter waiter;
    Steady when;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        waiter.suspend(handle);
        waiter.wake_at(when);
    }
    void await_resume() const noexcept {}
};

struct Loop::WhenFree {
    Waiter waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const noexcept {}
};

inline Loop::WhenFree Loop::when_free() {
    return WhenFree{Waiter(*this)};
}

inline Loop::Sleep Loop::sleep_until(Steady when) {
    return Sleep{Waiter(*this), when};
}
inline Loop::Sleep Loop::sleep(Duration span) {
    return sleep_until(now() + span);
}

// Lives in the waiting coroutine's frame; leaves the gate when woken or dropped.
struct Gate::Node {
    explicit Node(Gate& owner) : waiter(owner.loop_), gate(&owner) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() { leave(); }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    void await_resume() const noexcept {}
    void leave();

    Waiter waiter;
    Gate* gate;
    Node* previous = nullptr;
    Node* next = nullptr;
    bool linked = false;
};

inline Gate::Node Gate::wait() {
    return Node(*this);
}

namespace loop_detail {

// Runs a task that nobody awaits until it first waits. Its owner keeps the frame.
inline void start(Task<void>& task) {
    auto awaiter = std::move(task).operator co_await();
    awaiter.await_suspend(std::noop_coroutine()).resume();
}

// What becomes of a task that is not awaited directly.
template <class T>
struct Outcome {
    std::optional<T> result;
    std::exception_ptr error;
    bool done = false;
};

template <>
struct Outcome<void> {
    std::exception_ptr error;
    bool done = false;
};

// Carries the task to its end and writes down how it ended. `waiter` may be null.
template <class T>
Task<void> settle(Task<T> task, Outcome<T>& outcome, Waiter* waiter) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
        } else {
            outcome.result.emplace(co_await std::move(task));
        }
    } catch (...) {
        // Carried to whoever ran the task and rethrown there.
        outcome.error = std::current_exception();
    }
    outcome.done = true;
    if (waiter != nullptr) waiter->wake();
}

}  // namespace loop_detail

template <class T>
std::optional<T> Loop::run(Task<T> task) {
    loop_detail::Outcome<T> outcome;
    {
        Task<void> root = loop_detail::settle<T>(std::move(task), outcome, nullptr);
        loop_detail::start(root);
        run_until(outcome.done);
    }
    if (outcome.error) std::rethrow_exception(outcome.error);
    return std::move(outcome.result);
}

template <class T>
Task<std::optional<T>> Loop::within(Duration limit, Task<T> task) {
    loop_detail::Outcome<T> outcome;
    Waiter waiter(*this);
    {
        Task<void> child = loop_detail::settle<T>(std::move(task), outcome, &waiter);
        loop_detail::start(child);
        if (!outcome.done) {
            waiter.wake_at(now() + limit);
            co_await waiter;
        }
    }
    if (outcome.error) std::rethrow_exception(outcome.error);
    co_return std::move(outcome.result);
}

}  // namespace base
