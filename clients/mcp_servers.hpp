// The servers that a persona's tools come from, and one visit's way to all of them. The tools of
// the persona's own product (the first server that knows her by her login) keep their names; those
// of others are called "<server>:<tool>". A server of others that fails costs its tools, not the
// visit.
#pragma once

#include <memory>
#include <vector>

#include "base/task.hpp"
#include "clients/mcp.hpp"
#include "clients/mcp_target.hpp"

namespace clients {

// One session over all servers. Throws what Mcp::open() throws, when the persona's own product does
// not open, or, without one, when no server does.
base::Task<std::unique_ptr<McpSession>> open_servers(Mcp& mcp, std::vector<McpServer> servers,
                                                     McpVisitor visitor);

}  // namespace clients
