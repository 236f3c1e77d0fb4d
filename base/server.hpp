// Inbound HTTP: cpp-httplib's only door, with its traps closed. One Server is one listener with its
// own threads; handlers block. Limits on everything: body, headers, connections per client, time
// per request. Chunked request bodies are refused (411): they would bypass the body limit.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"

namespace base {

class Failure;
class Metrics;

struct ServerRequest {
    std::string method;
    std::string path;    // Decoded, without query.
    std::string target;  // As sent.
    std::string body;
    std::string remote_address;  // Of the socket; forwarded headers are the handler's business.
    std::multimap<std::string, std::string> headers;  // Names in lower case.
    std::multimap<std::string, std::string> query;    // Decoded.
    std::map<std::string, std::string, std::less<>>
        params;  // ":name" segments of the route, decoded.

    std::string_view header(std::string_view name) const;  // Any case; empty when absent.
    bool has_header(std::string_view name) const;
    std::optional<std::string> query_value(std::string_view name) const;  // The first one.
    // Throws Failure::invalid when the query has a parameter that is not listed, or one twice.
    void only_query(std::span<const std::string_view> names) const;
    const std::string& param(std::string_view name) const;
    std::optional<std::string> cookie(std::string_view name) const;  // Raw value, not decoded.
    // All of one name, in order: pages of neighbouring hosts may have set more than one.
    std::vector<std::string> cookies(std::string_view name) const;
    Json json() const;  // Body as JSON; Failure::invalid naming the fault. Empty body: invalid.
};

// Writes an answer piece by piece on the connection's thread.
class StreamWriter {
  public:
    virtual ~StreamWriter() = default;
    virtual bool write(std::string_view bytes) = 0;  // false: the client is gone, stop.
    virtual bool open() const = 0;                   // false: client gone or server stopping.
    virtual void reset() = 0;  // Cuts the connection without a proper end (fault injection).
};

struct ServerResponse {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";  // Empty: no such header (e.g. 202, 204).
    std::vector<std::pair<std::string, std::string>> headers;  // May repeat (Set-Cookie).
    // When set, body is ignored: the function writes the answer and returns at its end.
    std::function<void(StreamWriter&)> stream;

    static ServerResponse json(const Json& value, int status = 200);
    static ServerResponse text(std::string text, int status = 200);
};

using Handler = std::function<ServerResponse(const ServerRequest&)>;

struct ServerOptions {
    std::string name;  // In logs and metrics, e.g. "auth".
    std::string address = "127.0.0.1";
    int port = 0;                        // 0: any free one, see port().
    int threads_max = 64;                // = connections served at once; started as needed.
    int connections_per_client_max = 0;  // 0: no cap. Past it: 503 and close.
    std::size_t body_bytes_max = 1024 * 1024;
    std::size_t header_count_max = 100;
    std::chrono::seconds request_deadline{30};  // To receive one request; slow-loris ends here.
    std::chrono::seconds keep_alive{5};
    Metrics* metrics = nullptr;
};

// Resource. Routes are added before start(); handlers run on the server's threads.
class Server {
  public:
    explicit Server(ServerOptions options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();  // stop()

    // `pattern`: "/api/v1/personas/:id/actions"; a last segment "*" takes the rest. Literal
    // segments win over ":name", both over "*". Unknown path: 404; known path, other method: 405
    // with Allow, also when a "*" would take the method. HEAD = GET.
    void route(std::string_view method, std::string_view pattern, Handler handler);

    // Runs before the route of every request; an answer ends the request there.
    void before(std::function<std::optional<ServerResponse>(const ServerRequest&)> check);
    // Runs on every answer (CORS, X-Request-Id), also on 404 and failures.
    void after(std::function<void(const ServerRequest&, ServerResponse&)> finish);
    // How a Failure, a 404/405 and an unexpected exception are printed; default {"error":reason}.
    void print_failures(std::function<ServerResponse(const ServerRequest&, const Failure&)> print);

    // Binds (Failure::unavailable naming address and port when taken) and serves in the background.
    void start();
    // Ends listening, cuts idle connections, waits for running handlers. Twice is harmless.
    void stop();

    int port() const;
    std::string url() const;  // "http://127.0.0.1:3001"

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace base
