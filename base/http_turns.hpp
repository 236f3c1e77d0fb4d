// The exchanges that one host takes at once. Private to base/http*.cpp.
#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "base/loop.hpp"
#include "base/task.hpp"

namespace base::http_detail {

class Turns;

// The right to one exchange; given back when it goes.
class Turn {
  public:
    Turn() = default;
    explicit Turn(Turns* turns) : turns_(turns) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept {
        std::swap(turns_, other.turns_);
        return *this;
    }
    ~Turn() { give_back(); }

    void give_back();
    bool is_held() const { return turns_ != nullptr; }

  private:
    Turns* turns_ = nullptr;
};

// Whoever comes when all are taken waits, first come first served. Resource of the loop thread.
class Turns {
  public:
    Turns(Loop& loop, std::size_t count) : loop_(loop), free_(count) {}
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    // None when the moment came first.
    Task<Turn> take(Steady limit);
    std::size_t waiting() const { return queue_.size(); }

  private:
    friend class Turn;
    struct Place;

    void give_back();

    Loop& loop_;
    std::size_t free_;
    std::list<Place*> queue_;
};

}  // namespace base::http_detail
