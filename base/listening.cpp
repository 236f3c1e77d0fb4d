#include "base/listening.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace base {

namespace {

std::string listening_advice(int error) {
    switch (error) {
        case EADDRINUSE: return "stop what holds it or choose another port";
        case EACCES:
            return "ports below 1024 need CAP_NET_BIND_SERVICE; give that or choose a higher port";
        case EADDRNOTAVAIL: return "choose an address that this machine has";
        default: return "choose another address or port";
    }
}

}  // namespace

Failure listen_failure(const std::string& address, int port, int error) {
    return {Failure::Kind::unavailable,
            fmt::format("cannot listen on {}:{} ({}): {}", address, port,
                        error != 0 ? std::strerror(error) : "address not usable",
                        listening_advice(error))};
}

void require_free_port(const std::string& address, int port) {
    if (port == 0) return;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        throw listen_failure(address, port, 0);
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
    const int socket = ::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    if (socket < 0) throw listen_failure(address, port, errno);
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool listens =
        ::bind(socket, found->ai_addr, found->ai_addrlen) == 0 && ::listen(socket, 1) == 0;
    const int error = errno;
    ::close(socket);
    if (!listens) throw listen_failure(address, port, error);
}

}  // namespace base
