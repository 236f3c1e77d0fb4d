#include "base/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/log.hpp"

namespace base {

namespace {

// The number of a variable, when the whole of it is one.
std::optional<std::int64_t> notify_number(const char* name) {
    const char* text = std::getenv(name);
    if (!text) return std::nullopt;
    std::int64_t number = 0;
    const char* end = text + std::strlen(text);
    auto [stop, error] = std::from_chars(text, end, number);
    if (error != std::errc() || stop != end) return std::nullopt;
    return number;
}

// The protocol is lines: a line break in a status would start a message of its own.
std::string notify_line(std::string_view status) {
    std::string line(status);
    std::ranges::replace(line, '\n', ' ');
    return line;
}

}  // namespace

Notify::Notify() {
    const char* address = std::getenv("NOTIFY_SOCKET");
    if (!address || (*address != '/' && *address != '@')) return;
    if (std::strlen(address) >= sizeof(sockaddr_un::sun_path)) {
        log_warning("service manager not told", {{"reason", "NOTIFY_SOCKET is too long"}});
        return;
    }
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) {
        log_warning("service manager not told", {{"reason", std::strerror(errno)}});
        return;
    }
    address_ = address;
    auto process = notify_number("WATCHDOG_PID");
    auto microseconds = notify_number("WATCHDOG_USEC");
    // WATCHDOG_PID says whom the watchdog means; it may be a parent of ours.
    if (microseconds && *microseconds > 0 && process.value_or(::getpid()) == ::getpid())
        interval_ = std::chrono::milliseconds(std::max<std::int64_t>(1, *microseconds / 2000));
}

Notify::~Notify() {
    if (socket_ >= 0) ::close(socket_);
}

void Notify::ready(std::string_view status) {
    send("READY=1\nSTATUS=" + notify_line(status));
}

void Notify::status(std::string_view status) {
    send("STATUS=" + notify_line(status));
}

void Notify::stopping(std::string_view status) {
    send("STOPPING=1\nSTATUS=" + notify_line(status));
}

void Notify::still_stopping(std::string_view status, std::chrono::seconds more) {
    const auto microseconds = std::chrono::microseconds(more).count();
    send("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds) + "\nSTATUS=" + notify_line(status));
}

void Notify::watchdog() {
    send("WATCHDOG=1");
}

void Notify::send(const std::string& message) const {
    if (socket_ < 0) return;
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    std::memcpy(target.sun_path, address_.data(), address_.size());
    // '@' stands for the NUL that begins an abstract address; such an address has no end mark.
    bool is_abstract = address_[0] == '@';
    if (is_abstract) target.sun_path[0] = '\0';
    auto size = offsetof(sockaddr_un, sun_path) + address_.size() + (is_abstract ? 0 : 1);
    ssize_t sent =
        ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&target), static_cast<socklen_t>(size));
    // Said once: the watchdog alone would repeat it for ever.
    if (sent < 0 && !refused_.exchange(true))
        log_warning("service manager not told", {{"reason", std::strerror(errno)}});
}

}  // namespace base
