// The MCP endpoint: Streamable HTTP with JSON answers, protocol revisions 2025-03-26, 2025-06-18
// and 2025-11-25, tools only. It serves no stream of its own, so GET is refused with 405.
//
//   origin, host ─► bearer JWT ─► X-Mana-Space ─► membership ─► JSON ─► session ─► method
//        403            401            400             403        400     404       JSON-RPC
//
// Every request proves itself anew: the token and the space of this request count, never those of
// initialize. The space is a header of each request; the session is bound to the user only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/jwt.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"
#include "workspace/calls.hpp"
#include "workspace/memberships.hpp"
#include "workspace/registry.hpp"
#include "workspace/sessions.hpp"

namespace workspace {

struct McpOptions {
    bool loopback = true;  // Bound to a loopback address: foreign hosts are refused.
    std::string auth_url;
    std::vector<std::string> allowed_origins;  // Besides those of this machine.
    std::string public_url;  // Of this listener, behind a proxy; empty: as the request names it.
};

// Whom a request comes from, proven.
struct McpCaller {
    std::string user_id;
    std::string space_id;
    base::Secret token;
};

// Resource; its functions run on the server's threads.
class McpServer {
  public:
    McpServer(McpOptions options, base::JwtVerifier& verifier, Memberships& memberships,
              Sessions& sessions, const Registry& registry, Calls& calls);
    McpServer(const McpServer&) = delete;
    McpServer& operator=(const McpServer&) = delete;

    // Refuses foreign browsers and rebound names; for every route of the listener.
    std::optional<base::ServerResponse> guard(const base::ServerRequest& request) const;
    void add_cors(const base::ServerRequest& request, base::ServerResponse& response) const;

    base::ServerResponse post(const base::ServerRequest& request);
    base::ServerResponse get(const base::ServerRequest& request);
    base::ServerResponse end(const base::ServerRequest& request);  // DELETE
    // OAuth protected-resource metadata: which authorization server issues the tokens.
    base::ServerResponse metadata(const base::ServerRequest& request) const;

  private:
    struct Visitor;

    using Refusal = std::optional<base::ServerResponse>;

    Refusal admit(const base::ServerRequest& request, McpCaller& caller);
    Refusal check_form(const base::ServerRequest& request) const;
    Refusal find_session(const base::ServerRequest& request, const base::Json& body,
                         Visitor& visitor);
    bool writes(const base::Json& body) const;
    base::ServerResponse open_session(const base::Json& request, const McpCaller& caller);
    base::ServerResponse answer_batch(const base::Json& messages, const Visitor& visitor);
    base::Json answer(const base::Json& request, const Visitor& visitor);
    base::Json call_tool(const base::Json& request, const Visitor& visitor);
    base::ServerResponse unauthorized(const base::ServerRequest& request,
                                      std::string_view why) const;

    const McpOptions options_;
    base::JwtVerifier& verifier_;
    Memberships& memberships_;
    Sessions& sessions_;
    const Registry& registry_;
    Calls& calls_;
};

}  // namespace workspace
