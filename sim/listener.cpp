#include "sim/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"

namespace sim {

namespace {

constexpr int listener_backlog = 4096;
constexpr std::size_t listener_events_max = 1024;
constexpr std::chrono::milliseconds listener_full_pause{100};

base::Steady listener_now() {
    return std::chrono::steady_clock::now();
}

struct ListenerAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

ListenerAddress listener_resolve(const std::string& address, int port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0) {
        throw base::Failure(
            base::Failure::Kind::unavailable,
            fmt::format("sim: cannot listen on {}: {}", address, ::gai_strerror(code)));
    }
    ListenerAddress result;
    result.size = found->ai_addrlen;
    std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return result;
}

int listener_open(const ListenerOptions& options) {
    const ListenerAddress address = listener_resolve(options.address, options.port);
    const int socket =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto* const where = reinterpret_cast<const sockaddr*>(&address.storage);
    if (socket < 0 || ::bind(socket, where, address.size) != 0 ||
        ::listen(socket, listener_backlog) != 0) {
        const std::string reason = std::strerror(errno);
        if (socket >= 0) ::close(socket);
        throw base::Failure(
            base::Failure::Kind::unavailable,
            fmt::format("sim: cannot listen on {}:{}: {}", options.address, options.port, reason));
    }
    return socket;
}

int listener_port(int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size);
    if (storage.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

}  // namespace

struct Listener::State {
    State(ListenerOptions given, Connection::Ask given_ask)
        : options(std::move(given)), ask(std::move(given_ask)) {}
    ~State() {
        for (const int descriptor : {socket, epoll, wake}) {
            if (descriptor >= 0) ::close(descriptor);
        }
    }

    struct Member {
        std::unique_ptr<Connection> connection;
        std::uint32_t wishes = 0;
        std::optional<base::Steady> due;
    };

    const ListenerOptions options;
    const Connection::Ask ask;
    int socket = -1;
    int epoll = -1;
    int wake = -1;
    int port = 0;
    std::atomic<bool> stopping{false};
    std::mutex rounds_mutex;
    std::condition_variable rounds_changed;
    std::uint64_t rounds_asked = 0;
    std::uint64_t rounds_done = 0;
    bool running = false;
    std::thread thread;
    bool accepting = false;
    std::optional<base::Steady> accept_again;
    std::unordered_map<Connection*, Member> members;
    std::set<std::pair<base::Steady, Connection*>> timers;

    void watch(int descriptor, std::uint32_t events, void* about, int operation) const;
    void accept_from(bool on);
    void run();
    int timeout() const;
    void serve(std::array<epoll_event, listener_events_max>& events, std::size_t count);
    void accept_all();
    void knock() const;
    void end_round();
    void fire_timers();
    void settle(Connection& connection);
};

void Listener::State::watch(int descriptor, std::uint32_t events, void* about,
                            int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = about;
    base::require(::epoll_ctl(epoll, operation, descriptor, &event) == 0,
                  "epoll takes the sockets of the simulator");
}

void Listener::State::accept_from(bool on) {
    if (on == accepting) return;
    accepting = on;
    watch(socket, on ? static_cast<std::uint32_t>(EPOLLIN) : 0U, &socket, EPOLL_CTL_MOD);
}

int Listener::State::timeout() const {
    std::optional<base::Steady> next = accept_again;
    if (!timers.empty()) {
        next = next ? std::min(*next, timers.begin()->first) : timers.begin()->first;
    }
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - listener_now());
    return static_cast<int>(std::clamp<long>(left.count(), 0, 60'000));
}

void Listener::State::run() {
    std::array<epoll_event, listener_events_max> events;
    while (!stopping) {
        const int count = ::epoll_wait(epoll, events.data(), events.size(), timeout());
        base::require(count >= 0 || errno == EINTR, "epoll waits for the simulator");
        serve(events, static_cast<std::size_t>(std::max(count, 0)));
        fire_timers();
        end_round();
    }
    timers.clear();
    members.clear();
    const std::lock_guard lock(rounds_mutex);
    running = false;
    rounds_changed.notify_all();
}

void Listener::State::knock() const {
    const std::uint64_t one = 1;
    // Only a full counter could refuse it, and that wakes the thread as well.
    [[maybe_unused]] const ssize_t written = ::write(wake, &one, sizeof one);
}

void Listener::State::end_round() {
    std::uint64_t count = 0;
    if (::read(wake, &count, sizeof count) < 0) return;  // Nobody knocked.
    const std::lock_guard lock(rounds_mutex);
    rounds_done = rounds_asked;
    rounds_changed.notify_all();
}

// Who has left is seen first: a client that leaves one connection and asks again on another is
// never taken for two.
void Listener::State::serve(std::array<epoll_event, listener_events_max>& events,
                            std::size_t count) {
    const base::Steady now = listener_now();
    std::vector<Connection*> rest;
    for (std::size_t at = 0; at < count; ++at) {
        if (events[at].data.ptr == &socket || events[at].data.ptr == &wake) continue;
        auto* const connection = static_cast<Connection*>(events[at].data.ptr);
        constexpr auto left = static_cast<std::uint32_t>(EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        if (connection->answering() && (events[at].events & left) != 0) {
            connection->on_hang_up();
            settle(*connection);
        } else {
            rest.push_back(connection);
        }
    }
    for (Connection* connection : rest) {
        if (connection->answering()) {
            connection->on_writable(now);
        } else {
            connection->on_readable(now);
        }
        settle(*connection);
    }
    for (std::size_t at = 0; at < count; ++at) {
        if (events[at].data.ptr == &socket) accept_all();
    }
}

void Listener::State::accept_all() {
    while (accepting) {
        const int client = ::accept4(socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (client < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (client < 0) {
            base::log_warning("sim cannot accept", {{"reason", std::strerror(errno)}});
            accept_from(false);
            accept_again = listener_now() + listener_full_pause;
            return;
        }
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto connection = std::make_unique<Connection>(client, options.limits, ask, listener_now());
        Connection& one = *connection;
        const std::uint32_t wishes = one.wishes();
        watch(client, wishes, &one, EPOLL_CTL_ADD);
        members.emplace(&one, Member{std::move(connection), wishes, {}});
        settle(one);
        if (members.size() >= options.connections_max) {
            accept_from(false);
            accept_again = listener_now() + listener_full_pause;
        }
    }
}

void Listener::State::fire_timers() {
    const base::Steady now = listener_now();
    while (!timers.empty() && timers.begin()->first <= now) {
        Connection& connection = *timers.begin()->second;
        connection.on_time(now);
        settle(connection);
    }
    if (accept_again && *accept_again <= now && members.size() < options.connections_max) {
        accept_again.reset();
        accept_from(true);
    } else if (accept_again && *accept_again <= now) {
        accept_again = now + listener_full_pause;
    }
}

// Brings epoll and timers up to what the connection waits for; ends it when it is gone.
void Listener::State::settle(Connection& connection) {
    Member& member = members.at(&connection);
    if (member.due != connection.due()) {
        if (member.due) timers.erase({*member.due, &connection});
        member.due = connection.due();
        if (member.due) timers.insert({*member.due, &connection});
    }
    if (connection.gone()) {
        // Said to epoll, too: while a program is being started, the child holds a copy of the
        // socket, and closing ours alone would leave it watched, for a connection that is no more.
        watch(connection.socket(), 0, nullptr, EPOLL_CTL_DEL);
        members.erase(&connection);
        return;
    }
    if (member.wishes == connection.wishes()) return;
    member.wishes = connection.wishes();
    watch(connection.socket(), member.wishes, &connection, EPOLL_CTL_MOD);
}

Listener::Listener(ListenerOptions options, Connection::Ask ask)
    : state_(std::make_unique<State>(std::move(options), std::move(ask))) {}

Listener::~Listener() {
    stop();
}

void Listener::start() {
    State& state = *state_;
    state.socket = listener_open(state.options);
    state.port = listener_port(state.socket);
    state.epoll = ::epoll_create1(EPOLL_CLOEXEC);
    state.wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    base::require(state.epoll >= 0 && state.wake >= 0, "the system has descriptors left");
    state.watch(state.wake, EPOLLIN, &state.wake, EPOLL_CTL_ADD);
    state.watch(state.socket, EPOLLIN, &state.socket, EPOLL_CTL_ADD);
    state.accepting = true;
    state.running = true;
    state.thread = std::thread([&state] { state.run(); });
}

void Listener::stop() {
    State& state = *state_;
    if (!state.thread.joinable()) return;
    state.stopping = true;
    state.knock();
    state.thread.join();
    ::close(state.socket);
    state.socket = -1;
}

void Listener::catch_up() {
    State& state = *state_;
    std::unique_lock lock(state.rounds_mutex);
    if (!state.running) return;
    const std::uint64_t round = ++state.rounds_asked;
    state.knock();
    state.rounds_changed.wait(lock, [&] { return !state.running || state.rounds_done >= round; });
}

int Listener::port() const {
    return state_->port;
}

std::string Listener::url() const {
    const std::string& address = state_->options.address;
    const bool six = address.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}", six ? "[" : "", address, six ? "]" : "", state_->port);
}

void Listener::pause_accepting(std::chrono::milliseconds span) {
    state_->accept_from(false);
    const base::Steady until = listener_now() + span;
    if (!state_->accept_again || *state_->accept_again < until) state_->accept_again = until;
}

}  // namespace sim
