// One accepted socket, and the book of all of them. Every wait has an end; reading never blocks
// longer than the request's deadline. While others wait for a place, a request must arrive at 16 KB
// a second after its first one, so nobody holds a thread by sending slowly.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace base {

// Resource of the connection's thread; owns the socket.
class ServerConnection {
  public:
    // `others_wait`: for a place; asked now and then while a request arrives.
    ServerConnection(int socket, const std::atomic<bool>& stopping,
                     std::function<bool()> others_wait);
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;
    ~ServerConnection();

    int socket() const { return socket_; }
    bool broken() const { return broken_; }

    // Until the next request begins to arrive; false: nothing came in time, or the peer is gone.
    bool await_request(std::chrono::milliseconds limit);
    // The head without its blank line; nothing when it did not come whole before the deadline. A
    // head longer than `bytes_max` is answered cut, which no parser accepts as whole: see
    // `too_long`.
    std::optional<std::string> read_head(Steady deadline, std::size_t bytes_max, bool& too_long);
    std::optional<std::string> read_body(std::size_t bytes, Steady deadline);

    bool write(std::string_view bytes);  // All of it, or broken.
    bool peer_is_there() const;
    void reset();  // The peer sees a cut connection (RST), not an end.
    // The request was refused before it was read whole.
    void leave_unread() { has_unread_ = true; }
    // Ends our side and reads away for a moment what the peer of a refused request still sends:
    // closing with unread bytes would destroy the answer on its way.
    void finish_politely();

  private:
    bool wait(short events, Steady deadline) const;
    bool read_more(Steady deadline);
    bool read_request(Steady deadline);  // Not while it is too slow for those who wait.
    bool is_too_slow(Steady now) const;

    const int socket_;
    const std::atomic<bool>& stopping_;
    const std::function<bool()> others_wait_;
    Steady begun_{};            // Of the request that arrives, or the last one.
    std::size_t received_ = 0;  // Of it.
    std::string buffer_;        // Received, not yet consumed.
    bool broken_ = false;
    bool has_unread_ = false;
};

// The open connections of one server. Any thread.
class ServerConnections {
  public:
    // False: the server is stopping or the client has `per_client_max` connections (0: no cap).
    enum class Entry { welcome, too_many, stopping };
    Entry add(int socket, const std::string& client, int per_client_max);
    void remove(int socket);

    void set_idle(int socket, bool idle);
    // Ends the reading side of the longest idle connection, so that its thread becomes free.
    void cut_one_idle();
    void stop();  // Ends every reading side and welcomes nobody any more.
    std::size_t size() const;

  private:
    struct Member {
        std::string client;
        std::optional<Steady> idle_since;
        bool is_new = true;  // Has not sent a request yet.
        bool is_cut = false;
    };
    mutable std::mutex mutex_;
    std::map<int, Member> members_;
    std::map<std::string, int> per_client_;
    bool stopping_ = false;
};

std::string peer_address(int socket);  // "127.0.0.1"; IPv4 in IPv6 clothes is undressed.

}  // namespace base
