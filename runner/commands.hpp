// The verbs: what `persona-runner VERB` does, each in a short function.
#pragma once

#include "base/failure.hpp"
#include "runner/config.hpp"

namespace runner {

int run_verb(const Config& config);  // Exit code.
int exit_code_of(const base::Failure& failure);

}  // namespace runner
