// The MCP endpoint: Streamable HTTP, tools only, in both eras on one address.
//
//   origin, host ─► bearer JWT ─► X-Mana-Space ─► membership ─► JSON ─┬► session ─► method
//        403            401            400             403        400  │    404      JSON-RPC
//                                                                      └► stateless ─► method
//                                                                       400 by headers, `_meta`
//
// Revisions 2025-03-26, 2025-06-18 and 2025-11-25 open a session with initialize; 2026-07-28 names
// itself in every request and has none. Every request proves itself anew: the token and the space
// of this request count, never those of initialize. A session is bound to its user only. Answers
// are JSON; a slow tool is answered as an event stream, with progress where it was asked for. In
// revision 2025-11-25 its events are numbered, and GET with Last-Event-ID takes it up again. There
// is no other stream, so any other GET is refused with 405.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/jwt.hpp"
#include "base/server.hpp"
#include "workspace/call_streams.hpp"
#include "workspace/mcp_methods.hpp"
#include "workspace/memberships.hpp"
#include "workspace/running_calls.hpp"
#include "workspace/sessions.hpp"
#include "workspace/toolbox.hpp"

namespace workspace {

struct McpOptions {
    std::string token_issuer;  // Where clients get their tokens; without a slash at the end.
    std::string public_url;    // Of this listener, behind a proxy; empty: as the request names it.
};

// Resource; its functions run on the server's threads.
class McpServer {
  public:
    McpServer(McpOptions options, base::JwtVerifier& verifier, Memberships& memberships,
              Sessions& sessions, Toolbox& tools);
    McpServer(const McpServer&) = delete;
    McpServer& operator=(const McpServer&) = delete;

    base::ServerResponse post(const base::ServerRequest& request);
    base::ServerResponse get(const base::ServerRequest& request);  // A call's stream, again.
    base::ServerResponse end(const base::ServerRequest& request);  // DELETE
    // OAuth protected-resource metadata: which authorization server issues the tokens.
    base::ServerResponse metadata(const base::ServerRequest& request) const;

  private:
    using Refusal = std::optional<base::ServerResponse>;

    Refusal admit(const base::ServerRequest& request, McpCaller& caller);
    Refusal check_form(const base::ServerRequest& request) const;
    Refusal check_version(const base::ServerRequest& request) const;
    Refusal find_session(const base::ServerRequest& request, const base::Json& body,
                         McpVisitor& visitor);
    Refusal check_writing(const base::Json& body, const McpCaller& caller);
    base::ServerResponse post_stateless(const base::ServerRequest& request, const base::Json& body,
                                        McpVisitor visitor);
    base::ServerResponse answer_batch(const base::Json& messages, const McpVisitor& visitor);
    base::ServerResponse answer_one(const base::ServerRequest& request, const base::Json& body,
                                    const McpVisitor& visitor);
    base::ServerResponse stream(const base::Json& body, const McpVisitor& visitor);
    base::ServerResponse unauthorized(const base::ServerRequest& request,
                                      std::string_view why) const;

    const McpOptions options_;
    base::JwtVerifier& verifier_;
    Memberships& memberships_;
    Sessions& sessions_;
    Toolbox& tools_;
    McpMethods methods_;
    RunningCalls running_;
    CallStreams streams_;
};

}  // namespace workspace
