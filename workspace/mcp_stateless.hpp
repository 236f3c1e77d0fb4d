// Revision 2026-07-28 of MCP: no sessions; every request says in its headers and in `_meta` which
// revision it speaks and what its sender can do, and both must agree. Values only; no transport.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/server.hpp"
#include "workspace/json_rpc.hpp"

namespace workspace {

inline constexpr std::string_view stateless_version = "2026-07-28";

// Whether a request is of the stateless kind: by its `_meta`, its version header or its method.
bool is_stateless(const base::ServerRequest& request, const base::Json& message);

// Why a request is refused with HTTP 400.
struct StatelessFault {
    RpcCode code = RpcCode::invalid_params;
    std::string reason;
    base::Json data = nullptr;
};

// Headers against body: version, method, the name of the tool. The message is a JSON-RPC request
// or a notification.
std::optional<StatelessFault> check_stateless(const base::ServerRequest& request,
                                              const base::Json& message);

// `Mcp-Param-…` headers against the arguments, for the properties that a tool's schema marks with
// x-mcp-header.
std::optional<StatelessFault> check_param_headers(const base::ServerRequest& request,
                                                  const base::Json& schema,
                                                  const base::Json& arguments);

// Which of the `needed` capabilities (an object, or null) the request does not declare.
std::optional<StatelessFault> check_capabilities(const base::Json& message,
                                                 const base::Json& needed);

// A header's value; nothing when it claims to be Base64 and is not. "=?base64?SGk=?=" -> "Hi".
std::optional<std::string> header_text(std::string_view value);

}  // namespace workspace
