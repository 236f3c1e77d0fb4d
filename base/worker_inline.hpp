// The template of base/worker.hpp; include that one.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/worker.hpp"

namespace base {

namespace worker_detail {

// Shared by the worker's job and the task that waits for it. The worker writes the outcome, then
// hands over by Loop::post(); `done` and `waiter` belong to the loop thread alone.
template <class T>
struct Errand {
    std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> result;
    std::exception_ptr error;
    bool done = false;
    Waiter* waiter = nullptr;
};

// Forgets the waiter when the waiting frame goes, finished or dropped.
template <class T>
struct ErrandLink {
    std::shared_ptr<Errand<T>> errand;
    ErrandLink(std::shared_ptr<Errand<T>> shared, Waiter* waiter) : errand(std::move(shared)) {
        errand->waiter = waiter;
    }
    ErrandLink(const ErrandLink&) = delete;
    ErrandLink& operator=(const ErrandLink&) = delete;
    ~ErrandLink() { errand->waiter = nullptr; }
};

template <class T>
void perform(std::function<T()>& work, Errand<T>& errand) {
    try {
        if constexpr (std::is_void_v<T>) {
            work();
        } else {
            errand.result.emplace(work());
        }
    } catch (...) {
        errand.error = std::current_exception();
    }
    work = nullptr;  // What it owned goes before the waiting task can see the result.
}

}  // namespace worker_detail

template <class T>
Task<T> Worker::run(std::function<T()> work) {
    if (pace_) {
        free_at_ = std::max(free_at_, loop_.now()) + pace_();
        co_await loop_.sleep_until(free_at_);
    }
    Waiter waiter(loop_);
    worker_detail::ErrandLink<T> link(std::make_shared<worker_detail::Errand<T>>(), &waiter);
    put([&loop = loop_, errand = link.errand, work = std::move(work)]() mutable {
        worker_detail::perform<T>(work, *errand);
        loop.post([done = std::move(errand)] {
            done->done = true;
            if (done->waiter != nullptr) done->waiter->wake();
        });
    });
    while (!link.errand->done) co_await waiter;
    if (link.errand->error) std::rethrow_exception(link.errand->error);
    if constexpr (!std::is_void_v<T>) co_return std::move(*link.errand->result);
}

}  // namespace base
