// How long the loop's thread keeps work waiting that comes up at any moment. Pure.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace base {

class Histogram;

// Imagines a probe per interval: one that falls into the loop's sleep is served at once, one that
// falls into its work waits until the loop looks for events again and gets all there are. When it
// does not get all, a mark is put behind those that are left, as the kernel hands them out first
// come first served: the probe is served when the mark comes up.
class LagMeter {
  public:
    static constexpr std::chrono::milliseconds interval{20};

    void begin(Histogram& seconds, Steady now);
    bool is_on() const { return seconds_ != nullptr; }
    // The loop looked for events from `before` until `after`; `all`: and none was left behind.
    // true: put the mark now.
    bool polled(Steady before, Steady after, bool all);
    void reached_mark(Steady now);

  private:
    void serve(Steady until, Steady now);

    Histogram* seconds_ = nullptr;
    Steady next_probe_{};
    std::optional<Steady> mark_;  // When it was put.
};

}  // namespace base
