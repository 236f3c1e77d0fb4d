// MCP's messages as values: what we say as JSON-RPC text, what a server's answers mean. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/json.hpp"
#include "clients/mcp.hpp"
#include "clients/tool_map.hpp"

namespace clients {

// Newest first; the first one is what we offer.
bool is_known_revision(std::string_view revision);
std::string known_revisions();  // For people: "2025-11-25, …".
base::Json initialize_params();

std::string rpc_request(std::int64_t id, std::string_view method, const base::Json& params);
std::string rpc_notification(std::string_view method, const base::Json& params);
// What a client that declared no capability answers to a server's request: ping is well, the rest
// is not found.
std::string rpc_reply_to(const base::Json& server_request);

// A server's answer to one of our requests.
struct RpcAnswer {
    base::Json result;
    std::optional<std::int64_t> error_code;  // Set: `error_message` instead of a result.
    std::string error_message;
};

// One arrived message (or a batch of them), sorted out.
struct RpcArrival {
    std::optional<RpcAnswer> answer;          // To the request `id`.
    std::vector<base::Json> server_requests;  // Each wants rpc_reply_to().
    bool progressed = false;                  // The request `id` made progress.
    bool tools_changed = false;
};
// Throws Failure::unavailable (code outcome_unknown) when the text is no JSON-RPC.
RpcArrival read_rpc(std::string_view text, std::int64_t id);

struct ToolPage {
    std::vector<McpTool> tools;
    std::vector<std::string> left_out;       // Tools that cannot be called plainly: "name: reason".
    std::optional<std::string> next_cursor;  // An empty text is a cursor, too.
};
// `stateless`: read by the rules of revision 2026-07-28, which leave more tools out.
ToolPage read_tool_page(const base::Json& result, bool stateless = false);

// What a tool call of revision 2026-07-28 comes back with, before it is a result.
struct CallStep {
    bool complete = true;
    std::optional<std::string> request_state;  // To be sent back as it is, with a new request.
    std::string fault;                         // Not empty: nothing that we could go on with.
};
CallStep read_call_step(const base::Json& result);

// The result of tools/call as text for the model, at most `bytes_max` bytes and a note about what
// was cut.
CallResult read_call_result(const base::Json& result, std::size_t bytes_max);
CallResult call_result_of_error(const RpcAnswer& answer, std::size_t bytes_max);

}  // namespace clients
