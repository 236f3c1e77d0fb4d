#include "sim/proxy.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/loop.hpp"

namespace sim {

namespace {

using base::Failure;

constexpr int proxy_backlog = 1024;
constexpr int proxy_accepts_max = 64;  // In one go.

struct ProxyAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* plain() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

ProxyAddress proxy_resolve(const std::string& name, int port) {
    ProxyAddress address;
    if (name.starts_with('/')) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        if (name.size() >= sizeof local.sun_path) {
            throw Failure(Failure::Kind::invalid,
                          fmt::format("proxy: the socket's path {} is too long", name));
        }
        std::memcpy(local.sun_path, name.c_str(), name.size() + 1);
        std::memcpy(&address.storage, &local, sizeof local);
        address.size = sizeof local;
        return address;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0) {
        throw Failure(Failure::Kind::invalid, fmt::format("proxy: nobody knows the host {}: {}",
                                                          name, ::gai_strerror(code)));
    }
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return address;
}

int proxy_socket(const ProxyAddress& address) {
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    // A unix socket has no such option and needs none.
    if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int proxy_listen(const ProxyOptions& options, int port) {
    const ProxyAddress address = proxy_resolve(options.address, port);
    const int fd = proxy_socket(address);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || ::bind(fd, address.plain(), address.size) != 0 ||
        ::listen(fd, proxy_backlog) != 0) {
        const std::string reason = std::strerror(errno);
        if (fd >= 0) ::close(fd);
        throw Failure(Failure::Kind::unavailable,
                      fmt::format("proxy {}: cannot listen on {}:{}: {}", options.name,
                                  options.address, port, reason));
    }
    return fd;
}

int proxy_port(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    return ntohs(storage.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

}  // namespace

// All of it belongs to the loop's thread while that runs; others come in by post().
struct Proxy::State {
    explicit State(const ProxyOptions& given)
        : options(given), target(proxy_resolve(given.target, given.target_port)) {}

    base::Task<void> run();
    void listen(bool on);
    void accept_some();
    void connect(int client);
    void apply(const ProxyFault& next);
    // On the loop's thread; returns when it is done.
    template <class Work>
    void there(Work work);

    const ProxyOptions options;
    const ProxyAddress target;
    base::SystemClock clock;
    base::Loop loop{clock};
    base::Waiter changed{loop};
    ProxyFault fault;
    ProxyFigures figures;
    std::vector<std::unique_ptr<ProxyLink>> links;
    int listener = -1;
    int port = 0;
    bool stopping = false;
    std::thread thread;
};

template <class Work>
void Proxy::State::there(Work work) {
    if (!thread.joinable()) return work();
    std::promise<void> done;
    loop.post([&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

void Proxy::State::listen(bool on) {
    if (on == (listener >= 0)) return;
    if (!on) {
        loop.unwatch(listener);
        ::close(std::exchange(listener, -1));
        return;
    }
    listener = proxy_listen(options, port);
    port = proxy_port(listener);
    loop.watch(listener, EPOLLIN, [this](std::uint32_t) { accept_some(); });
}

void Proxy::State::accept_some() {
    for (int i = 0; i < proxy_accepts_max; ++i) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) return;  // None left, or it has left again; the next one wakes us.
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connect(client);
    }
}

void Proxy::State::connect(int client) {
    const int fd = proxy_socket(target);
    if (fd >= 0 && (::connect(fd, target.plain(), target.size) == 0 || errno == EINPROGRESS)) {
        links.push_back(std::make_unique<ProxyLink>(loop, client, fd, fault, figures, changed));
        return;
    }
    if (fd >= 0) ::close(fd);
    ++figures.accepted;
    ++figures.unreached;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(client);
}

void Proxy::State::apply(const ProxyFault& next) {
    fault = next;
    const bool refuses = fault.kind == ProxyFault::Kind::refuse;
    const bool cuts_now = fault.kind == ProxyFault::Kind::cut && !fault.bytes;
    listen(!refuses);
    for (const auto& link : links) {
        if (refuses || cuts_now) {
            link->reset();
        } else {
            link->fault_changed();
        }
    }
    if (cuts_now) fault = {};  // Done; later connections pass.
    changed.wake();
}

// Sends what has waited long enough and buries the dead; everything else happens in callbacks.
base::Task<void> Proxy::State::run() {
    while (!stopping) {
        std::optional<base::Steady> earliest;
        for (const auto& link : links) {
            const auto due = link->due();
            if (due && *due <= loop.now()) link->pump_due();
            const auto next = link->due();
            if (next && (!earliest || *next < *earliest)) earliest = next;
        }
        std::erase_if(links, [](const auto& link) { return link->is_gone(); });
        if (earliest) changed.wake_at(*earliest);
        co_await changed;
    }
    listen(false);
    links.clear();
}

Proxy::Proxy(ProxyOptions options) : options_(std::move(options)) {}

Proxy::~Proxy() {
    stop();
}

void Proxy::start() {
    base::require(!state_, "a proxy is started once");
    auto state = std::make_unique<State>(options_);
    state->port = options_.port;
    state->listen(true);
    state->thread = std::thread([raw = state.get()] { raw->loop.run(raw->run()); });
    state_ = std::move(state);
}

void Proxy::stop() {
    if (!state_) return;
    state_->there([this] {
        state_->stopping = true;
        state_->changed.wake();
    });
    state_->thread.join();
    state_.reset();
}

int Proxy::port() const {
    return state_ ? state_->port : options_.port;
}

void Proxy::set_fault(const ProxyFault& fault) {
    base::require(state_ != nullptr, "a proxy misbehaves while it runs");
    std::optional<Failure> refused;
    state_->there([&] {
        try {
            state_->apply(fault);
        } catch (const Failure& failure) {
            // Somebody took the port while it was refused; the asker is told, on her own thread.
            refused = failure;
        }
    });
    if (refused) throw *refused;
}

ProxyFault Proxy::fault() const {
    ProxyFault fault;
    if (state_) state_->there([&] { fault = state_->fault; });
    return fault;
}

ProxyFigures Proxy::figures() const {
    ProxyFigures figures;
    if (state_) state_->there([&] { figures = state_->figures; });
    return figures;
}

Proxies::Proxies(const std::vector<ProxyOptions>& options) {
    for (const ProxyOptions& one : options) {
        for (const auto& known : proxies_) {
            if (known->options().name != one.name) continue;
            throw Failure(Failure::Kind::invalid,
                          fmt::format("proxy: the name {} is given twice", one.name));
        }
        proxies_.push_back(std::make_unique<Proxy>(one));
    }
}

void Proxies::start() {
    for (const auto& proxy : proxies_) proxy->start();
}

void Proxies::stop() {
    for (const auto& proxy : proxies_) proxy->stop();
}

Proxy& Proxies::at(std::string_view name) {
    std::string known;
    for (const auto& proxy : proxies_) {
        if (proxy->options().name == name) return *proxy;
        known += (known.empty() ? "" : ", ") + proxy->options().name;
    }
    throw Failure(
        Failure::Kind::missing,
        fmt::format("there is no proxy of that name; there {}",
                    known.empty() ? "is none: start the simulator with --proxy" : "are: " + known));
}

base::Json Proxies::describe(const Proxy& proxy) const {
    const ProxyOptions& options = proxy.options();
    const ProxyFigures figures = proxy.figures();
    const bool local = options.target_port == 0;
    return {{"name", options.name},
            {"port", proxy.port()},
            {"target",
             local ? options.target : fmt::format("{}:{}", options.target, options.target_port)},
            {"fault", to_text(proxy.fault())},
            {"accepted", figures.accepted},
            {"open", figures.open},
            {"reset", figures.reset},
            {"unreached", figures.unreached},
            {"bytesUp", figures.bytes_up},
            {"bytesDown", figures.bytes_down}};
}

base::ServerResponse Proxies::answer(const base::ServerRequest& request) {
    constexpr std::string_view root = "/sim/proxies";
    std::string_view rest = std::string_view(request.path).substr(root.size());
    if (rest.empty() && request.method == "GET") {
        base::Json list = base::Json::array();
        for (const auto& proxy : proxies_) list.push_back(describe(*proxy));
        return base::ServerResponse::json({{"proxies", std::move(list)}});
    }
    if (!rest.starts_with('/') || (request.method != "POST" && request.method != "DELETE")) {
        throw Failure(Failure::Kind::missing, "no such path or method");
    }
    rest.remove_prefix(1);
    Proxy& proxy = at(rest);
    ProxyFault fault;
    if (request.method == "POST") {
        const base::Json body = request.json();
        const base::Fields fields(body);
        static constexpr std::array<std::string_view, 1> known{"fault"};
        fields.only(known);
        fault = parse_proxy_fault(fields.text("fault", 1, 200));
    }
    proxy.set_fault(fault);
    return base::ServerResponse::json(describe(proxy));
}

}  // namespace sim
