#include "clients/mcp_wire.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "clients/http_body.hpp"
#include "clients/retry.hpp"
#include "clients/sse.hpp"

namespace clients {

namespace {

constexpr int server_requests_max = 100;  // Within one of our requests.
constexpr int resumes_max = 5;
constexpr std::chrono::milliseconds resume_wait_default{1'000};
constexpr std::chrono::milliseconds resume_wait_max{30'000};
constexpr std::chrono::milliseconds side_message_limit{5'000};
constexpr std::chrono::milliseconds cancel_limit{1'000};
constexpr std::chrono::milliseconds limit_slack{1'000};
constexpr std::chrono::milliseconds mcp_connect_limit{5'000};
constexpr std::size_t session_id_bytes_max = 1'024;
constexpr std::size_t mcp_reason_bytes_max = 300;

base::Failure outcome_unknown(const std::string& what) {
    return base::Failure{base::Failure::Kind::unavailable, what, std::string{mcp_outcome_unknown}};
}

// The trace context that a request carries in its `_meta`; empty when it has none.
std::string trace_in(const base::Json& params) {
    const auto meta = params.find("_meta");
    return meta == params.end() ? std::string() : meta->value("traceparent", "");
}

struct RefusalWords {
    std::string text;  // For people.
    std::int64_t rpc_code = 0;
};

RefusalWords words_of_refusal(const std::string& body) {
    RefusalWords words{.text = body};
    const std::optional<base::Json> json = base::try_parse_json(body);
    if (!json || !json->is_object()) return words;
    const auto error = json->find("error");
    const base::Json& said = error != json->end() && error->is_object() ? *error : *json;
    if (const auto code = said.find("code"); code != said.end() && code->is_number_integer()) {
        words.rpc_code = code->get<std::int64_t>();
    }
    for (const char* name : {"message", "error"}) {
        const auto member = said.find(name);
        if (member != said.end() && member->is_string()) {
            words.text = member->get<std::string>();
            break;
        }
    }
    return words;
}

bool speaks_of_session(const RefusalWords& words) {
    return words.rpc_code == -32000 || words.rpc_code == -32001 ||
           base::lower_ascii(words.text).find("session") != std::string::npos;
}

}  // namespace

struct McpWire::Stream {
    std::string last_event_id;
    std::optional<std::chrono::milliseconds> retry;
    int server_requests = 0;
    std::string answer;  // The event that has it.
};

McpWire::McpWire(base::Http& http, const McpOptions& options, McpTarget target)
    : http_(http), options_(options), target_(std::move(target)) {}

void McpWire::forget_session() {
    session_id_.clear();
    revision_.clear();
}

base::Task<RpcAnswer> McpWire::request(std::string method, base::Json params,
                                       std::chrono::milliseconds limit) {
    base::Task<RpcText> asking = request_text(std::move(method), std::move(params), limit);
    const RpcText text = co_await std::move(asking);
    co_return answer_in(text);
}

RpcAnswer McpWire::answer_in(const RpcText& text) {
    RpcArrival arrival = read_rpc(text.text, text.id);
    if (!arrival.answer) throw outcome_unknown("the product answered another request than ours");
    return std::move(*arrival.answer);
}

base::Task<RpcText> McpWire::request_text(std::string method, base::Json params,
                                          std::chrono::milliseconds limit) {
    const std::int64_t id = next_id_++;
    const bool opens_session = method == "initialize";
    base::HttpRequest post = http_request("POST", rpc_request(id, method, params), limit);
    // Proxies and gateways read the trace from the header, servers from the message.
    if (const std::string trace = trace_in(params); !trace.empty()) {
        post.headers.emplace_back("traceparent", trace);
    }
    base::Task<std::string> exchanging = exchange(id, std::move(post), limit, opens_session);
    std::optional<std::string> answer = co_await loop().within(limit, std::move(exchanging));
    if (answer) co_return RpcText{id, std::move(*answer)};
    if (!opens_session) {
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

base::Task<std::string> McpWire::exchange(std::int64_t id, base::HttpRequest post,
                                          std::chrono::milliseconds limit, bool opens_session) {
    const bool had_session = has_session();
    std::unique_ptr<base::HttpStream> stream = co_await http_.open(std::move(post));
    const std::string type{stream->header("content-type")};
    if (stream->status() != 200) {
        const base::Failure refused = co_await refusal(std::move(stream), had_session);
        throw base::Failure{refused};
    }
    if (opens_session) keep_session(*stream);
    if (is_media_type(type, "text/event-stream")) {
        std::string answer = co_await read_stream(std::move(stream), id, limit);
        co_return answer;
    }
    if (!is_media_type(type, "application/json")) {
        throw outcome_unknown("the product answered with the content type \"" +
                              base::cut(base::clean_utf8(type), 100) +
                              "\" instead of JSON or an event stream; check its URL");
    }
    std::string text = co_await read_body(*stream, options_.answer_bytes_max);
    co_return text;
}

base::Task<std::string> McpWire::read_stream(std::unique_ptr<base::HttpStream> stream,
                                             std::int64_t id, std::chrono::milliseconds limit) {
    Stream state;
    for (int resumes = 0;; ++resumes) {
        const bool answered = co_await read_events(*stream, id, state);
        if (answered) {
            co_await await_end(loop(), *stream);
            co_return std::move(state.answer);
        }
        stream.reset();
        // Only a stream with event ids can be taken up again; the deadline is the caller's.
        if (state.last_event_id.empty() || resumes >= resumes_max) {
            throw outcome_unknown("the connection to the product was lost before the answer came");
        }
        const std::chrono::milliseconds wait =
            std::min(state.retry.value_or(resume_wait_default * (1 << resumes)), resume_wait_max);
        co_await loop().sleep(wait);
        stream = co_await resume(state.last_event_id, limit);
    }
}

base::Task<bool> McpWire::read_events(base::HttpStream& stream, std::int64_t id, Stream& state) {
    SseReader events{options_.answer_bytes_max};
    for (;;) {
        std::optional<std::string> chunk;
        try {
            chunk = co_await stream.next();
        } catch (const base::Failure& cut) {
            // Like an early end: read_stream() resumes it or fails.
            base::log_debug("product's stream broke", {{"reason", cut.what()}});
        }
        if (!chunk) co_return false;
        events.feed(*chunk);
        while (const std::optional<SseEvent> event = events.next()) {
            if (event->retry) state.retry = event->retry;
            if (!event->id.empty()) state.last_event_id = event->id;
            const bool is_message = event->name.empty() || event->name == "message";
            if (!is_message || event->data.empty()) continue;
            RpcArrival arrival = read_rpc(event->data, id);
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
    using Kind = base::Failure::Kind;
    const int status = stream->status();
    const auto wait = demanded_wait({}, stream->header("retry-after"), loop().clock().now());
    const std::string challenge{stream->header("www-authenticate")};
    const std::string body = co_await read_error_body(loop(), *stream);
    RefusalWords words = words_of_refusal(body);
    if (status == 401 || status == 403) words.text += challenge.empty() ? "" : " " + challenge;
    std::string reason = "the product answered " + std::to_string(status);
    const std::string said = base::clean_utf8(base::trim(words.text));
    if (!said.empty()) reason += ": " + base::cut(said, mcp_reason_bytes_max);

    std::string code{mcp_refused};
    Kind kind = base::kind_of_status(status);
    if (status == 404 && had_session) code = mcp_session_lost;
    if (status == 400 && had_session && speaks_of_session(words)) code = mcp_session_lost;
    // A gateway may say 502 or 504 about a request that the product has run.
    if (status >= 500 && status != 503) code = mcp_outcome_unknown;
    if (status < 300) {
        code = mcp_outcome_unknown;
        kind = Kind::unavailable;
        reason += "; an answer was due";
    } else if (status < 400) {
        kind = Kind::invalid;
        reason += "; redirects are not followed, configure the product's final URL";
    }
    base::Failure refused{kind, reason, code};
    if (wait) co_return std::move(refused).retry_after(*wait).status(status);
    co_return std::move(refused).status(status);
}

base::HttpRequest McpWire::http_request(std::string method, std::string body,
                                        std::chrono::milliseconds limit) const {
    base::HttpRequest request;
    request.method = std::move(method);
    request.url = target_.url;
    request.headers = {{"accept", request.method == "GET" ? "text/event-stream"
                                                          : "application/json, text/event-stream"},
                       {"authorization", "Bearer " + target_.bearer.reveal()}};
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
