// The world's clock: it stands still while anything can go on and jumps to the next timer when
// nothing can. Whatever is to be checked after every step is checked before each jump.
#pragma once

#include <functional>
#include <utility>

#include "base/clock.hpp"

namespace simulation {

class DrivenClock final : public base::Clock {
  public:
    explicit DrivenClock(base::Moment begin) : begin_(begin) {}

    base::Moment now() const override {
        return begin_ + step_ + std::chrono::floor<std::chrono::microseconds>(steady_ - origin);
    }
    base::Steady steady() const override {
        if (++looks_ > looks_max && stuck) std::exchange(stuck, nullptr)();
        return steady_;
    }
    base::Duration idle_until(std::optional<base::Steady> next) override {
        ++jumps_;
        looks_ = 0;
        if (before_jump) before_jump(next.has_value());
        if (next && *next > steady_) steady_ = *next;
        return base::Duration::zero();
    }
    // Moves the wall clock alone, as an administrator or NTP would.
    void step(std::chrono::milliseconds by) { step_ += by; }
    std::size_t jumps() const { return jumps_; }

    // Its argument: false when no timer is set, so that nothing will ever happen again.
    std::function<void(bool)> before_jump;
    // Called once when things go on and on while no time passes.
    mutable std::function<void()> stuck;

  private:
    static constexpr base::Steady origin{std::chrono::hours{1}};
    static constexpr std::size_t looks_max = 200'000;

    const base::Moment begin_;
    std::chrono::microseconds step_{0};
    base::Steady steady_ = origin;
    std::size_t jumps_ = 0;
    mutable std::size_t looks_ = 0;  // At the clock, since the last jump.
};

}  // namespace simulation
