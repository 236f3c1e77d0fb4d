// From the configuration to the options of the runner's parts.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "catalog/prices.hpp"
#include "runner/config.hpp"
#include "runner/scheduler.hpp"

namespace runner {

LeaseOptions lease_options(const Config& config, const std::string& node);
VisitOptions visit_options(const Config& config, std::vector<clients::McpServer> servers);
BudgetLimits budget_limits(const Config& config);

// Throws Failure::invalid when a budget is set for a model that has no price at `now`.
void check_budget(const Config& config, const catalog::Prices& prices, base::Moment now);

}  // namespace runner
