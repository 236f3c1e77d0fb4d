#include "runner/drain.hpp"

#include <fmt/format.h>

#include "base/log.hpp"

namespace runner {

namespace {

constexpr std::chrono::milliseconds drain_look{100};
constexpr std::chrono::seconds drain_told_every{1};
// What the service manager allows from each message on; several times its interval.
constexpr std::chrono::seconds drain_extension{10};

base::Task<void> wait_for_visits(base::Loop& loop, Scheduler& scheduler, base::Notify& notify,
                                 base::Steady until, std::function<bool()> hurry) {
    base::Steady told_at{};
    while (scheduler.running() > 0 && !hurry() && loop.now() < until) {
        if (loop.now() - told_at >= drain_told_every) {
            told_at = loop.now();
            const auto left = std::chrono::ceil<std::chrono::seconds>(until - loop.now());
            notify.still_stopping(fmt::format("stopping: {} visits have {} s of grace left",
                                              scheduler.running(), left.count()),
                                  drain_extension);
        }
        co_await scheduler.drained(drain_look);
    }
}

}  // namespace

base::Task<void> drain(base::Loop& loop, Scheduler& scheduler, Outbox& outbox, base::Notify& notify,
                       DrainOptions options, std::function<bool()> hurry) {
    scheduler.stop_claiming();
    co_await wait_for_visits(loop, scheduler, notify, loop.now() + options.grace, hurry);
    if (scheduler.running() > 0) {
        base::log_info("visits cut", {{"running", scheduler.running()},
                                      {"reason", hurry() ? "second signal" : "grace is over"}});
        scheduler.hand_back_visits("the daemon was told to stop");
    }
    notify.still_stopping(
        fmt::format("stopping: handing in {} visits", outbox.waiting_visits()),
        std::chrono::duration_cast<std::chrono::seconds>(options.flush_limit) + drain_extension);
    const bool delivered = co_await outbox.flush(options.flush_limit);
    if (!delivered) {
        base::log_warning("outbox kept",
                          {{"visits", outbox.waiting_visits()}, {"reason", outbox.last_error()}});
    }
}

}  // namespace runner
