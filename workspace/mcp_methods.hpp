// What MCP's methods do, whichever way the request came: handshake, discovery, tool list, tool
// calls. A failure of one message becomes that message's answer.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "workspace/sessions.hpp"
#include "workspace/toolbox.hpp"

namespace workspace {

// Who calls, and how.
struct McpVisitor {
    McpCaller caller;
    std::string session_id;  // Empty in the stateless era.
    std::string version;     // Agreed on by the session.
    bool stateless = false;
};

// Revisions that begin with initialize.
bool is_session_version(std::string_view version);

// Any inbound thread; the references outlive it.
class McpMethods {
  public:
    McpMethods(Toolbox& tools, Sessions& sessions) : tools_(tools), sessions_(sessions) {}
    McpMethods(const McpMethods&) = delete;
    McpMethods& operator=(const McpMethods&) = delete;

    // The answer; `session_id` stays empty when the handshake is refused.
    base::Json initialize(const base::Json& request, const McpCaller& caller,
                          std::string& session_id);

    static bool is_stateless_method(std::string_view method);
    // The answer to any other request; never throws base::Failure.
    base::Json answer(const base::Json& request, const McpVisitor& visitor, CallWatch& watch);

  private:
    base::Json result_of(const base::Json& request, const McpVisitor& visitor, CallWatch& watch);
    base::Json discover() const;
    base::Json list(const base::Json& request, bool stateless) const;
    base::Json call(const base::Json& request, const McpVisitor& visitor, CallWatch& watch);

    Toolbox& tools_;
    Sessions& sessions_;
};

}  // namespace workspace
