#include <chrono>

#include <curl/curl.h>

#include "base/http.hpp"
#include "base/http_exchange.hpp"

namespace base {

namespace {

// libcurl's connections of this thread, kept for its next call.
class FetchConnections {
  public:
    FetchConnections() : multi_(curl_multi_init()) {
        require(multi_ != nullptr, "libcurl has no memory for a multi handle");
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 4L);
    }
    FetchConnections(const FetchConnections&) = delete;
    FetchConnections& operator=(const FetchConnections&) = delete;
    ~FetchConnections() { curl_multi_cleanup(multi_); }

    CURLM* get() const { return multi_; }

  private:
    CURLM* multi_;
};

// Takes the handle out of the multi on every way out of fetch().
struct FetchMembership {
    CURLM* multi;
    CURL* easy;
    FetchMembership(CURLM* the_multi, CURL* the_easy) : multi(the_multi), easy(the_easy) {
        const CURLMcode code = curl_multi_add_handle(multi, easy);
        if (code != CURLM_OK) throw Failure(Failure::Kind::internal, curl_multi_strerror(code));
    }
    FetchMembership(const FetchMembership&) = delete;
    FetchMembership& operator=(const FetchMembership&) = delete;
    ~FetchMembership() { curl_multi_remove_handle(multi, easy); }
};

using FetchTime = std::chrono::steady_clock::time_point;

void fetch_conclude(CURLM* multi, http_detail::Exchange& exchange) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg == CURLMSG_DONE) exchange.conclude(message->data.result);
    }
}

}  // namespace

HttpResponse fetch(const HttpRequest& request) {
    http_detail::initialise_curl();
    thread_local const FetchConnections connections;
    const FetchTime begin = std::chrono::steady_clock::now();
    const FetchTime deadline = begin + request.deadline;
    const FetchTime header_deadline = begin + request.header_limit;

    http_detail::Exchange exchange(request, HttpOptions{}.user_agent, /*streaming=*/false);
    const FetchMembership membership(connections.get(), static_cast<CURL*>(exchange.easy));
    while (!exchange.done) {
        int running = 0;
        const CURLMcode code = curl_multi_perform(connections.get(), &running);
        if (code != CURLM_OK) throw Failure(Failure::Kind::internal, curl_multi_strerror(code));
        fetch_conclude(connections.get(), exchange);
        if (exchange.done) break;

        const FetchTime now = std::chrono::steady_clock::now();
        if (now >= deadline) throw exchange.failure("the deadline passed");
        if (!exchange.headers_done && now >= header_deadline) {
            throw exchange.failure("no headers came in time");
        }
        const FetchTime next =
            exchange.headers_done ? deadline : std::min(deadline, header_deadline);
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now);
        const int limit = static_cast<int>(std::min<std::int64_t>(wait.count(), 1'000));
        const CURLMcode polled = curl_multi_poll(connections.get(), nullptr, 0, limit, nullptr);
        if (polled != CURLM_OK) throw Failure(Failure::Kind::internal, curl_multi_strerror(polled));
    }
    if (!exchange.cause.empty()) throw exchange.failure(exchange.cause);
    return {exchange.status, std::move(exchange.headers), std::move(exchange.buffer)};
}

}  // namespace base
