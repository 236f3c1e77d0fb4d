// How fast a crowd of visits may grow. Visits that begin together end their turns together, and
// what each end costs (the message, the calls, the next request) would pile up before the loop.
// A place that becomes free is filled at once; only growth is held back. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"

namespace runner {

// Resource of one thread. `at_once` visits begin without a wait; an empty house of `ceiling` places
// fills within `fill_time`, but never slower than `at_once` a second.
class Ramp {
  public:
    static constexpr std::chrono::seconds fill_time{30};

    Ramp(int ceiling, int at_once, base::Steady now)
        : at_once_(at_once),
          per_second_(std::max<double>(at_once, static_cast<double>(ceiling) / fill_time.count())),
          left_(at_once),
          refilled_(now) {}

    // How many visits may begin now.
    int left(base::Steady now) {
        const std::chrono::duration<double> passed = now - refilled_;
        refilled_ = now;
        left_ = std::min(at_once_, left_ + per_second_ * passed.count());
        return static_cast<int>(left_);
    }
    void take() { left_ -= 1; }                                  // One begins.
    void give_back() { left_ = std::min(at_once_, left_ + 1); }  // One has ended.

  private:
    const double at_once_, per_second_;
    double left_;
    base::Steady refilled_;
};

}  // namespace runner
