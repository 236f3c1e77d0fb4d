// The service manager's end of NOTIFY_SOCKET: what a daemon or base::Notify tells it.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>

namespace test_support {

class ServiceManager {
  public:
    // '@' at the start asks for an abstract address.
    explicit ServiceManager(const std::string& address)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        std::memcpy(own.sun_path, address.data(), address.size());
        if (address[0] == '@') own.sun_path[0] = '\0';
        auto size = offsetof(sockaddr_un, sun_path) + address.size() + (address[0] == '@' ? 0 : 1);
        bound_ =
            ::bind(socket_, reinterpret_cast<sockaddr*>(&own), static_cast<socklen_t>(size)) == 0;
    }
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;
    ~ServiceManager() { ::close(socket_); }

    bool bound() const { return bound_; }
    std::string next(std::chrono::milliseconds limit = std::chrono::seconds{5}) {
        pollfd entry{socket_, POLLIN, 0};
        if (::poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return "nothing came";
        char bytes[512];
        ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
        return std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    // The first message that holds `text`; nothing when none came for `limit`.
    std::optional<std::string> await(const std::string& text, std::chrono::seconds limit) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (std::chrono::steady_clock::now() < until) {
            std::string message = next();
            if (message.find(text) != std::string::npos) return message;
        }
        return std::nullopt;
    }

  private:
    int socket_;
    bool bound_ = false;
};

}  // namespace test_support
