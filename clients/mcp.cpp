#include "clients/mcp.hpp"

#include <utility>

#include "clients/mcp_connection.hpp"

namespace clients {

namespace {

constexpr std::size_t merged_maps_max = 16;

}  // namespace

Mcp::Mcp(base::Http& http, McpOptions options, base::Metrics& metrics)
    : http_(http), options_(std::move(options)), metrics_(metrics) {}

base::Task<std::unique_ptr<McpSession>> Mcp::open(McpTarget target) {
    auto connection =
        std::make_unique<McpConnection>(http_, options_, std::move(target), metrics_, memory_);
    co_await connection->begin();
    std::unique_ptr<McpSession> session = std::move(connection);
    co_return session;
}

std::shared_ptr<const ToolMap> Mcp::shared_map(std::vector<McpTool> tools,
                                               const std::string& alias) {
    auto map = std::make_shared<const ToolMap>(std::move(tools), alias, options_.modules.get());
    if (memory_.merged.size() >= merged_maps_max) memory_.merged.clear();
    std::string text = *map->shared_tools_json();
    for (const ToolMap::Entry& entry : map->entries()) text += '\n' + entry.tool.name;
    return memory_.merged.try_emplace(std::move(text), map).first->second;
}

}  // namespace clients
