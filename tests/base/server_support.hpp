// A client that sends raw bytes to a base::Server, and the small handlers its tests share.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/server.hpp"

namespace server_tests {

using base::Server;
using base::ServerRequest;
using base::ServerResponse;
using namespace std::chrono_literals;

inline std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

// A client that sends exactly the bytes it is told.
class Caller {
  public:
    explicit Caller(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() { ::close(socket_); }

    bool connected() const { return connected_; }
    void half_close() { ::shutdown(socket_, SHUT_WR); }
    bool send(const std::string& bytes) {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    // Received text until `end` is in it, the server closes, or the limit has passed.
    std::string until(const std::string& end, std::chrono::milliseconds limit = 10s) {
        auto deadline = now() + limit;
        while (text_.find(end) == std::string::npos) {
            auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now());
            pollfd entry{socket_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
            char bytes[4096];
            ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
            if (count <= 0) {
                closed_ = true;
                was_reset_ = count < 0 && errno == ECONNRESET;
                break;
            }
            text_.append(bytes, static_cast<std::size_t>(count));
        }
        return text_;
    }
    std::string until_closed(std::chrono::milliseconds limit = 10s) {
        return until("\x01 never sent \x01", limit);
    }
    bool closed() const { return closed_; }
    bool was_reset() const { return was_reset_; }
    void forget() { text_.clear(); }

  private:
    int socket_;
    bool connected_ = false;
    bool closed_ = false;
    bool was_reset_ = false;
    std::string text_;
};

inline std::string get(const std::string& path, const std::string& more = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

// One request on a connection of its own.
inline std::string answer(const Server& server, const std::string& request) {
    Caller caller(server.port());
    caller.send(request);
    caller.half_close();
    return caller.until_closed();
}

inline ServerResponse hello(const ServerRequest&) {
    return ServerResponse::text("hello");
}

inline ServerResponse length_of_body(const ServerRequest& request) {
    return ServerResponse::text(std::to_string(request.body.size()));
}

class ServerWire : public testing::Test {
  protected:
    void SetUp() override { base::set_log_level(base::LogLevel::off); }
    void TearDown() override { base::set_log_level(base::LogLevel::info); }
};

}  // namespace server_tests
