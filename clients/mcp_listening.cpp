// The stream on which a server speaks without being asked: a GET within a session, a subscription
// where there are none. Opened only for servers that say they tell when their tools change.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "clients/http_body.hpp"
#include "clients/mcp_stateless.hpp"
#include "clients/mcp_wire.hpp"

namespace clients {

namespace {

constexpr std::chrono::hours listening_idle_max{1};  // Longer than any visit.
constexpr int listening_attempts_max = 20;           // Of one session.
constexpr std::chrono::milliseconds listening_wait{1'000};
constexpr int listening_doublings_max = 6;

}  // namespace

base::HttpRequest McpWire::listening_request(std::int64_t id, const std::string& last_event_id) {
    base::HttpRequest request;
    if (stateless_) {
        constexpr std::string_view method = "subscriptions/listen";
        base::Json params = {{"notifications", {{"toolsListChanged", true}}}};
        add_stateless_meta(params);
        request = http_request("POST", rpc_request(id, method, params), options_.request_limit);
        for (auto& header : stateless_headers(method, params)) {
            request.headers.push_back(std::move(header));
        }
    } else {
        request = http_request("GET", {}, options_.request_limit);
        if (!last_event_id.empty()) request.headers.emplace_back("last-event-id", last_event_id);
    }
    request.idle_limit = listening_idle_max;
    request.standing = true;
    return request;
}

// Whether it is worth another attempt when the stream has ended.
base::Task<bool> McpWire::hear(std::int64_t id, Stream& state) {
    state.server_requests = 0;
    state.until = state.last = loop().now() + listening_idle_max;
    try {
        std::unique_ptr<base::HttpStream> stream =
            co_await http_.open(listening_request(id, state.last_event_id));
        if (stream->status() != 200 ||
            !is_media_type(stream->header("content-type"), "text/event-stream")) {
            co_return false;  // There is none: what is asked is answered all the same.
        }
        co_await read_events(*stream, id, state);
    } catch (const base::Failure& failure) {
        // What it says in passing is a courtesy; the calls find out what is wrong with it.
        base::log_debug("product not heard", {{"reason", failure.what()}});
    }
    co_return true;
}

base::Task<void> McpWire::listen() {
    Stream state{.until = {}, .last = {}, .limit = listening_idle_max};
    for (int attempt = 0; attempt < listening_attempts_max; ++attempt) {
        const bool again = co_await hear(next_id_++, state);
        if (!again) co_return;
        const auto wait = listening_wait * (1 << std::min(attempt, listening_doublings_max));
        co_await loop().sleep(
            std::max<std::chrono::milliseconds>(wait, state.retry.value_or(wait)));
    }
    base::log_info("product breaks off what it says by itself, no longer listened to");
}

}  // namespace clients
