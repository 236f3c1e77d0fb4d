// What revision 2026-07-28 of MCP wants of a client: version and abilities in every request, the
// method and some arguments as headers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"

namespace clients {

inline constexpr std::string_view stateless_revision = "2026-07-28";

// Adds `_meta` with revision, capabilities (none) and our name.
void add_stateless_meta(base::Json& params);

// Mcp-Method, and for tools/call Mcp-Name.
base::HttpHeaders stateless_headers(std::string_view method, const base::Json& params);

// A header's value that any text survives in: what is unsafe goes as "=?base64?…?=".
std::string header_safe(std::string_view text);

// An argument that travels as a header, too: a tool's schema marks it with x-mcp-header.
struct ParamHeader {
    std::vector<std::string> path;  // Keys from the arguments down.
    std::string name;               // "Mcp-Param-Region"
};

struct ParamHeaders {
    std::vector<ParamHeader> headers;
    std::string fault;  // Not empty: the marks break the rules, and the tool must not be used.
};
ParamHeaders read_param_headers(const base::Json& input_schema);

// The headers of one call; an argument that is absent or null has none. Nothing when a value cannot
// travel so (an integer beyond 2^53, another type than the schema's).
std::optional<base::HttpHeaders> param_headers_of(const std::vector<ParamHeader>& headers,
                                                  const base::Json& arguments);

// Whether an answer to server/discover says that the server speaks our revision.
bool offers_stateless(const base::Json& discovered);

// Whether an answer to server/discover or initialize says that the server tells when its tools
// change.
bool tells_of_tools(const base::Json& greeting);

}  // namespace clients
