// One client of a proxy and its connection to the target: bytes wait in two pipes, on which the
// proxy's fault works.
//
//   client ═► up: read, struck, waits until due, sent ═► target
//   client ◄═ down ◄════════════════════════════════════ target
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/loop.hpp"
#include "sim/proxy_fault.hpp"

namespace sim {

// What a proxy counts since its start.
struct ProxyFigures {
    std::uint64_t accepted = 0, open = 0;
    std::uint64_t reset = 0;      // Connections that a fault ended.
    std::uint64_t unreached = 0;  // Connections whose target could not be reached.
    std::uint64_t bytes_up = 0, bytes_down = 0;

    bool operator==(const ProxyFigures&) const = default;
};

// Resource of the proxy's loop thread. Owns both sockets, which do not block.
class ProxyLink {
  public:
    // `fault`, `figures` and `changed` are the proxy's; `changed` is woken when there is a new time
    // to wait for or nothing left of the link.
    ProxyLink(base::Loop& loop, int client, int target, const ProxyFault& fault,
              ProxyFigures& figures, base::Waiter& changed);
    ProxyLink(const ProxyLink&) = delete;
    ProxyLink& operator=(const ProxyLink&) = delete;
    ~ProxyLink();

    void fault_changed();  // Counts begin anew.
    void pump_due();       // Sends what has waited long enough.
    std::optional<base::Steady> due() const;
    void reset();  // Both ends see a reset.
    bool is_gone() const { return client_ < 0; }

  private:
    struct Chunk {
        std::string bytes;
        base::Steady due;
    };
    struct Pipe {
        ProxyFault::Way way;
        std::deque<Chunk> queue;
        std::size_t queued = 0, sent = 0;  // Bytes in the queue; of its first chunk, gone.
        std::size_t passed = 0;            // Bytes read since the fault was set.
        bool blocked = false;              // The receiver takes no more at the moment.
        bool ended = false;                // The sender has said its last.
        bool told = false;                 // And so has the receiver been told.
        bool cut = false;                  // Behind the queue comes a reset.
    };

    void ready(bool from_client, std::uint32_t events);
    void read(Pipe& pipe);
    void strike(Pipe& pipe, std::string& bytes) const;
    void pump(Pipe& pipe);
    bool send_front(Pipe& pipe);
    bool is_frozen(const Pipe& pipe) const;
    void watch();
    void watch_one(bool client_side);
    void close(bool with_reset);
    int from(const Pipe& pipe) const { return &pipe == &up_ ? client_ : target_; }
    int to(const Pipe& pipe) const { return &pipe == &up_ ? target_ : client_; }

    base::Loop& loop_;
    const ProxyFault& fault_;
    ProxyFigures& figures_;
    base::Waiter& changed_;
    int client_, target_;
    bool connecting_ = true;
    Pipe up_{.way = ProxyFault::Way::up}, down_{.way = ProxyFault::Way::down};
    std::optional<std::uint32_t> client_mask_, target_mask_;
};

}  // namespace sim
