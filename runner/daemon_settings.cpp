#include "runner/daemon_settings.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/listening.hpp"
#include "runner/servers.hpp"

namespace runner {

using base::Failure;

// A lease bears four heartbeats that got lost.
LeaseOptions lease_options(const Config& config, const std::string& node) {
    LeaseOptions options{.node = node, .length = config.lease};
    const std::chrono::milliseconds length = config.lease;
    options.heartbeat_every = std::min(options.heartbeat_every, length / 5);
    options.retry_every = std::min(options.retry_every, length / 10);
    return options;
}

VisitOptions visit_options(const Config& config, std::vector<clients::McpServer> servers) {
    VisitOptions options;
    options.model = config.model;
    options.rating_model = config.rating_model;
    options.effort = config.effort;
    options.turns_max = config.turns_max;
    // A call must fit into what is left of a short lease.
    if (config.lease < options.tool_limit * 3 / 2) options.tool_limit = config.lease / 3;
    options.zone = config.zone;
    options.seed = config.seed;
    options.keep_inputs = config.keep_inputs.value_or(are_all_hosted(config.servers));
    options.servers = std::move(servers);
    return options;
}

BudgetLimits budget_limits(const Config& config) {
    return {.visit = config.budget_visit_usd,
            .persona_day = config.budget_persona_day_usd,
            .day = config.budget_day_usd};
}

// What has no price cannot be kept within a budget.
void check_budget(const Config& config, const catalog::Prices& prices, base::Moment now) {
    if (!budget_limits(config).any()) return;
    for (const std::string& model : {config.model, config.rating_model}) {
        if (prices.cost(model, {}, now)) continue;
        throw Failure{Failure::Kind::invalid,
                      fmt::format("PERSONA_PRICES: the price file knows no price of {}, which a "
                                  "budget (BUDGET_VISIT_USD, BUDGET_PERSONA_DAY_USD, "
                                  "BUDGET_DAY_USD) needs; add one or unset the budget",
                                  model)};
    }
}

void require_free_ports(const Config& config) {
    const auto require = [&config](std::string_view setting, int port) {
        naming(setting, [&] { base::require_free_port(config.bind_address, port); });
    };
    require(ops_port_setting, config.ops_port);
    if (config.auth_url.empty()) require(auth_port_setting, config.auth_port);
    if (config.hosts_workspace()) require(mcp_port_setting, config.mcp_port);
}

}  // namespace runner
