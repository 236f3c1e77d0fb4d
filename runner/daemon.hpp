// The running process: everything built once, in order, and torn down in reverse.
#pragma once

#include "runner/config.hpp"

namespace runner {

// Runs until SIGTERM or SIGINT has been served; a second signal skips the grace of running visits.
void run_daemon(const Config& config);

}  // namespace runner
