// The timers of a Loop: a heap of waiters, each of which knows its place in it, so that setting,
// moving and removing one allocates nothing. Private to base/loop*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/loop.hpp"

namespace base {

// Timers of one moment fire in the order in which they were set.
class TimerHeap {
  public:
    void set(Waiter& waiter, Steady when);
    void remove(Waiter& waiter);  // Harmless when it has no timer.

    std::optional<Steady> first_due() const {
        if (heap_.empty()) return std::nullopt;
        return heap_.front().due;
    }
    // The first one, taken out, when it is due; else nullptr.
    Waiter* take_due(Steady now);
    bool empty() const { return heap_.empty(); }

  private:
    // Moment and order stand here once more, so that sorting touches no waiter but to place it.
    struct Item {
        Steady due;
        std::uint64_t order;
        Waiter* waiter;
        bool operator<(const Item& other) const {
            return due != other.due ? due < other.due : order < other.order;
        }
    };
    void put(std::size_t place, const Item& item);
    void rise(std::size_t place, const Item& item);
    void sink(std::size_t place, const Item& item);

    std::vector<Item> heap_;
    std::uint64_t next_order_ = 1;
};

}  // namespace base
