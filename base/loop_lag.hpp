// How long the loop's thread keeps work waiting that comes up at any moment. Pure.
#pragma once

#include "base/clock.hpp"

namespace base {

class Histogram;

// Imagines a probe per interval: one that falls into the loop's sleep is served at once, one that
// falls into its work waits until the work is done.
class LagMeter {
  public:
    static constexpr std::chrono::milliseconds interval{20};

    void begin(Histogram& seconds, Steady now);
    bool is_on() const { return seconds_ != nullptr; }
    // The loop looked for events from `before` until `after`; `all`: and none was left behind.
    void polled(Steady before, Steady after, bool all);

  private:
    Histogram* seconds_ = nullptr;
    Steady next_probe_{};
};

}  // namespace base
