#include "base/loop_lag.hpp"

#include "base/metrics.hpp"

namespace base {

void LagMeter::begin(Histogram& seconds, Steady now) {
    seconds_ = &seconds;
    next_probe_ = now + interval;
}

bool LagMeter::polled(Steady before, Steady after, bool all) {
    if (!all) {
        const bool puts = !mark_;
        if (puts) mark_ = after;
        return puts;
    }
    serve(before, before);
    if (next_probe_ >= after) return false;
    const auto asleep = (after - next_probe_ + interval - Duration{1}) / interval;
    seconds_->observe(0, static_cast<std::uint64_t>(asleep));
    next_probe_ += asleep * interval;
    return false;
}

void LagMeter::reached_mark(Steady now) {
    if (mark_) serve(*mark_, now);
    mark_.reset();
}

// The probes before `until`, now.
void LagMeter::serve(Steady until, Steady now) {
    for (; next_probe_ < until; next_probe_ += interval) {
        seconds_->observe(std::chrono::duration<double>(now - next_probe_).count());
    }
}

}  // namespace base
