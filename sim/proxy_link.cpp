#include "sim/proxy_link.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sim {

namespace {

using Kind = ProxyFault::Kind;

constexpr std::size_t link_queue_bytes_max = std::size_t{4} * 1024 * 1024;
constexpr std::size_t link_read_bytes = std::size_t{64} * 1024;
constexpr char link_top_bit = static_cast<char>(0x80);

void link_reset_at_close(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

ProxyLink::ProxyLink(base::Loop& loop, int client, int target, const ProxyFault& fault,
                     ProxyFigures& figures, base::Waiter& changed)
    : loop_(loop),
      fault_(fault),
      figures_(figures),
      changed_(changed),
      client_(client),
      target_(target) {
    ++figures_.accepted;
    ++figures_.open;
    watch();
}

ProxyLink::~ProxyLink() {
    close(true);
}

void ProxyLink::close(bool with_reset) {
    if (is_gone()) return;
    for (int* fd : {&client_, &target_}) {
        loop_.unwatch(*fd);
        if (with_reset) link_reset_at_close(*fd);
        ::close(std::exchange(*fd, -1));
    }
    --figures_.open;
    changed_.wake();
}

void ProxyLink::reset() {
    if (!is_gone()) ++figures_.reset;
    close(true);
}

bool ProxyLink::is_frozen(const Pipe& pipe) const {
    return fault_.kind == Kind::half_open && fault_.strikes(pipe.way);
}

void ProxyLink::fault_changed() {
    up_.passed = down_.passed = 0;
    pump_due();
}

void ProxyLink::pump_due() {
    for (Pipe* pipe : {&up_, &down_}) {
        if (!is_gone()) pump(*pipe);
    }
    watch();
}

std::optional<base::Steady> ProxyLink::due() const {
    std::optional<base::Steady> earliest;
    for (const Pipe* pipe : {&up_, &down_}) {
        if (is_gone() || pipe->queue.empty() || pipe->blocked || is_frozen(*pipe)) continue;
        const base::Steady due = pipe->queue.front().due;
        if (!earliest || due < *earliest) earliest = due;
    }
    return earliest;
}

// What leaves now is settled here; `cut` is looked at when the queue is empty.
void ProxyLink::strike(Pipe& pipe, std::string& bytes) const {
    if (!fault_.strikes(pipe.way)) return;
    if (fault_.kind == Kind::garble) {
        for (std::size_t at = fault_.every - 1 - pipe.passed % fault_.every; at < bytes.size();
             at += fault_.every) {
            bytes[at] = static_cast<char>(bytes[at] ^ link_top_bit);
        }
    }
    if (fault_.kind == Kind::cut && fault_.bytes && pipe.passed + bytes.size() >= *fault_.bytes) {
        bytes.resize(*fault_.bytes - std::min(*fault_.bytes, pipe.passed));
        pipe.cut = true;
    }
}

void ProxyLink::read(Pipe& pipe) {
    std::string bytes(link_read_bytes, '\0');
    const ssize_t count = ::recv(from(pipe), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) close(true);
        return;
    }
    bytes.resize(static_cast<std::size_t>(count));
    if (bytes.empty()) {
        pipe.ended = true;
    } else {
        const std::size_t size = bytes.size();
        (&pipe == &up_ ? figures_.bytes_up : figures_.bytes_down) += size;
        strike(pipe, bytes);
        pipe.passed += size;
        const bool waits = fault_.kind == Kind::delay && fault_.strikes(pipe.way);
        base::Steady due = loop_.now() + (waits ? fault_.delay : std::chrono::milliseconds{0});
        // A rule that changed must not let later bytes overtake earlier ones.
        if (!pipe.queue.empty()) due = std::max(due, pipe.queue.back().due);
        pipe.queued += bytes.size();
        if (!bytes.empty()) pipe.queue.push_back({std::move(bytes), due});
    }
    pump(pipe);
}

// false: the receiver takes no more at the moment, or is gone.
bool ProxyLink::send_front(Pipe& pipe) {
    const Chunk& chunk = pipe.queue.front();
    const ssize_t count = ::send(to(pipe), chunk.bytes.data() + pipe.sent,
                                 chunk.bytes.size() - pipe.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) {
        if (errno == EINTR) return true;
        pipe.blocked = errno == EAGAIN;
        if (!pipe.blocked) close(true);
        return false;
    }
    pipe.sent += static_cast<std::size_t>(count);
    pipe.queued -= static_cast<std::size_t>(count);
    if (pipe.sent == chunk.bytes.size()) {
        pipe.queue.pop_front();
        pipe.sent = 0;
    }
    return true;
}

void ProxyLink::pump(Pipe& pipe) {
    if (is_frozen(pipe) || (&pipe == &up_ && connecting_)) return;
    pipe.blocked = false;
    while (!pipe.queue.empty() && pipe.queue.front().due <= loop_.now()) {
        if (!send_front(pipe)) return;
    }
    if (!pipe.queue.empty()) return changed_.wake();
    if (pipe.cut) return reset();
    if (pipe.ended && !std::exchange(pipe.told, true)) ::shutdown(to(pipe), SHUT_WR);
    if (up_.told && down_.told) close(false);
}

void ProxyLink::ready(bool from_client, std::uint32_t events) {
    if (!from_client && connecting_) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(target_, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            ++figures_.unreached;
            return close(true);
        }
        connecting_ = false;
    }
    Pipe& outgoing = from_client ? up_ : down_;
    if ((events & EPOLLIN) != 0) {
        read(outgoing);
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        if (outgoing.queue.empty()) return close(true);
        // Gone, but what it said still waits: hear no more of it.
        loop_.unwatch(from(outgoing));
    }
    pump_due();
}

void ProxyLink::watch() {
    watch_one(true);
    watch_one(false);
}

void ProxyLink::watch_one(bool client_side) {
    if (is_gone()) return;
    const Pipe& outgoing = client_side ? up_ : down_;
    const Pipe& incoming = client_side ? down_ : up_;
    const bool reads = !outgoing.ended && !outgoing.cut && !is_frozen(outgoing) &&
                       outgoing.queued < link_queue_bytes_max;
    const bool writes = incoming.blocked || (!client_side && connecting_);
    const std::uint32_t mask = (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
    std::optional<std::uint32_t>& known = client_side ? client_mask_ : target_mask_;
    if (known == mask) return;
    known = mask;
    loop_.watch(client_side ? client_ : target_, mask,
                [this, client_side](std::uint32_t events) { ready(client_side, events); });
}

}  // namespace sim
