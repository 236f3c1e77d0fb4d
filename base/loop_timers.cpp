#include "base/loop_timers.hpp"

namespace base {

void TimerHeap::put(std::size_t place, const Item& item) {
    heap_[place] = item;
    item.waiter->timer_place_ = place;
}

void TimerHeap::rise(std::size_t place, const Item& item) {
    while (place > 0) {
        const std::size_t parent = (place - 1) / 2;
        if (!(item < heap_[parent])) break;
        put(place, heap_[parent]);
        place = parent;
    }
    put(place, item);
}

void TimerHeap::sink(std::size_t place, const Item& item) {
    for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
        if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
        if (!(heap_[child] < item)) break;
        put(place, heap_[child]);
        place = child;
    }
    put(place, item);
}

void TimerHeap::set(Waiter& waiter, Steady when) {
    remove(waiter);
    waiter.due_ = when;
    waiter.timer_ = next_order_++;
    const Item item{when, waiter.timer_, &waiter};
    heap_.push_back(item);
    rise(heap_.size() - 1, item);
}

void TimerHeap::remove(Waiter& waiter) {
    if (waiter.timer_ == 0) return;
    waiter.timer_ = 0;
    const std::size_t place = waiter.timer_place_;
    const Item last = heap_.back();
    heap_.pop_back();
    if (place == heap_.size()) return;  // It was the last one itself.
    if (place > 0 && last < heap_[(place - 1) / 2]) {
        rise(place, last);
    } else {
        sink(place, last);
    }
}

Waiter* TimerHeap::take_due(Steady now) {
    if (heap_.empty() || heap_.front().due > now) return nullptr;
    Waiter* waiter = heap_.front().waiter;
    remove(*waiter);
    return waiter;
}

}  // namespace base
