#include "base/http_turns.hpp"

namespace base::http_detail {

// Lives in the frame of the task that waits; leaves the queue with it.
struct Turns::Place {
    explicit Place(Turns& owner)
        : turns(owner), waiter(owner.loop_), place(owner.queue_.insert(owner.queue_.end(), this)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        if (turn.is_held() || taken) return;
        turns.queue_.erase(place);
    }

    Turns& turns;
    Waiter waiter;
    std::list<Place*>::iterator place;
    Turn turn;  // Handed over by whoever gave it back.
    bool taken = false;
};

void Turn::give_back() {
    if (turns_ != nullptr) std::exchange(turns_, nullptr)->give_back();
}

void Turns::give_back() {
    if (queue_.empty()) {
        ++free_;
        return;
    }
    Place& next = *queue_.front();
    queue_.pop_front();
    next.turn = Turn(this);
    next.waiter.wake();
}

Task<Turn> Turns::take(Steady limit) {
    if (free_ > 0) {
        --free_;
        co_return Turn(this);
    }
    Place place(*this);
    while (!place.turn.is_held()) {
        if (loop_.now() >= limit) co_return Turn();
        place.waiter.wake_by(limit);
        co_await place.waiter;
    }
    place.taken = true;
    co_return std::move(place.turn);
}

}  // namespace base::http_detail
