// How a proxy misbehaves, and what it stands before; both as people write them.
//
//   none                 forwards everything
//   refuse               nobody listens: new connections are refused, open ones reset
//   delay=200            bytes wait 200 ms; way=both unless said otherwise
//   cut                  open connections are reset now; later ones pass
//   cut=100              a connection is reset behind its next 100 bytes; way=down
//   half-open            connections are accepted, nothing is forwarded or said; way=both
//   half-open;way=down   one way only: requests still arrive, answers never do
//   garble=50            the top bit of every 50th byte is flipped; way=down
//
// `way` is up (client to target), down (target to client) or both. A rule stays until the next one.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sim {

struct ProxyFault {
    enum class Kind { none, refuse, delay, cut, half_open, garble };
    enum class Way { up, down, both };
    Kind kind = Kind::none;
    Way way = Way::both;
    std::chrono::milliseconds delay{0};
    std::optional<std::size_t> bytes;  // cut: behind so many; nothing: now.
    std::size_t every = 0;             // garble: each so-manieth byte, from 1.

    bool operator==(const ProxyFault&) const = default;
    bool strikes(Way direction) const { return way == Way::both || way == direction; }
};

// Throws Failure::invalid naming the word that it does not know.
ProxyFault parse_proxy_fault(std::string_view text);
std::string to_text(const ProxyFault& fault);

struct ProxyOptions {
    std::string name;                   // In URLs of the control port: a-z, 0-9, - and _.
    std::string address = "127.0.0.1";  // Where it listens.
    int port = 0;                       // 0: any free one.
    std::string target;                 // Host name or address, or the path of a unix socket.
    int target_port = 0;                // 0 with a unix socket.

    bool operator==(const ProxyOptions&) const = default;
};

// "NAME=PORT:HOST:PORT" or "NAME=PORT:/path/of/a/socket", e.g. "auth=4001:127.0.0.1:3001",
// "database=5433:/var/run/postgresql/.s.PGSQL.5432". Throws Failure::invalid.
ProxyOptions parse_proxy(std::string_view text);

}  // namespace sim
