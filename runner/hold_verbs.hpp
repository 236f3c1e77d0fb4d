// The verbs that change who may visit: pause, resume, persona resume. They speak to the auth
// service, where every daemon reads it, so they work whichever daemons run.
#pragma once

#include <string>

#include "runner/config.hpp"

namespace runner {

// Each prints what it did (or --json) and answers the exit code. Throws Failure::invalid unless
// exactly one of EMAIL, --archetype and --all is given, Failure::missing for an unknown address or
// archetype, Failure::conflict when there is nothing to resume.
int run_pause(const Config& config, const std::string& auth_url);
int run_resume(const Config& config, const std::string& auth_url);
int run_persona_resume(const Config& config, const std::string& auth_url);

}  // namespace runner
