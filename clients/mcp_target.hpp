// Where tools are and how their server is to be spoken to: as the operator configured it, and as
// one visit uses it. Values.
#pragma once

#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/secret.hpp"

namespace clients {

// How a server is spoken to. Automatic: it is asked once whether it speaks the stateless revision,
// and the answer is kept for its URL until it no longer fits.
enum class McpEra { automatic, sessions, stateless };

struct McpTarget {
    std::string url;                 // Of the endpoint, e.g. "http://127.0.0.1:3069/mcp".
    base::Secret bearer;             // Empty: no Authorization header.
    std::string space_id;            // Sent as X-Mana-Space; empty: not sent.
    base::HttpHeaders headers = {};  // Sent as they are.
    McpEra era = McpEra::automatic;
    std::string alias = "product";        // Module of tools whose name says none.
    std::vector<std::string> tools = {};  // Patterns of those that are wanted; empty: all.
};

// One server as the operator configured it.
struct McpServer {
    // Who the persona is to the server: her login's access token, a token of the operator, nobody.
    // The login goes to no server that is not marked so.
    enum class Bearer { login, fixed, none };

    std::string alias = "product";  // Our name for it: [a-zA-Z0-9_-]{1,32}.
    std::string url;                // Of its endpoint; empty: the workspace that the daemon hosts.
    Bearer bearer = Bearer::login;
    base::Secret token;         // Of Bearer::fixed.
    base::HttpHeaders headers;  // Sent with every request.
    McpEra era = McpEra::automatic;
    std::vector<std::string> tools;  // Patterns of those that are wanted; empty: all.
};

struct McpVisitor {
    base::Secret access_token;
    std::string space_id;  // Told to servers that know the login only.
};

McpTarget target_of(const McpServer& server, const McpVisitor& visitor);

}  // namespace clients
