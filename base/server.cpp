// The listener over cpp-httplib. The library accepts connections and writes answers; what a
// stranger sends is read by ServerConnection and parse_server_head, because the library's own
// reading has no deadline for a whole request, lets chunked bodies past the limit, unpacks
// compressed bodies without one, decodes escapes in header values and runs regular expressions over
// what was sent.
#include "base/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/failure.hpp"
#include "base/listening.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/server_answers.hpp"
#include "base/server_connection.hpp"
#include "base/server_failures.hpp"
#include "base/server_head.hpp"
#include "base/server_router.hpp"
#include "base/server_threads.hpp"

namespace base {

namespace {

constexpr std::size_t server_waiting_max = 1024;
constexpr int server_backlog = 4096;
constexpr std::chrono::milliseconds server_pressed_keep_alive{1000};

// Gives the library a head that is already checked, and gathers its small writes.
class ServerStream final : public httplib::Stream {
  public:
    ServerStream(ServerConnection& connection, std::string head)
        : connection_(connection), head_(std::move(head)) {}

    bool is_readable() const override { return !head_.empty(); }
    bool is_writable() const override { return !connection_.broken(); }
    ssize_t read(char* bytes, std::size_t size) override {
        std::size_t count = head_.copy(bytes, size);
        head_.erase(0, count);
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* bytes, std::size_t size) override {
        gathered_.append(bytes, size);
        if ((direct_ || gathered_.size() > 64 * 1024) && !flush()) return -1;
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& ip, int& port) const override {
        ip.clear();
        port = 0;
    }
    void get_local_ip_and_port(std::string& ip, int& port) const override {
        ip.clear();
        port = 0;
    }
    socket_t socket() const override { return connection_.socket(); }

    void write_directly() { direct_ = true; }
    bool flush() {
        std::string bytes = std::exchange(gathered_, {});
        return connection_.write(bytes);
    }

  private:
    ServerConnection& connection_;
    std::string head_;
    std::string gathered_;
    bool direct_ = false;
};

class ServerSinkWriter final : public StreamWriter {
  public:
    ServerSinkWriter(httplib::DataSink& sink, ServerConnection& connection,
                     const std::atomic<bool>& stopping)
        : sink_(sink), connection_(connection), stopping_(stopping) {}

    bool write(std::string_view bytes) override {
        if (is_reset_ || connection_.broken()) return false;
        // An empty chunk would be read as the end of the answer.
        return bytes.empty() || sink_.write(bytes.data(), bytes.size());
    }
    bool open() const override { return !is_reset_ && !stopping_ && connection_.peer_is_there(); }
    void reset() override {
        is_reset_ = true;
        connection_.reset();
    }

  private:
    httplib::DataSink& sink_;
    ServerConnection& connection_;
    const std::atomic<bool>& stopping_;
    bool is_reset_ = false;
};

// The request that this thread is answering; the library's handler finds it here.
thread_local ServerExchange* server_exchange = nullptr;
thread_local ServerStream* server_stream = nullptr;
thread_local bool server_refuses = false;  // The job at hand found no room in the line.

class ServerQueue final : public httplib::TaskQueue {
  public:
    ServerQueue(ServerThreads& threads, ServerConnections& connections)
        : threads_(threads), connections_(connections) {}

    void enqueue(std::function<void()> job) override {
        ServerThreads::Taken taken = threads_.take(job);
        if (taken != ServerThreads::Taken::served) connections_.cut_one_idle();
        if (taken != ServerThreads::Taken::full) return;
        // The job alone knows its socket: it runs here, refusing and closing at once.
        server_refuses = true;
        job();
        server_refuses = false;
    }
    void shutdown() override { threads_.shutdown(); }

  private:
    ServerThreads& threads_;
    ServerConnections& connections_;
};

}  // namespace

struct Server::State final : httplib::Server {
    explicit State(ServerOptions given)
        : options(std::move(given)),
          threads(static_cast<std::size_t>(options.threads_max), server_waiting_max) {}

    bool process_and_close_socket(socket_t socket) override;
    void serve(ServerConnection& connection, const std::string& client);
    bool serve_one(ServerConnection& connection, const std::string& client);
    void copy(ServerResponse response, ServerExchange& exchange, httplib::Response& out);
    void set_up();

    ServerOptions options;
    ServerAnswers answers{options};

    std::atomic<bool> stopping{false};
    ServerConnections connections;
    ServerThreads threads;
    std::thread listener;
    int listening_socket = -1;
    int port = 0;
    bool started = false;
};

void Server::State::set_up() {
    set_tcp_nodelay(true);
    // Without SO_REUSEPORT: a second daemon on the port must fail instead of stealing requests.
    set_socket_options([this](socket_t socket) {
        int on = 1;
        ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::fcntl(socket, F_SETFD, FD_CLOEXEC);
        listening_socket = socket;
    });
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& out) {
        copy(answers.answer(*server_exchange), *server_exchange, out);
        return HandlerResponse::Handled;
    });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& out) {
        out.headers.erase("Keep-Alive");
        out.headers.erase("Accept-Ranges");
        out.headers.erase("Connection");
        if (server_exchange->close) out.set_header("Connection", "close");
        if (out.status == 204 || out.status == 304) out.headers.erase("Content-Length");
    });
    new_task_queue = [this] { return new ServerQueue(threads, connections); };
}

bool Server::State::process_and_close_socket(socket_t socket) {
    ServerConnection connection(socket, stopping, [this] { return threads.waiting() > 0; });
    std::string client = peer_address(socket);
    auto entry = server_refuses
                     ? ServerConnections::Entry::too_many
                     : connections.add(socket, client, options.connections_per_client_max);
    if (entry == ServerConnections::Entry::stopping) return true;
    if (entry == ServerConnections::Entry::too_many) {
        log_warning("connection refused", {{"server", options.name}, {"client", client}});
        connection.write(
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
            "Content-Type: application/json\r\nContent-Length: 32\r\n\r\n"
            "{\"error\":\"too many connections\"}");
        connection.leave_unread();
        // The accepting thread has no time for manners.
        if (!server_refuses) connection.finish_politely();
        return true;
    }
    Gauge* open = nullptr;
    if (options.metrics)
        open = &options.metrics->gauge("http_connections", "Open connections.",
                                       {{"server", options.name}});
    if (open) open->add(1);
    try {
        serve(connection, client);
    } catch (const std::exception& error) {
        // One connection ends; the listener and the others go on.
        log_error("connection failed", {{"server", options.name}, {"reason", error.what()}});
    }
    if (open) open->add(-1);
    connections.remove(socket);
    return true;
}

void Server::State::serve(ServerConnection& connection, const std::string& client) {
    for (;;) {
        bool is_pressed = threads.waiting() > 0;
        connections.set_idle(connection.socket(), true);
        auto limit =
            is_pressed ? server_pressed_keep_alive : std::chrono::milliseconds(options.keep_alive);
        if (!connection.await_request(limit)) return;
        connections.set_idle(connection.socket(), false);
        if (!serve_one(connection, client)) break;
    }
    connection.finish_politely();
}

bool Server::State::serve_one(ServerConnection& connection, const std::string& client) {
    Steady begun = std::chrono::steady_clock::now();
    bool too_long = false;
    auto text = connection.read_head(begun + options.request_deadline, head_bytes_max, too_long);
    if (!text) return false;
    ServerHead head = parse_server_head(*text, options.header_count_max, options.body_bytes_max);
    if (too_long && head.refused == 0) {
        head.refused = 431;
        head.refusal = "request head: at most 65536 bytes";
    }
    head.request.remote_address = client;
    ServerExchange exchange{connection, head, begun, head.close || too_long};
    // The library answers HEAD without a body; any other word makes no difference to it.
    std::string shown = head.request.method == "HEAD" ? "HEAD" : "GET";
    ServerStream stream(connection, shown + " / HTTP/1.1\r\n\r\n");
    server_exchange = &exchange;
    server_stream = &stream;
    bool closed = false;
    process_request(stream, exchange.close, closed, nullptr);
    server_exchange = nullptr;
    server_stream = nullptr;
    stream.flush();
    return !exchange.close && !connection.broken() && !stopping;
}

void Server::State::copy(ServerResponse response, ServerExchange& exchange,
                         httplib::Response& out) {
    out.status = response.status;
    for (auto& [name, value] : response.headers) out.headers.emplace(name, std::move(value));
    bool is_empty = response.status == 204 || response.status == 304;
    if (!response.content_type.empty() && !is_empty)
        out.set_header("Content-Type", response.content_type);
    if (!response.stream || exchange.head.request.method == "HEAD") {
        if (!is_empty && !response.stream) out.body = std::move(response.body);
        return;
    }
    auto provide = [this, &exchange, write = std::move(response.stream)](std::size_t,
                                                                         httplib::DataSink& sink) {
        server_stream->write_directly();
        if (!server_stream->flush()) return false;
        ServerSinkWriter writer(sink, exchange.connection, stopping);
        try {
            write(writer);
        } catch (...) {
            // The status line is gone: the only honest answer left is a cut.
            failure_of(std::current_exception(), options.name, exchange.head.request);
            exchange.connection.reset();
        }
        if (exchange.connection.broken()) return false;
        sink.done();
        return true;
    };
    std::string type = out.get_header_value("Content-Type");
    out.headers.erase("Content-Type");
    out.set_chunked_content_provider(type.empty() ? "application/octet-stream" : type,
                                     std::move(provide));
}

Server::Server(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {
    state_->set_up();
}

Server::~Server() {
    stop();
}

void Server::route(std::string_view method, std::string_view pattern, Handler handler) {
    require(!state_->started, "routes are added before start()");
    state_->answers.router.add(method, pattern, std::move(handler));
}

void Server::before(std::function<std::optional<ServerResponse>(const ServerRequest&)> check) {
    state_->answers.checks.push_back(std::move(check));
}

void Server::after(std::function<void(const ServerRequest&, ServerResponse&)> finish) {
    state_->answers.finishers.push_back(std::move(finish));
}

void Server::print_failures(FailurePrinter print) {
    state_->answers.printer = std::move(print);
}

void Server::start() {
    State& state = *state_;
    require(!state.started, "a server starts once");
    const ServerOptions& options = state.options;
    errno = 0;
    state.port = options.port;
    if (options.port == 0)
        state.port = state.bind_to_any_port(options.address);
    else if (!state.bind_to_port(options.address, options.port))
        state.port = -1;
    if (state.port <= 0) throw listen_failure(options.address, options.port, errno);
    // The library listens with a backlog of 5; a second call only raises it.
    ::listen(state.listening_socket, server_backlog);
    state.started = true;
    state.listener = std::thread([&state] { state.listen_after_bind(); });
    while (!state.is_running()) std::this_thread::yield();
    log_info("listening", {{"server", options.name}, {"url", url()}});
}

void Server::stop() {
    State& state = *state_;
    if (!state.started || !state.listener.joinable()) return;
    state.stopping = true;
    state.connections.stop();
    state.httplib::Server::stop();
    state.listener.join();
}

int Server::port() const {
    return state_->port;
}

std::string Server::url() const {
    const std::string& address = state_->options.address;
    std::string host = address.find(':') == address.npos ? address : "[" + address + "]";
    return "http://" + host + ":" + std::to_string(state_->port);
}

}  // namespace base
