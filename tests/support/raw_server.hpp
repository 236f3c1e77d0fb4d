// A server that says, byte for byte, what the test tells it to: for cut streams, bad framing and
// other things that no proper server does.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tests {

// One accepted connection as the test's script sees it. Every wait ends when the server stops.
class RawConnection {
  public:
    RawConnection(int fd, const std::atomic<bool>& ending, int number)
        : number(number), fd_(fd), ending_(ending) {}
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;
    ~RawConnection() { close(); }

    // Head and body of the next request; empty when the client is gone.
    std::string read_request() {
        while (true) {
            const std::size_t head = input_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t whole = head + 4 + body_size(input_.substr(0, head));
                if (input_.size() >= whole) {
                    const std::string request = input_.substr(0, whole);
                    input_.erase(0, whole);
                    return request;
                }
            }
            if (!read_more()) return {};
        }
    }

    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            pollfd ready{.fd = fd_, .events = POLLOUT};
            if (ending_ || fd_ < 0) return false;
            if (::poll(&ready, 1, 20) == 0) continue;
            const ssize_t sent =
                ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno != EAGAIN) return false;
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
                written_ += static_cast<std::size_t>(sent);
            }
        }
        return true;
    }
    void answer(std::string_view body, std::string_view extra = {}) {
        write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
              std::string(extra) + "\r\n" + std::string(body));
    }
    // Until the client closes; false when the server stopped first.
    bool await_close() {
        while (read_more()) {
        }
        return !ending_;
    }
    // Until the test says so.
    void await(const std::atomic<bool>& flag) const {
        while (!flag && !ending_) std::this_thread::yield();
    }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }
    std::size_t written() const { return written_; }

    const int number;  // Of the connection, from 1.

  private:
    static std::size_t body_size(const std::string& head) {
        const std::size_t at = head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    }
    bool read_more() {
        char bytes[16 * 1024];
        while (!ending_ && fd_ >= 0) {
            pollfd ready{.fd = fd_, .events = POLLIN};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
            if (count <= 0) return false;
            input_.append(bytes, static_cast<std::size_t>(count));
            return true;
        }
        return false;
    }

    int fd_;
    const std::atomic<bool>& ending_;
    std::string input_;
    std::size_t written_ = 0;
};

using RawScript = std::function<void(RawConnection&)>;

// A server that says exactly what the test tells it to, one thread per connection.
class RawServer {
  public:
    explicit RawServer(RawScript script) : script_(std::move(script)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, plain, size) != 0 || ::listen(listener_, 1024) != 0 ||
            ::getsockname(listener_, plain, &size) != 0) {
            throw std::runtime_error("the raw server cannot listen");
        }
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    ~RawServer() {
        ending_ = true;
        acceptor_.join();
        for (std::thread& thread : threads_) thread.join();
        ::close(listener_);
    }

    std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }
    int connections() const { return connections_; }

  private:
    void accept_all() {
        while (!ending_) {
            pollfd ready{.fd = listener_, .events = POLLIN};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            const int number = ++connections_;
            threads_.emplace_back([this, fd, number] {
                RawConnection connection(fd, ending_, number);
                script_(connection);
            });
        }
    }

    RawScript script_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> ending_{false};
    std::atomic<int> connections_{0};
    std::thread acceptor_;
    std::vector<std::thread> threads_;
};

}  // namespace tests
