// The far ends of the benchmark in a process of their own: one event-driven HTTP/1.1 server on
// three ports (auth, product, model), so that neither the runner nor the reader pays for them.
//
//   far_end TOOLS_JSON      prints "AUTH_PORT MCP_PORT CLAUDE_PORT" and serves until stdin ends
//
//   POST /bench/start?visits=N&pacing_us=N&think_us=N&lengths=SEED&record=0|1
//                                 offers N visits to claim; a stream's events begin after think_us
//                                 and come pacing_us apart, each by the visit's length (0: at once)
//   POST /bench/offer?visits=N    N more
//   GET  /bench/recorded          the requests of the recorded visit
//   GET  /bench/exchanges         how many exchanges of visits there were
//   GET  /bench/connections       most connections at once since the start: auth, product, model
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <queue>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>

#include "tests/bench/far_end_answers.hpp"

namespace bench {

namespace {

using Steady = std::chrono::steady_clock;

struct Connection {
    int fd = -1;
    std::uint64_t serial = 0;  // Tells it from another one on the same descriptor.
    int port = 0;              // 0 auth, 1 product, 2 model.
    std::string in;
    std::string out;
    std::size_t written = 0;
    const std::vector<std::string>* events = nullptr;  // Of the stream that is going out.
    std::size_t next_event = 0;
    double length = 1;  // Of the visit whose stream it is.
};

struct Due {
    Steady::time_point when;
    int fd;
    std::uint64_t serial;
    bool operator>(const Due& other) const { return when > other.when; }
};

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

long value_of(std::string_view query, std::string_view name) {
    const std::size_t at = query.find(name);
    if (at == query.npos) return 0;
    long value = 0;
    std::from_chars(query.data() + at + name.size(), query.data() + query.size(), value);
    return value;
}

class Server {
  public:
    explicit Server(const std::string& tools_json)
        : answers_(tools_json), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0) give_up("epoll_create1");
        for (std::size_t i = 0; i < ports_.size(); ++i) listen_on(i);
        watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
        std::printf("%d %d %d\n", ports_[0], ports_[1], ports_[2]);
        std::fflush(stdout);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void run();

  private:
    void listen_on(std::size_t index);
    void watch(int fd, std::uint32_t events, int operation) const;
    void accept_all(std::size_t index);
    void read_from(Connection& connection);
    bool take_request(Connection& connection);
    void serve(Connection& connection, const Request& request);
    Answer bench(const Request& request);
    void stream_on(Connection& connection);
    void later(const Connection& connection, std::chrono::microseconds span);
    bool write_out(Connection& connection);  // False: it is closed.
    void close(Connection& connection);
    int wait_time() const;
    void fire_due();

    Answers answers_;
    int epoll_;
    std::array<int, 3> listeners_{};
    std::array<int, 3> ports_{};
    std::unordered_map<int, std::unique_ptr<Connection>> connections_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::uint64_t next_serial_ = 1;
    std::chrono::microseconds pacing_{0}, think_{0};
    std::array<long, 3> open_{}, most_open_{};  // Connections by port.
    bool recording_ = false;
    std::string recorded_;
    long exchanges_ = 0;
};

void Server::listen_on(std::size_t index) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(fd, 4'096) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        give_up("listen");
    }
    listeners_[index] = fd;
    ports_[index] = ntohs(address.sin_port);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
}

void Server::watch(int fd, std::uint32_t events, int operation) const {
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, operation, fd, &event) != 0) give_up("epoll_ctl");
}

void Server::accept_all(std::size_t index) {
    for (;;) {
        const int fd = ::accept4(listeners_[index], nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto connection = std::make_unique<Connection>();
        connection->fd = fd;
        connection->serial = next_serial_++;
        connection->port = static_cast<int>(index);
        connections_[fd] = std::move(connection);
        most_open_[index] = std::max(most_open_[index], ++open_[index]);
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

void Server::close(Connection& connection) {
    --open_[static_cast<std::size_t>(connection.port)];
    ::close(connection.fd);
    connections_.erase(connection.fd);
}

void Server::read_from(Connection& connection) {
    std::array<char, 65'536> bytes;
    for (;;) {
        const ssize_t count = ::read(connection.fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0) return close(connection);
        connection.in.append(bytes.data(), static_cast<std::size_t>(count));
        if (static_cast<std::size_t>(count) < bytes.size()) break;
    }
    while (connection.events == nullptr && take_request(connection)) {
    }
    write_out(connection);
}

bool Server::take_request(Connection& connection) {
    const std::string_view in = connection.in;
    const std::size_t end = in.find("\r\n\r\n");
    if (end == in.npos) return false;
    const std::string_view head = in.substr(0, end + 2);
    std::size_t body_bytes = 0;
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
        if (const long value = value_of(head, name); value > 0) {
            body_bytes = static_cast<std::size_t>(value);
        }
    }
    if (in.size() < end + 4 + body_bytes) return false;
    Request request;
    request.head = head;
    request.body = in.substr(end + 4, body_bytes);
    const std::size_t blank = head.find(' ');
    request.method = head.substr(0, blank);
    request.path = head.substr(blank + 1, head.find(' ', blank + 1) - blank - 1);
    serve(connection, request);
    connection.in.erase(0, end + 4 + body_bytes);
    return true;
}

Answer Server::bench(const Request& request) {
    if (request.path.starts_with("/bench/start")) {
        answers_.offer_visits(static_cast<int>(value_of(request.path, "visits=")));
        pacing_ = std::chrono::microseconds{value_of(request.path, "pacing_us=")};
        think_ = std::chrono::microseconds{value_of(request.path, "think_us=")};
        answers_.mix_lengths(value_of(request.path, "lengths="));
        most_open_ = open_;
        recording_ = value_of(request.path, "record=") != 0;
        if (recording_) recorded_.clear();
        exchanges_ = 0;
        return {.body = "{}"};
    }
    if (request.path.starts_with("/bench/offer")) {
        answers_.offer_visits(static_cast<int>(value_of(request.path, "visits=")));
        return {.body = "{}"};
    }
    if (request.path == "/bench/connections") {
        return {.body = fmt::format("{} {} {}", most_open_[0], most_open_[1], most_open_[2])};
    }
    if (request.path == "/bench/recorded") return {.body = recorded_};
    return {.body = std::to_string(exchanges_)};
}

void Server::serve(Connection& connection, const Request& request) {
    const Answer answer =
        request.path.starts_with("/bench/") ? bench(request) : answers_.answer(request);
    if (Answers::belongs_to_a_visit(request)) {
        ++exchanges_;
        // What was refused is no part of a visit: the runner asks a server once for its era.
        if (recording_ && answer.status < 300) {
            recorded_ += fmt::format("{} {} {}\n{}{}", connection.port, request.head.size(),
                                     request.body.size(), request.head, request.body);
        }
    }
    connection.out += fmt::format("HTTP/1.1 {} OK\r\n{}", answer.status, answer.headers);
    if (answer.events != nullptr) {
        connection.out +=
            "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
            "request-id: req_011CBench0000000000000000\r\nTransfer-Encoding: chunked\r\n\r\n";
        connection.events = answer.events;
        connection.next_event = 0;
        connection.length = answer.length;
        if (think_.count() == 0) return stream_on(connection);
        return later(connection, think_);
    }
    if (answer.body.empty()) {
        connection.out += answer.status == 204 ? "\r\n" : "Content-Length: 0\r\n\r\n";
        return;
    }
    connection.out += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                                  answer.body.size());
    connection.out += answer.body;
}

void Server::later(const Connection& connection, std::chrono::microseconds span) {
    const auto wait = std::chrono::duration_cast<Steady::duration>(span * connection.length);
    due_.push({Steady::now() + wait, connection.fd, connection.serial});
}

// One event a chunk, at once or one per pacing interval, as a model's API sends them.
void Server::stream_on(Connection& connection) {
    const std::vector<std::string>& events = *connection.events;
    do {
        const std::string& event = events[connection.next_event++];
        connection.out += fmt::format("{:x}\r\n{}\r\n", event.size(), event);
    } while (pacing_.count() == 0 && connection.next_event < events.size());
    if (connection.next_event < events.size()) {
        return later(connection, pacing_);
    }
    connection.out += "0\r\n\r\n";
    connection.events = nullptr;
}

bool Server::write_out(Connection& connection) {
    while (connection.written < connection.out.size()) {
        const ssize_t count = ::send(connection.fd, connection.out.data() + connection.written,
                                     connection.out.size() - connection.written, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            watch(connection.fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (count < 0) {
            close(connection);
            return false;
        }
        connection.written += static_cast<std::size_t>(count);
    }
    connection.out.clear();
    connection.written = 0;
    return true;
}

int Server::wait_time() const {
    if (due_.empty()) return -1;
    const auto left = due_.top().when - Steady::now();
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::max<long>(0, rounded));
}

void Server::fire_due() {
    const Steady::time_point now = Steady::now();
    while (!due_.empty() && due_.top().when <= now) {
        const Due due = due_.top();
        due_.pop();
        const auto place = connections_.find(due.fd);
        if (place == connections_.end() || place->second->serial != due.serial) continue;
        Connection& connection = *place->second;
        if (connection.events != nullptr) stream_on(connection);
        write_out(connection);
    }
}

void Server::run() {
    std::array<epoll_event, 512> events;
    for (;;) {
        const int count = ::epoll_wait(epoll_, events.data(), events.size(), wait_time());
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == STDIN_FILENO) return;  // Whoever started us is gone.
            for (std::size_t index = 0; index < listeners_.size(); ++index) {
                if (fd == listeners_[index]) accept_all(index);
            }
            const auto place = connections_.find(fd);
            if (place == connections_.end()) continue;
            const std::uint32_t bits = events[static_cast<std::size_t>(i)].events;
            if ((bits & EPOLLOUT) != 0) {
                watch(fd, EPOLLIN, EPOLL_CTL_MOD);
                if (!write_out(*place->second)) continue;
            }
            if ((bits & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_from(*place->second);
        }
        fire_due();
    }
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: bench_far_end TOOLS_JSON\n", stderr);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    std::ifstream in(argv[1]);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || text.str().empty()) {
        std::fprintf(stderr, "bench_far_end: cannot read %s\n", argv[1]);
        return 1;
    }
    bench::Server server(text.str());
    server.run();
    return 0;
}
