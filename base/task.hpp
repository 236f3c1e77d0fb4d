// Task<T>: a lazy coroutine owned by whoever holds it. It starts when awaited (or when a Group
// takes it); dropping it destroys the frame and with it everything the coroutine waits for. That is
// how work is cancelled: clean up in destructors and assume nothing after a co_await is reached.
//
// Loop thread only. Parameters of coroutines by value, or references to resources that the daemon
// owns; no capturing lambda is a coroutine; one co_await per statement.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace base {

template <class T>
class Task;

namespace task_detail {

struct PromiseBase {
    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
            return done.promise().continuation;
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() { error = std::current_exception(); }

    std::coroutine_handle<> continuation = std::noop_coroutine();
    std::exception_ptr error;
};

template <class T>
struct Promise : PromiseBase {
    Task<T> get_return_object();
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() {
        if (error) std::rethrow_exception(error);
        return std::move(*value);
    }
    std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() const {}
    void take() const {
        if (error) std::rethrow_exception(error);
    }
};

}  // namespace task_detail

template <class T = void>
class [[nodiscard]] Task {
  public:
    using promise_type = task_detail::Promise<T>;

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            if (frame_) frame_.destroy();
            frame_ = std::exchange(other.frame_, {});
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (frame_) frame_.destroy();
    }

    auto operator co_await() && noexcept {
        struct Awaiter {
            std::coroutine_handle<promise_type> frame;
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) const noexcept {
                frame.promise().continuation = waiter;
                return frame;
            }
            T await_resume() const { return frame.promise().take(); }
        };
        return Awaiter{frame_};
    }
    auto operator co_await() & noexcept { return std::move(*this).operator co_await(); }

  private:
    friend promise_type;
    explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

    std::coroutine_handle<promise_type> frame_;
};

namespace task_detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> Promise<void>::get_return_object() {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}
}  // namespace task_detail

}  // namespace base
