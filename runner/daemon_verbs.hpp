// Where a daemon of this state directory listens, and the verbs that ask a running one.
#pragma once

#include <string>

#include "runner/config.hpp"

namespace runner {

// The configured address, else the one that a daemon wrote into the state directory, else the
// default port's.
std::string auth_url_of(const Config& config);
// The hosted workspace; empty for a remote MCP server, which has no rows of ours.
std::string workspace_url_of(const Config& config);
std::string daemon_url_of(const Config& config);

// Each asks the ops listener, prints the answer for people (or --json) and answers the exit code.
// Failure::unavailable when nothing of ours listens there, else the kind of the daemon's refusal.
int run_tick(const Config& config);
int run_resume_model(const Config& config);  // Failure::conflict: nothing had stopped.
int run_login(const Config& config);
int run_health(const Config& config);
int run_status(const Config& config);
int run_top(const Config& config);  // On a terminal until Ctrl-C; else one page.

}  // namespace runner
