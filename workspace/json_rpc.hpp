// JSON-RPC 2.0 messages: telling their kinds apart and printing answers. Values only; no transport.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace workspace {

enum class RpcCode {
    parse_error = -32700,
    invalid_request = -32600,
    unknown_method = -32601,
    invalid_params = -32602,
    internal_error = -32603,
    bad_session = -32000,
    session_not_found = -32001,
    header_mismatch = -32020,
    missing_capability = -32021,
    unsupported_version = -32022,
};

enum class RpcKind { request, notification, response, invalid };

// `fault`, when given, says in a few words what makes a message invalid.
RpcKind kind_of(const base::Json& message, std::string* fault = nullptr);

// The id of a message for its answer: null when it has none or an unusable one.
base::Json id_of(const base::Json& message);

base::Json rpc_result(const base::Json& id, base::Json result);
base::Json rpc_error(const base::Json& id, RpcCode code, std::string_view reason);
base::Json rpc_error(const base::Json& id, RpcCode code, std::string_view reason, base::Json data);

// The HTTP status that an answer travels with, so that a client can tell a call that was not run
// (503: our database or auth service was away) from one that may have been (500); else 200.
int http_status_of(const base::Json& answer);

}  // namespace workspace
