#include "clients/mcp.hpp"

#include <utility>

#include "clients/mcp_connection.hpp"

namespace clients {

Mcp::Mcp(base::Http& http, McpOptions options, base::Metrics& metrics)
    : http_(http), options_(std::move(options)), metrics_(metrics) {}

base::Task<std::unique_ptr<McpSession>> Mcp::open(McpTarget target) {
    auto connection =
        std::make_unique<McpConnection>(http_, options_, std::move(target), metrics_, memory_);
    co_await connection->begin();
    std::unique_ptr<McpSession> session = std::move(connection);
    co_return session;
}

}  // namespace clients
