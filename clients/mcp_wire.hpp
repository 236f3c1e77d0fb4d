// JSON-RPC over Streamable HTTP: one request, its answer, whatever way it comes. Knows the
// session's headers, not what the methods mean.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/task.hpp"
#include "clients/mcp.hpp"
#include "clients/mcp_message.hpp"
#include "clients/mcp_refusal.hpp"

namespace clients {

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
    // Each progress that the server tells gives the request another `limit`, up to the options'
    // call_limit_max. `more`: headers of this request alone.
    base::Task<RpcAnswer> request(std::string method, base::Json params,
                                  std::chrono::milliseconds limit, base::HttpHeaders more = {});
    // The same, read by the caller (answer_in): of a message that was seen before, nothing needs to
    // be read.
    base::Task<RpcText> request_text(std::string method, base::Json params,
                                     std::chrono::milliseconds limit, base::HttpHeaders more = {});
    static RpcAnswer answer_in(const RpcText& text);
    base::Task<void> notify(std::string method, base::Json params);
    base::Task<void> end_session();  // DELETE; an answer of any kind will do.

    // Hears what the server says without being asked: that its tools are others now (see
    // take_tools_changed), and questions, which are answered. Ends when the server has no such
    // stream or breaks it off too often; never throws.
    base::Task<void> listen();

    void forget_session();
    void agree(std::string revision) { revision_ = std::move(revision); }
    // From now on every request stands for itself, in revision 2026-07-28.
    void go_stateless();
    bool is_stateless() const { return stateless_; }
    // Whether the server has said, since the last question, that its tools are others now.
    bool take_tools_changed() { return std::exchange(tools_changed_, false); }
    void renew(base::Secret bearer) { target_.bearer = std::move(bearer); }
    void work_in(std::string space_id) {
        if (!target_.space_id.empty()) target_.space_id = std::move(space_id);
    }
    bool has_session() const { return !session_id_.empty(); }

  private:
    // Where an event stream stands.
    struct Stream {
        base::Steady until;               // Out of time then; progress moves it …
        base::Steady last;                // … up to here.
        std::chrono::milliseconds limit;  // What progress gives.
        std::string last_event_id;
        std::optional<std::chrono::milliseconds> retry;
        int server_requests = 0;
        std::string answer;  // The event that has it.
    };
    struct Reply;  // The beginning of an answer.

    // The first request of all finds out where the server really is: a redirect that keeps method
    // and body (307, 308) is followed once, within the origin that was configured; the token goes
    // nowhere else.
    base::Task<std::unique_ptr<base::HttpStream>> open_first(base::HttpRequest post);
    base::Task<Reply> begin(base::HttpRequest post, bool opens_session);
    base::Task<std::optional<std::string>> read_stream(std::unique_ptr<base::HttpStream> stream,
                                                       std::int64_t id, Stream& state);
    base::Task<bool> read_events(base::HttpStream& stream, std::int64_t id, Stream& state);
    std::chrono::milliseconds time_left(const Stream& state);
    void note(const RpcArrival& arrival, Stream& state);
    base::Task<std::unique_ptr<base::HttpStream>> resume(std::string last_event_id,
                                                         std::chrono::milliseconds limit);
    base::Task<void> answer_server(base::Json server_request);
    base::HttpRequest listening_request(std::int64_t id, const std::string& last_event_id);
    base::Task<bool> hear(std::int64_t id, Stream& state);
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
    bool stateless_ = false;
    bool found_ = false;  // The server has answered at target_.url.
    bool tools_changed_ = false;
    std::int64_t next_id_ = 1;  // Never used twice within a session.
};

}  // namespace clients
