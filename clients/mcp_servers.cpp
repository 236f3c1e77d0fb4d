#include "clients/mcp_servers.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/log.hpp"

namespace clients {

namespace {

// One server of a visit.
struct ServerPart {
    McpServer server;
    bool is_home = false;
    std::unique_ptr<McpSession> session;  // Null: it did not open.
    std::optional<base::Failure> failure;
    const ToolMap* seen = nullptr;  // The map that the merged one was made of.
};

base::Task<void> open_part(Mcp& mcp, ServerPart& part, McpTarget target) {
    try {
        part.session = co_await mcp.open(std::move(target));
    } catch (const base::Failure& failure) {
        // Settled by open_servers(), which knows whether the visit can do without.
        part.failure = failure;
    }
}

class McpServersSession final : public McpSession {
  public:
    McpServersSession(Mcp& mcp, std::vector<ServerPart> parts)
        : mcp_(mcp), parts_(std::move(parts)) {
        merge();
    }
    McpServersSession(const McpServersSession&) = delete;
    McpServersSession& operator=(const McpServersSession&) = delete;

    const ToolMap& tools() const override { return *maps_.back(); }
    const std::string& server_name() const override { return home().server_name(); }
    const std::string& server_version() const override { return home().server_version(); }
    const std::string& protocol_version() const override { return home().protocol_version(); }

    base::Task<CallResult> call(std::string tool, base::Json arguments, CallNote note,
                                std::chrono::milliseconds limit) override;
    void renew(base::Secret bearer) override {
        for (ServerPart& part : parts_) {
            const bool logs_in = part.server.bearer == McpServer::Bearer::login;
            if (part.session && logs_in) part.session->renew(bearer);
        }
    }
    // Only those that were told of a space are told of another.
    void work_in(std::string space_id) override {
        for (ServerPart& part : parts_) {
            if (part.session) part.session->work_in(space_id);
        }
    }
    base::Task<void> close() override {
        for (ServerPart& part : parts_) {
            if (part.session) co_await part.session->close();
        }
    }

  private:
    const McpSession& home() const {
        return *std::find_if(parts_.begin(), parts_.end(), [](const ServerPart& part) {
                    return part.session != nullptr;
                })->session;
    }
    void merge();
    ServerPart* part_of(std::string& tool);

    Mcp& mcp_;
    std::vector<ServerPart> parts_;
    std::vector<std::shared_ptr<const ToolMap>> maps_;  // What callers hold stays valid.
};

void McpServersSession::merge() {
    std::vector<McpTool> tools;
    std::string names;
    for (ServerPart& part : parts_) {
        if (!part.session) continue;
        part.seen = &part.session->tools();
        for (const ToolMap::Entry& entry : part.seen->entries()) {
            McpTool tool = entry.tool;
            if (!part.is_home) tool.name = part.server.alias + ":" + tool.name;
            tools.push_back(std::move(tool));
        }
    }
    const std::string alias = parts_.front().server.alias;
    maps_.push_back(mcp_.shared_map(std::move(tools), alias));
}

// Whose tool it is; `tool` becomes the server's own name for it.
ServerPart* McpServersSession::part_of(std::string& tool) {
    const std::size_t colon = tool.find(':');
    for (ServerPart& part : parts_) {
        if (part.is_home || colon == tool.npos) continue;
        if (tool.substr(0, colon) != part.server.alias) continue;
        tool.erase(0, colon + 1);
        return &part;
    }
    const auto home = std::find_if(parts_.begin(), parts_.end(),
                                   [](const ServerPart& part) { return part.is_home; });
    return home == parts_.end() ? nullptr : &*home;
}

base::Task<CallResult> McpServersSession::call(std::string tool, base::Json arguments,
                                               CallNote note, std::chrono::milliseconds limit) {
    ServerPart* part = part_of(tool);
    if (part == nullptr || !part->session) {
        co_return CallResult{.outcome = CallResult::Outcome::error,
                             .text = "not run: no server offers this tool any more"};
    }
    CallResult result;
    try {
        result = co_await part->session->call(std::move(tool), std::move(arguments), note, limit);
    } catch (const base::Failure& failure) {
        // A new login helps with servers that know it; what an operator's token may not do, the
        // persona is told like anything else that a tool refuses.
        if (part->server.bearer == McpServer::Bearer::login) throw;
        result.outcome = CallResult::Outcome::error;
        result.text = "not run: the server " + part->server.alias + " refuses: " + failure.what();
    }
    if (part->seen != &part->session->tools()) merge();
    co_return result;
}

}  // namespace

McpTarget target_of(const McpServer& server, const McpVisitor& visitor) {
    McpTarget target{.url = server.url,
                     .bearer = {},
                     .space_id = {},
                     .headers = server.headers,
                     .era = server.era,
                     .alias = server.alias,
                     .tools = server.tools};
    if (server.bearer == McpServer::Bearer::fixed) target.bearer = server.token;
    if (server.bearer == McpServer::Bearer::login) {
        target.bearer = visitor.access_token;
        target.space_id = visitor.space_id;
    }
    return target;
}

base::Task<std::unique_ptr<McpSession>> open_servers(Mcp& mcp, std::vector<McpServer> servers,
                                                     McpVisitor visitor) {
    base::require(!servers.empty(), "tools come from at least one server");
    if (servers.size() == 1 && servers.front().bearer == McpServer::Bearer::login) {
        auto only = co_await mcp.open(target_of(servers.front(), visitor));
        co_return only;
    }
    std::vector<ServerPart> parts;
    bool has_home = false;
    for (McpServer& server : servers) {
        const bool is_home = !has_home && server.bearer == McpServer::Bearer::login;
        has_home = has_home || is_home;
        parts.push_back({.server = std::move(server), .is_home = is_home});
    }
    {
        // Together: a slow one holds up nobody but the visit's beginning, and only for its limit.
        base::Group group{mcp.loop()};
        for (ServerPart& part : parts) {
            group.add(open_part(mcp, part, target_of(part.server, visitor)));
        }
        co_await group.all();
    }
    const ServerPart* lost = nullptr;
    bool any_open = false;
    for (const ServerPart& part : parts) {
        any_open = any_open || part.session;
        if (part.session) continue;
        if (lost == nullptr || part.is_home) lost = &part;
        base::log_warning("server of tools not open",
                          {{"server", part.server.alias}, {"reason", part.failure->what()}});
    }
    if (lost != nullptr && (lost->is_home || !any_open)) throw base::Failure{*lost->failure};
    std::unique_ptr<McpSession> session =
        std::make_unique<McpServersSession>(mcp, std::move(parts));
    co_return session;
}

}  // namespace clients
