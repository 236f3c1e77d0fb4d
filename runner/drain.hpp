// The way from the stop signal to the end: no visit starts any more; running ones get their grace;
// what is left is cut with its actions safe and handed back; what is recorded is handed in.
//
//   signal ─► no new visits ─► grace (a second signal skips it) ─► cut, handed back ─► flush ─► end
//
// What if we die here? The outbox holds all of it; the next process delivers.
#pragma once

#include <chrono>
#include <functional>

#include "base/loop.hpp"
#include "base/notify.hpp"
#include "runner/outbox.hpp"
#include "runner/scheduler.hpp"

namespace runner {

struct DrainOptions {
    std::chrono::milliseconds grace{20'000};        // Of running visits.
    std::chrono::milliseconds flush_limit{10'000};  // For handing in what is recorded.
};

// Runs on the loop beside lease and delivery, which go on. `hurry` tells when a second signal came.
// The service manager hears every second what is waited for, and that it takes a while longer.
base::Task<void> drain(base::Loop& loop, Scheduler& scheduler, Outbox& outbox, base::Notify& notify,
                       DrainOptions options, std::function<bool()> hurry);

}  // namespace runner
