#include "clients/mcp_wire.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "clients/http_body.hpp"
#include "clients/mcp_stateless.hpp"
#include "clients/retry.hpp"
#include "clients/sse.hpp"

namespace clients {

namespace {

constexpr int server_requests_max = 100;  // Within one of our requests.
constexpr int resumes_max = 5;            // In a row without an event.
constexpr std::chrono::milliseconds resume_wait_default{1'000};
constexpr std::chrono::milliseconds resume_wait_min{100}, resume_wait_max{30'000};
constexpr std::chrono::milliseconds side_message_limit{5'000};
constexpr std::chrono::milliseconds cancel_limit{1'000};
constexpr std::chrono::milliseconds limit_slack{1'000};
constexpr std::chrono::milliseconds mcp_connect_limit{5'000};
constexpr std::size_t session_id_bytes_max = 1'024;

base::Failure outcome_unknown(const std::string& what) {
    return base::Failure{base::Failure::Kind::unavailable, what, std::string{mcp_outcome_unknown}};
}

// The trace context that a request carries in its `_meta`; empty when it has none.
std::string trace_in(const base::Json& params) {
    const auto meta = params.find("_meta");
    return meta == params.end() ? std::string() : meta->value("traceparent", "");
}

// Where a redirect leads, when that is the same origin.
std::optional<std::string> moved_within(const std::string& url, std::string_view location) {
    const std::string origin = base::origin_of(url);
    std::string next(location);
    if (next.starts_with('/') && !next.starts_with("//")) next = origin + next;
    try {
        if (base::origin_of(next) == origin && next != url) return next;
    } catch (const base::Failure&) {
        // No URL at all: nothing to follow, the caller refuses the redirect.
        return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

struct McpWire::Reply {
    std::string text;
    std::unique_ptr<base::HttpStream> events;  // Set: the answer comes as events, `text` is empty.
};

McpWire::McpWire(base::Http& http, const McpOptions& options, McpTarget target)
    : http_(http), options_(options), target_(std::move(target)) {}

void McpWire::forget_session() {
    session_id_.clear();
    revision_.clear();
    stateless_ = false;
}

void McpWire::go_stateless() {
    forget_session();
    stateless_ = true;
    revision_ = stateless_revision;
}

base::Task<RpcAnswer> McpWire::request(std::string method, base::Json params,
                                       std::chrono::milliseconds limit, base::HttpHeaders more) {
    base::Task<RpcText> asking =
        request_text(std::move(method), std::move(params), limit, std::move(more));
    const RpcText text = co_await std::move(asking);
    co_return answer_in(text);
}

RpcAnswer McpWire::answer_in(const RpcText& text) {
    RpcArrival arrival = read_rpc(text.text, text.id);
    if (!arrival.answer) throw outcome_unknown("the product answered another request than ours");
    return std::move(*arrival.answer);
}

base::Task<RpcText> McpWire::request_text(std::string method, base::Json params,
                                          std::chrono::milliseconds limit, base::HttpHeaders more) {
    const std::int64_t id = next_id_++;
    const bool opens_session = method == "initialize";
    // The token is the request's id: unique, and known where the notices come in.
    if (method == "tools/call") params["_meta"]["progressToken"] = id;
    if (stateless_) {
        add_stateless_meta(params);
        for (auto& header : stateless_headers(method, params)) more.push_back(std::move(header));
    }
    base::HttpRequest post = http_request("POST", rpc_request(id, method, params), limit);
    for (auto& header : more) post.headers.push_back(std::move(header));
    // Proxies and gateways read the trace from the header, servers from the message.
    if (const std::string trace = trace_in(params); !trace.empty()) {
        post.headers.emplace_back("traceparent", trace);
    }
    params = nullptr;  // The request holds it as text.
    Stream state{.until = loop().now() + limit,
                 .last = loop().now() + std::max(limit, options_.call_limit_max),
                 .limit = limit};
    base::Task<Reply> beginning = begin(std::move(post), opens_session);
    std::optional<Reply> reply = co_await loop().within(limit, std::move(beginning));
    if (reply && !reply->events) co_return RpcText{id, std::move(reply->text)};
    if (reply) {
        std::optional<std::string> answer =
            co_await read_stream(std::move(reply->events), id, state);
        if (answer) co_return RpcText{id, std::move(*answer)};
    }
    // Where there are no sessions, the end of the exchange has told the server.
    if (!opens_session && !stateless_) {
        co_await loop().within(cancel_limit, cancel(id));
    }
    throw outcome_unknown("the product did not answer " + method + " within " +
                          std::to_string(limit.count()) + " ms");
}

base::Task<void> McpWire::cancel(std::int64_t id) {
    base::Json params = {{"requestId", id}, {"reason", "out of time"}};
    try {
        co_await notify("notifications/cancelled", std::move(params));
    } catch (const base::Failure& failure) {
        // The caller has the outcome already; telling the server is a courtesy.
        base::log_debug("product not told of a cancelled call", {{"reason", failure.what()}});
    }
}

base::Task<std::unique_ptr<base::HttpStream>> McpWire::open_first(base::HttpRequest post) {
    base::HttpRequest again = post;
    std::unique_ptr<base::HttpStream> stream = co_await http_.open(std::move(post));
    found_ = true;
    const bool moved = stream->status() == 307 || stream->status() == 308;
    const auto next = moved ? moved_within(target_.url, stream->header("location")) : std::nullopt;
    if (!next) co_return stream;
    stream.reset();
    base::log_debug("product is at another path", {{"url", base::origin_of(*next)}});
    target_.url = again.url = *next;
    stream = co_await http_.open(std::move(again));
    co_return stream;
}

base::Task<McpWire::Reply> McpWire::begin(base::HttpRequest post, bool opens_session) {
    const bool had_session = has_session();
    base::Task<std::unique_ptr<base::HttpStream>> opening =
        found_ ? http_.open(std::move(post)) : open_first(std::move(post));
    std::unique_ptr<base::HttpStream> stream = co_await std::move(opening);
    if (stream->status() != 200) {
        const base::Failure refused = co_await refusal(std::move(stream), had_session);
        throw base::Failure{refused};
    }
    if (opens_session) keep_session(*stream);
    const std::string_view type = stream->header("content-type");
    if (is_media_type(type, "text/event-stream")) co_return Reply{{}, std::move(stream)};
    if (!is_media_type(type, "application/json")) {
        throw outcome_unknown("the product answered with the content type \"" +
                              base::cut(base::clean_utf8(type), 100) +
                              "\" instead of JSON or an event stream; check its URL");
    }
    std::string text = co_await read_body(*stream, options_.answer_bytes_max);
    co_return Reply{std::move(text), nullptr};
}

std::chrono::milliseconds McpWire::time_left(const Stream& state) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(state.until - loop().now());
    return std::max(left, std::chrono::milliseconds{0});
}

// Nothing: out of time.
base::Task<std::optional<std::string>> McpWire::read_stream(
    std::unique_ptr<base::HttpStream> stream, std::int64_t id, Stream& state) {
    // A server may let its client come again as often as it likes, as long as it says something.
    for (int fruitless = 0;;) {
        const std::string before = state.last_event_id;
        const bool answered = co_await read_events(*stream, id, state);
        if (answered) {
            co_await await_end(loop(), *stream);
            co_return std::move(state.answer);
        }
        stream.reset();
        if (time_left(state).count() == 0) co_return std::nullopt;
        // Only a session's stream with event ids can be taken up again; the deadline stays.
        fruitless = state.last_event_id == before ? fruitless + 1 : 0;
        if (stateless_ || state.last_event_id.empty() || fruitless > resumes_max) {
            throw outcome_unknown("the connection to the product was lost before the answer came");
        }
        const std::chrono::milliseconds wait =
            std::clamp(state.retry.value_or(resume_wait_default * (1 << fruitless)),
                       resume_wait_min, resume_wait_max);
        co_await loop().sleep(std::min(wait, time_left(state)));
        base::Task<std::unique_ptr<base::HttpStream>> resuming =
            resume(state.last_event_id, state.limit);
        auto resumed = co_await loop().within(time_left(state), std::move(resuming));
        if (!resumed) co_return std::nullopt;
        stream = std::move(*resumed);
    }
}

base::Task<bool> McpWire::read_events(base::HttpStream& stream, std::int64_t id, Stream& state) {
    SseReader events{options_.answer_bytes_max};
    for (;;) {
        std::optional<std::optional<std::string>> chunk;
        try {
            chunk = co_await loop().within(time_left(state), stream.next());
        } catch (const base::Failure& cut) {
            // Like an early end: read_stream() resumes it or fails.
            base::log_debug("product's stream broke", {{"reason", cut.what()}});
        }
        if (!chunk || !*chunk) co_return false;
        events.feed(**chunk);
        while (const std::optional<SseEvent> event = events.next()) {
            if (event->retry) state.retry = event->retry;
            if (!event->id.empty()) state.last_event_id = event->id;
            const bool is_message = event->name.empty() || event->name == "message";
            if (!is_message || event->data.empty()) continue;
            RpcArrival arrival = read_rpc(event->data, id);
            note(arrival, state);
            // Where there are no sessions, no server may ask; nobody could take the answer.
            if (stateless_) arrival.server_requests.clear();
            for (base::Json& server_request : arrival.server_requests) {
                if (++state.server_requests > server_requests_max) {
                    throw outcome_unknown("the product asks us without end");
                }
                co_await answer_server(std::move(server_request));
            }
            if (arrival.answer) {
                state.answer = event->data;
                co_return true;
            }
        }
    }
}

void McpWire::note(const RpcArrival& arrival, Stream& state) {
    tools_changed_ = tools_changed_ || arrival.tools_changed;
    if (arrival.progressed) state.until = std::min(loop().now() + state.limit, state.last);
}

base::Task<std::unique_ptr<base::HttpStream>> McpWire::resume(std::string last_event_id,
                                                              std::chrono::milliseconds limit) {
    base::HttpRequest request = http_request("GET", {}, limit);
    request.headers.emplace_back("last-event-id", std::move(last_event_id));
    std::unique_ptr<base::HttpStream> stream;
    try {
        stream = co_await http_.open(std::move(request));
    } catch (const base::Failure& failure) {
        throw outcome_unknown(failure.what());
    }
    if (stream->status() != 200 ||
        !is_media_type(stream->header("content-type"), "text/event-stream")) {
        throw outcome_unknown("the connection was lost and the product cannot take it up again");
    }
    co_return stream;
}

base::Task<void> McpWire::answer_server(base::Json server_request) {
    try {
        std::unique_ptr<base::HttpStream> stream = co_await http_.open(
            http_request("POST", rpc_reply_to(server_request), side_message_limit));
        if (stream->status() >= 300) {
            base::log_warning("product refused our answer", {{"status", stream->status()}});
        }
        co_await await_end(loop(), *stream);
    } catch (const base::Failure& failure) {
        // Our own request decides: it is answered, or runs out of time.
        base::log_warning("product did not take our answer", {{"reason", failure.what()}});
    }
}

base::Task<void> McpWire::notify(std::string method, base::Json params) {
    const bool had_session = has_session();
    std::unique_ptr<base::HttpStream> stream = co_await http_.open(
        http_request("POST", rpc_notification(method, params), side_message_limit));
    if (stream->status() >= 300) {
        const base::Failure refused = co_await refusal(std::move(stream), had_session);
        throw base::Failure{refused};
    }
    co_await await_end(loop(), *stream);
}

base::Task<void> McpWire::end_session() {
    std::unique_ptr<base::HttpStream> stream =
        co_await http_.open(http_request("DELETE", {}, side_message_limit));
    co_await await_end(loop(), *stream);
}

base::Task<base::Failure> McpWire::refusal(std::unique_ptr<base::HttpStream> stream,
                                           bool had_session) {
    const auto wait = demanded_wait({}, stream->header("retry-after"), loop().clock().now());
    HttpRefusal refusal{.status = stream->status(),
                        .challenge = std::string{stream->header("www-authenticate")},
                        .had_session = had_session};
    refusal.body = co_await read_error_body(loop(), *stream);
    base::Failure refused = failure_of_refusal(refusal);
    if (wait) co_return std::move(refused).retry_after(*wait);
    co_return refused;
}

base::HttpRequest McpWire::http_request(std::string method, std::string body,
                                        std::chrono::milliseconds limit) const {
    base::HttpRequest request;
    request.method = std::move(method);
    request.url = target_.url;
    request.headers = {{"accept", request.method == "GET" ? "text/event-stream"
                                                          : "application/json, text/event-stream"}};
    if (!target_.bearer.empty()) {
        request.headers.emplace_back("authorization", "Bearer " + target_.bearer.reveal());
    }
    for (const auto& header : target_.headers) request.headers.push_back(header);
    if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
    if (!target_.space_id.empty()) {
        request.headers.emplace_back("x-mana-space", target_.space_id);
    }
    if (!session_id_.empty()) request.headers.emplace_back("mcp-session-id", session_id_);
    if (!revision_.empty()) request.headers.emplace_back("mcp-protocol-version", revision_);
    request.body = std::move(body);
    // A connection that fails must be told from an answer that is late.
    request.connect_limit = std::min(mcp_connect_limit, limit / 2);
    // Whoever awaits the exchange ends it in time, and tells the server; these come after.
    request.header_limit = limit + limit_slack;
    request.idle_limit = limit + limit_slack;
    request.body_bytes_max = options_.answer_bytes_max;
    return request;
}

void McpWire::keep_session(const base::HttpStream& stream) {
    const std::string_view id = stream.header("mcp-session-id");
    const bool visible =
        std::all_of(id.begin(), id.end(), [](char each) { return each >= 0x21 && each <= 0x7E; });
    if (!visible || id.size() > session_id_bytes_max) {
        throw outcome_unknown("the product's session id is no visible ASCII text");
    }
    session_id_ = id;
}

}  // namespace clients
