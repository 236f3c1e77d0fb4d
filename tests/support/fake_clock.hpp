// A clock that the test moves. With `jumping` (the default) the loop's idling moves it to the next
// timer at once, so that the real loop runs in virtual time; without, only advance() moves it.
// Jumping does not wait for sockets or other threads: tests that use those set jumping to false.
#pragma once

#include <algorithm>
#include <mutex>

#include "base/clock.hpp"

namespace tests {

// Any thread.
class FakeClock final : public base::Clock {
  public:
    // 2026-11-20 is a Friday.
    static constexpr base::Moment start =
        std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{9};

    explicit FakeClock(bool jumping = true, base::Moment begin = start)
        : jumping_(jumping), now_(begin) {}

    base::Moment now() const override {
        const std::lock_guard lock(mutex_);
        return now_;
    }
    base::Steady steady() const override {
        const std::lock_guard lock(mutex_);
        return steady_;
    }

    // Moves both clocks.
    void advance(base::Duration span) {
        const std::lock_guard lock(mutex_);
        move(span);
    }
    // Steps the wall clock alone, as an administrator or NTP would.
    void set_now(base::Moment moment) {
        const std::lock_guard lock(mutex_);
        now_ = moment;
        rest_ = base::Duration::zero();
    }
    void set_jumping(bool jumping) {
        const std::lock_guard lock(mutex_);
        jumping_ = jumping;
    }

    base::Duration idle_until(std::optional<base::Steady> next) override {
        const std::lock_guard lock(mutex_);
        if (jumping_ && next) {
            move(std::max(*next - steady_, base::Duration::zero()));
            return base::Duration::zero();
        }
        // Real time, but short: another thread may call advance(), which the loop cannot hear.
        return std::chrono::milliseconds{1};
    }

  private:
    void move(base::Duration span) {
        steady_ += span;
        rest_ += span;
        const auto whole = std::chrono::floor<std::chrono::microseconds>(rest_);
        now_ += whole;
        rest_ -= whole;
    }

    mutable std::mutex mutex_;
    bool jumping_;
    base::Moment now_;
    base::Steady steady_{std::chrono::hours{1}};
    base::Duration rest_{};  // Below the wall clock's resolution, carried over.
};

}  // namespace tests
