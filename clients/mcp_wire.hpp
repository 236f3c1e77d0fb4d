// JSON-RPC over Streamable HTTP: one request, its answer, whatever way it comes. Knows the
// session's headers, not what the methods mean.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/task.hpp"
#include "clients/mcp.hpp"
#include "clients/mcp_message.hpp"

namespace clients {

// Codes of the failures, besides those of base::Http (not_sent, outcome_unknown).
inline constexpr std::string_view mcp_session_lost = "session_lost";  // The request did not run.
inline constexpr std::string_view mcp_refused = "refused";            // It did not run either.
inline constexpr std::string_view mcp_outcome_unknown = "outcome_unknown";

// The message that answers the request `id`, as it came.
struct RpcText {
    std::int64_t id = 0;
    std::string text;
};

// Resource of the loop thread; requests may overlap.
class McpWire {
  public:
    McpWire(base::Http& http, const McpOptions& options, McpTarget target);
    McpWire(const McpWire&) = delete;
    McpWire& operator=(const McpWire&) = delete;

    base::Loop& loop() { return http_.loop(); }

    // Throws Failure: unauthenticated, forbidden, or with one of the codes above. A request that
    // takes longer than `limit` is cancelled at the server, too.
    base::Task<RpcAnswer> request(std::string method, base::Json params,
                                  std::chrono::milliseconds limit);
    // The same, read by the caller (answer_in): of a message that was seen before, nothing needs to
    // be read.
    base::Task<RpcText> request_text(std::string method, base::Json params,
                                     std::chrono::milliseconds limit);
    static RpcAnswer answer_in(const RpcText& text);
    base::Task<void> notify(std::string method, base::Json params);
    base::Task<void> end_session();  // DELETE; an answer of any kind will do.

    void forget_session();
    void agree(std::string revision) { revision_ = std::move(revision); }
    void renew(base::Secret bearer) { target_.bearer = std::move(bearer); }
    bool has_session() const { return !session_id_.empty(); }

  private:
    struct Stream;  // Where an event stream stands.

    base::Task<std::string> exchange(std::int64_t id, base::HttpRequest post,
                                     std::chrono::milliseconds limit, bool opens_session);
    base::Task<std::string> read_stream(std::unique_ptr<base::HttpStream> stream, std::int64_t id,
                                        std::chrono::milliseconds limit);
    base::Task<bool> read_events(base::HttpStream& stream, std::int64_t id, Stream& state);
    base::Task<std::unique_ptr<base::HttpStream>> resume(std::string last_event_id,
                                                         std::chrono::milliseconds limit);
    base::Task<void> answer_server(base::Json server_request);
    base::Task<void> cancel(std::int64_t id);
    base::Task<base::Failure> refusal(std::unique_ptr<base::HttpStream> stream, bool had_session);
    base::HttpRequest http_request(std::string method, std::string body,
                                   std::chrono::milliseconds limit) const;
    void keep_session(const base::HttpStream& stream);

    base::Http& http_;
    const McpOptions& options_;
    McpTarget target_;
    std::string session_id_;
    std::string revision_;
    std::int64_t next_id_ = 1;  // Never used twice within a session.
};

}  // namespace clients
