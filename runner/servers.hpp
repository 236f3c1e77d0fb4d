// MANA_MCP_URL: where the personas' tools come from. One URL is the persona's own product. A JSON
// object, or the path of a file that holds one, names several servers in the form that other MCP
// clients use:
//
//   {"mcpServers": {
//     "mana":   {"hosted": true},
//     "github": {"url": "https://api.example.com/mcp", "bearer": "${GITHUB_TOKEN}",
//                "headers": {"X-Readonly": "true"}, "tools": ["*issue*"], "era": "auto"}}}
//
// tools: those that are wanted, * stands for any text; left out: all. bearer: login (the persona's
// access token), none (the default), ${VARIABLE} or file:PATH. Headers may hold ${VARIABLE}. A
// token never stands in the text itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/mcp_target.hpp"

namespace runner {

using Variables = std::function<std::optional<std::string>(const std::string&)>;

// Empty text: the workspace that the daemon hosts. `auth_url`: empty when auth is hosted here; a
// single URL elsewhere than there does not get the personas' login unasked. Throws
// Failure::invalid.
std::vector<clients::McpServer> read_servers(const std::string& text, const std::string& auth_url,
                                             const Variables& variables);

// The URLs of those servers that know the personas by their login; a hosted one has none yet.
std::vector<std::string> login_urls(const std::vector<clients::McpServer>& servers);
// Gives the hosted server its URL.
void name_hosted(std::vector<clients::McpServer>& servers, const std::string& url);

// Whether there are no others: what is told to others is theirs, so only then inputs are kept
// unasked.
bool are_all_hosted(const std::vector<clients::McpServer>& servers);

// Of the persona's own product, for people: the first of those, else the first server.
std::string product_url(const std::vector<clients::McpServer>& servers);

}  // namespace runner
