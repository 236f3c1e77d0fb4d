// The running process: everything built once, in order, and torn down in reverse.
#pragma once

#include "runner/config.hpp"

namespace runner {

// Runs until SIGTERM or SIGINT has been served; a second signal skips the grace of running visits.
void run_daemon(const Config& config);

// One socket per visit, listener and stream: takes what the system allows.
void raise_file_limit();

}  // namespace runner
