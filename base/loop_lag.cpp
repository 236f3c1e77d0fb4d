#include "base/loop_lag.hpp"

#include "base/metrics.hpp"

namespace base {

void LagMeter::begin(Histogram& seconds, Steady now) {
    seconds_ = &seconds;
    next_probe_ = now + interval;
}

void LagMeter::polled(Steady before, Steady after, bool all) {
    if (!all) return;  // The work goes on; probes that have come up wait.
    for (; next_probe_ < before; next_probe_ += interval) {
        seconds_->observe(std::chrono::duration<double>(before - next_probe_).count());
    }
    if (next_probe_ >= after) return;
    const auto asleep = (after - next_probe_ + interval - Duration{1}) / interval;
    seconds_->observe(0, static_cast<std::uint64_t>(asleep));
    next_probe_ += asleep * interval;
}

}  // namespace base
