// The verb `forecast`: catalog, prices and, when it can be reached, the database of past visits.
#pragma once

#include "runner/config.hpp"

namespace runner {

int run_forecast(const Config& config);  // Exit code.

}  // namespace runner
