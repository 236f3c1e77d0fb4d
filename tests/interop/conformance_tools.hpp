// The tools that the official conformance suite wants to find, as a box for our MCP endpoint.
#pragma once

#include <vector>

#include "workspace/toolbox.hpp"

namespace interop {

class ConformanceTools final : public workspace::Toolbox {
  public:
    ConformanceTools();

    const base::Json& listing() const override { return listing_; }
    std::string_view instructions() const override { return "Tools of the conformance suite."; }
    std::optional<workspace::ToolTraits> traits(std::string_view name) const override;
    base::Json call(const workspace::ToolCall& call, const workspace::McpCaller& caller,
                    workspace::CallWatch& watch) override;

  private:
    base::Json listing_;
};

}  // namespace interop
