// When a failed exchange is tried again and how long to wait before. Pure; the only retry rule of
// the outbound side, so that retries never stack.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace clients {

struct RetryPolicy {
    int attempts_max = 6;  // The first one included.
    std::chrono::milliseconds backoff_base{1'000};
    std::chrono::milliseconds backoff_cap{60'000};
    // A longer demand is not waited out: the failure goes back to the caller, with its retry_after.
    std::chrono::milliseconds retry_after_max{120'000};
};

// How long to wait before the next attempt; nothing: give up and hand the failure back.
// `attempts_made` counts the attempts that have failed so far (>= 1), `random01` is in [0, 1).
// Full jitter: random01 * min(cap, base * 2^(attempts_made - 1)); a demanded wait is a floor.
// An HTTP 429 that demands no wait is a spend cap, which no retry can lift.
std::optional<std::chrono::milliseconds> wait_before_retry(const RetryPolicy& policy,
                                                           int attempts_made,
                                                           const base::Failure& failure,
                                                           double random01);

// What an answer's headers demand: `milliseconds_header` (retry-after-ms) wins over
// `retry_after_header` (seconds or an HTTP date). Past moments are zero; nothing when there is no
// header or it cannot be read.
std::optional<std::chrono::milliseconds> demanded_wait(std::string_view milliseconds_header,
                                                       std::string_view retry_after_header,
                                                       base::Moment now);

// "Sun, 06 Nov 1994 08:49:37 GMT", as headers give it; nothing when the text is none.
std::optional<base::Moment> http_date(std::string_view text);

}  // namespace clients
