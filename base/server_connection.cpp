#include "base/server_connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace base {

namespace {

constexpr std::chrono::seconds connection_write_limit{30};  // Without any progress.
constexpr std::chrono::milliseconds connection_write_limit_at_stop{500};
constexpr std::chrono::milliseconds connection_write_slice{200};
constexpr std::chrono::milliseconds connection_linger_limit{500};
constexpr std::chrono::milliseconds connection_look_around{200};
constexpr std::chrono::milliseconds connection_patience{1000};
constexpr std::size_t connection_bytes_per_ms = 16;
constexpr std::size_t connection_linger_bytes_max = 8 * 1024 * 1024;
constexpr std::chrono::seconds connection_new_grace{
    1};  // A fresh connection is not idle before that.

Steady connection_clock() {
    return std::chrono::steady_clock::now();
}

}  // namespace

ServerConnection::ServerConnection(int socket, const std::atomic<bool>& stopping,
                                   std::function<bool()> others_wait)
    : socket_(socket), stopping_(stopping), others_wait_(std::move(others_wait)) {
    int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket_, F_SETFD, FD_CLOEXEC);
}

ServerConnection::~ServerConnection() {
    ::close(socket_);
}

bool ServerConnection::wait(short events, Steady deadline) const {
    for (;;) {
        auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - connection_clock()).count();
        pollfd entry{socket_, events, 0};
        int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<long>(left, 0, 3'600'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if (ready == 0 && left <= 0) return false;
    }
}

bool ServerConnection::read_more(Steady deadline) {
    char bytes[16 * 1024];
    for (;;) {
        ssize_t count = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(count));
            return true;
        }
        if (count < 0 && errno == EINTR) continue;
        bool again = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        // Slow is not broken: whoever is too slow can still be told so.
        if (again && wait(POLLIN, deadline)) continue;
        broken_ = broken_ || !again;
        return false;
    }
}

bool ServerConnection::is_too_slow(Steady now) const {
    const std::chrono::milliseconds allowed =
        connection_patience + std::chrono::milliseconds(received_ / connection_bytes_per_ms);
    return now - begun_ >= allowed && others_wait_();
}

bool ServerConnection::read_request(Steady deadline) {
    for (;;) {
        const Steady now = connection_clock();
        if (now >= deadline || is_too_slow(now)) return false;
        const std::size_t before = buffer_.size();
        if (read_more(std::min<Steady>(deadline, now + connection_look_around))) {
            received_ += buffer_.size() - before;
            return true;
        }
        if (broken_) return false;
    }
}

bool ServerConnection::await_request(std::chrono::milliseconds limit) {
    return !buffer_.empty() || (!broken_ && read_more(connection_clock() + limit));
}

std::optional<std::string> ServerConnection::read_head(Steady deadline, std::size_t bytes_max,
                                                       bool& too_long) {
    too_long = false;
    begun_ = connection_clock();
    received_ = buffer_.size();
    for (std::size_t seen = 0;;) {
        while (seen == 0 && buffer_.starts_with("\r\n")) buffer_.erase(0, 2);
        std::size_t end = buffer_.find("\r\n\r\n", seen > 3 ? seen - 3 : 0);
        if (end != buffer_.npos && end <= bytes_max) {
            std::string head = buffer_.substr(0, end);
            buffer_.erase(0, end + 4);
            return head;
        }
        if (buffer_.size() > bytes_max) {
            too_long = true;
            return buffer_.substr(0, bytes_max);
        }
        seen = buffer_.size();
        // A deadline that has passed ends the reading even while bytes keep dripping in.
        if (!read_request(deadline)) {
            broken_ = true;
            return std::nullopt;
        }
    }
}

std::optional<std::string> ServerConnection::read_body(std::size_t bytes, Steady deadline) {
    while (buffer_.size() < bytes) {
        if (!read_request(deadline)) return std::nullopt;
    }
    std::string body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return body;
}

bool ServerConnection::write(std::string_view bytes) {
    while (!bytes.empty() && !broken_) {
        ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            broken_ = true;
            break;
        }
        // Waits in slices, so that a stopping server does not wait for a reader that does not read.
        Steady start = connection_clock();
        while (!wait(POLLOUT, connection_clock() + connection_write_slice)) {
            auto waited = connection_clock() - start;
            if (waited < connection_write_limit &&
                (!stopping_ || waited < connection_write_limit_at_stop))
                continue;
            broken_ = true;
            break;
        }
    }
    return !broken_;
}

bool ServerConnection::peer_is_there() const {
    if (broken_) return false;
    pollfd entry{socket_, POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) == 0;
}

void ServerConnection::reset() {
    linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    broken_ = true;
}

void ServerConnection::finish_politely() {
    if (broken_ || (!has_unread_ && buffer_.empty())) return;
    if (::shutdown(socket_, SHUT_WR) != 0) return;
    Steady deadline = connection_clock() + connection_linger_limit;
    std::size_t bytes = buffer_.size();
    buffer_.clear();
    while (!stopping_ && bytes < connection_linger_bytes_max && connection_clock() < deadline &&
           read_more(deadline)) {
        bytes += buffer_.size();
        buffer_.clear();
    }
}

ServerConnections::Entry ServerConnections::add(int socket, const std::string& client,
                                                int per_client_max) {
    std::lock_guard lock(mutex_);
    if (stopping_) return Entry::stopping;
    int& count = per_client_[client];
    if (per_client_max > 0 && count >= per_client_max) return Entry::too_many;
    ++count;
    members_[socket] = Member{client, connection_clock()};
    return Entry::welcome;
}

void ServerConnections::remove(int socket) {
    std::lock_guard lock(mutex_);
    auto member = members_.find(socket);
    if (member == members_.end()) return;
    auto count = per_client_.find(member->second.client);
    if (--count->second == 0) per_client_.erase(count);
    members_.erase(member);
}

void ServerConnections::set_idle(int socket, bool idle) {
    std::lock_guard lock(mutex_);
    Member& member = members_.at(socket);
    if (!idle) member.is_new = false;
    member.idle_since = idle ? std::optional(connection_clock()) : std::nullopt;
}

void ServerConnections::cut_one_idle() {
    std::lock_guard lock(mutex_);
    Steady now = connection_clock();
    auto longest = members_.end();
    for (auto it = members_.begin(); it != members_.end(); ++it) {
        const Member& member = it->second;
        if (!member.idle_since || member.is_cut) continue;
        if (member.is_new && now - *member.idle_since < connection_new_grace) continue;
        if (longest == members_.end() || *member.idle_since < *longest->second.idle_since)
            longest = it;
    }
    if (longest == members_.end()) return;
    longest->second.is_cut = true;
    ::shutdown(longest->first, SHUT_RD);
}

void ServerConnections::stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [socket, member] : members_) ::shutdown(socket, SHUT_RD);
}

std::size_t ServerConnections::size() const {
    std::lock_guard lock(mutex_);
    return members_.size();
}

std::string peer_address(int socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    char text[INET6_ADDRSTRLEN] = {};
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "unknown";
    if (storage.ss_family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
        ::inet_ntop(AF_INET, &address, text, sizeof text);
    } else if (storage.ss_family == AF_INET6) {
        const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
        ::inet_ntop(AF_INET6, &address, text, sizeof text);
    }
    std::string_view view = text;
    if (view.starts_with("::ffff:")) view.remove_prefix(7);
    return std::string(view);
}

}  // namespace base
