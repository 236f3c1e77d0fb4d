// The workspace's own tools as a box for the MCP endpoint: arguments, marks of the runner and the
// caller's space become a call of the registry.
#pragma once

#include "workspace/calls.hpp"
#include "workspace/memberships.hpp"
#include "workspace/registry.hpp"
#include "workspace/toolbox.hpp"

namespace workspace {

// Resource; any inbound thread. The registry is filled.
class WorkspaceTools final : public Toolbox {
  public:
    WorkspaceTools(const Registry& registry, Calls& calls, Memberships& memberships);
    WorkspaceTools(const WorkspaceTools&) = delete;
    WorkspaceTools& operator=(const WorkspaceTools&) = delete;

    const base::Json& listing() const override { return listing_; }
    std::string_view instructions() const override { return instructions_; }
    std::optional<ToolTraits> traits(std::string_view name) const override;
    base::Json call(const ToolCall& call, const McpCaller& caller, CallWatch& watch) override;

  private:
    const Registry& registry_;
    Calls& calls_;
    Memberships& memberships_;
    const base::Json listing_;
    const std::string instructions_;
};

}  // namespace workspace
