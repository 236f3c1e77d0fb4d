// Outbound HTTP: libcurl's only door. On the loop: send() for a whole answer, open() for a stream
// of chunks. On other threads: the blocking fetch(). Redirects are never followed (a token must not
// travel to another address); TLS certificates are verified. What carries the exchanges is an
// HttpTransport: libcurl over sockets, or far ends in memory when a whole run is simulated.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/loop.hpp"
#include "base/task.hpp"

namespace base {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// What a request carries. Pieces that others hold as well (a conversation's beginning, a list of
// tools) go out one after the other and are never put together.
class HttpBody {
  public:
    using Piece = std::shared_ptr<const std::string>;

    HttpBody() = default;
    HttpBody(std::string text);
    HttpBody(const char* text) : HttpBody(std::string(text)) {}
    explicit HttpBody(std::vector<Piece> pieces);

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const std::vector<Piece>& pieces() const { return pieces_; }  // None is empty.
    std::string text() const;                                     // Put together, a copy.

  private:
    std::vector<Piece> pieces_;
    std::size_t size_ = 0;
};

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    HttpHeaders headers;
    HttpBody body;
    std::chrono::milliseconds connect_limit{10'000};
    std::chrono::milliseconds header_limit{60'000};  // Until the status line has arrived.
    std::chrono::milliseconds idle_limit{90'000};    // Between two chunks of a stream.
    std::chrono::milliseconds deadline{30'000};      // Whole exchange; send() and fetch() only.
    std::size_t body_bytes_max = 16 * 1024 * 1024;   // Of the answer; past it: unavailable.
    // Waits for what may never come: takes no place among its host's connections_max, which others
    // need.
    bool standing = false;
    // Refuses every address outside of the public Internet, after names were resolved, and goes
    // through no proxy: for addresses that somebody else chose.
    bool public_only = false;
};

struct HttpResponse {
    int status = 0;
    HttpHeaders headers;
    std::string body;

    std::string_view header(std::string_view name) const;  // Any case; empty when absent.
};

// An answer that is still arriving. Dropping it closes the exchange (HTTP/1.1: the connection).
class HttpStream {
  public:
    virtual ~HttpStream() = default;
    virtual int status() const = 0;
    virtual const HttpHeaders& headers() const = 0;
    std::string_view header(std::string_view name) const;
    // The next bytes as they came, nothing at the clean end. Throws Failure::unavailable when the
    // connection broke or nothing came for idle_limit.
    virtual Task<std::optional<std::string>> next() = 0;
};

struct HttpOptions {
    int shards = 128;                // curl multi handles; a request stays on its shard.
    long idle_connections_max = 64;  // Kept for reuse per shard …
    std::chrono::seconds idle_connection_limit{30};  // … for so long.
    // Connections at once to a host, by its origin (see origin_of); requests beyond wait for their
    // turn, half of their header_limit at most ("not_sent" then). Hosts that are not named have no
    // cap.
    std::map<std::string, int, std::less<>> connections_max;
    std::string user_agent = "persona-runner/" PERSONA_RUNNER_VERSION;
};

// What carries exchanges to the far ends. Loop thread; outlives its tasks and streams. Any HTTP
// status is an answer, not a failure; Failure::unavailable means that no answer came (refused,
// reset, a limit of the request passed): its text names host and cause, never a header or a body.
// That failure's code is "not_sent" when the request certainly did not reach the server (connect
// failed), else "outcome_unknown". Dropping a task or a stream ends its exchange.
class HttpTransport {
  public:
    HttpTransport() = default;
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;
    virtual ~HttpTransport() = default;

    virtual Task<HttpResponse> send(HttpRequest request) = 0;
    // Answers when the headers have arrived. The idle limit watches every later wait.
    virtual Task<std::unique_ptr<HttpStream>> open(HttpRequest request) = 0;
    virtual std::size_t active() const = 0;  // Exchanges under way; those that wait are not.
};

// Resource of the loop thread: the transport's promises, behind the name that clients take.
class Http {
  public:
    explicit Http(Loop& loop, HttpOptions options = {});  // Over sockets.
    Http(Loop& loop, std::unique_ptr<HttpTransport> transport);
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;
    ~Http();

    Loop& loop() { return loop_; }

    Task<HttpResponse> send(HttpRequest request) { return transport_->send(std::move(request)); }
    Task<std::unique_ptr<HttpStream>> open(HttpRequest request) {
        return transport_->open(std::move(request));
    }
    std::size_t active() const { return transport_->active(); }

  private:
    Loop& loop_;
    std::unique_ptr<HttpTransport> transport_;
};

// Blocking, for inbound threads and one-shot commands. Same answers and failures as Http::send.
HttpResponse fetch(const HttpRequest& request);

// scheme://host[:port] of a URL, lower-case; throws Failure::invalid for anything but http(s).
std::string origin_of(std::string_view url);
std::string url_encode(std::string_view text);  // One path segment or query value.

}  // namespace base
