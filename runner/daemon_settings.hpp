// From the configuration to the options of the runner's parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "catalog/prices.hpp"
#include "runner/config.hpp"
#include "runner/scheduler.hpp"

namespace runner {

LeaseOptions lease_options(const Config& config, const std::string& node);
VisitOptions visit_options(const Config& config, std::vector<clients::McpServer> servers);
BudgetLimits budget_limits(const Config& config);

// Throws Failure::invalid when a budget is set for a model that has no price at `now`.
void check_budget(const Config& config, const catalog::Prices& prices, base::Moment now);

// A failure of `work` names the setting that led to it.
template <class Work>
auto naming(std::string_view setting, const Work& work) {
    try {
        return work();
    } catch (const base::Failure& failure) {
        throw base::Failure{failure.kind(), fmt::format("{}: {}", setting, failure.what()),
                            failure.code()};
    }
}

inline constexpr std::string_view ops_port_setting = "PORT (--port)";
inline constexpr std::string_view auth_port_setting = "MANA_AUTH_PORT (--auth-port)";
inline constexpr std::string_view mcp_port_setting = "MANA_MCP_PORT (--mcp-port)";

// Before a database is made for listeners that could not listen: throws what naming() makes of it.
void require_free_ports(const Config& config);

}  // namespace runner
