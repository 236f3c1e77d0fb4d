// A TCP proxy that misbehaves on request: before an MCP server, an auth service, PostgreSQL or
// anything else. Knows bytes and connections, no protocol.
//
//   client ─► proxy [fault, changed live] ─► target
//
//   GET /sim/proxies · POST /sim/proxies/NAME {"fault": "cut=100"} · DELETE /sim/proxies/NAME
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/server.hpp"
#include "sim/proxy_fault.hpp"
#include "sim/proxy_link.hpp"

namespace sim {

// Resource; any thread. Forwards on one thread of its own, whatever the number of connections.
class Proxy {
  public:
    explicit Proxy(ProxyOptions options);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy();  // stop()

    // Throws Failure::unavailable when it cannot listen, Failure::invalid when nobody knows the
    // target's name. Whether the target answers shows with the first connection.
    void start();
    void stop();  // Open connections are reset. Twice is harmless.

    const ProxyOptions& options() const { return options_; }
    int port() const;

    // In force when it returns, for open connections too.
    void set_fault(const ProxyFault& fault);
    ProxyFault fault() const;
    ProxyFigures figures() const;

  private:
    struct State;
    const ProxyOptions options_;
    std::unique_ptr<State> state_;
};

// The proxies of one simulator, by name, and the control port's part about them.
class Proxies {
  public:
    // Throws Failure::invalid for two of one name.
    explicit Proxies(const std::vector<ProxyOptions>& options);

    void start();
    void stop();
    Proxy& at(std::string_view name);  // Failure::missing naming those that there are.

    static bool owns(std::string_view path) { return path.starts_with("/sim/proxies"); }
    // Throws Failure for what it does not know.
    base::ServerResponse answer(const base::ServerRequest& request);

  private:
    base::Json describe(const Proxy& proxy) const;
    std::vector<std::unique_ptr<Proxy>> proxies_;
};

}  // namespace sim
