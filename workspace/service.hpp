// The workspace as a listener: the MCP endpoint, its health, and the clean-up of a departing user.
//
//   POST|GET|DELETE /mcp                         bearer JWT and X-Mana-Space
//   POST /sync/:app, GET /sync/:app/pull|stream  bearer JWT
//   OPTIONS of both                              open: browsers ask before they send a token
//   GET /.well-known/oauth-protected-resource    open; also with /mcp behind it
//   GET /health                                  open
//   GET|DELETE /internal/users/:id/records       X-Service-Key; one row per line, or its end
//   GET /internal/users/:id/summary              X-Service-Key; what is kept of a user, counted
//   POST /internal/users/:id/singletons          X-Service-Key: {"personalSpace", "spaces"}
//   DELETE /internal/spaces/:id/records          X-Service-Key; everybody's, of a space that is
//   gone GET|PUT /internal/users/:id/permissions      X-Service-Key: {"allowDestructive":
//   ["todo.*"]}
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"
#include "workspace/feeds.hpp"
#include "workspace/gate.hpp"

namespace workspace {

struct Options {
    std::string address = "127.0.0.1";
    int port = 3069;
    std::string auth_url;  // Without a slash at the end.
    base::Secret service_key;
    std::vector<std::string> issuers;  // Of accepted tokens; the first is where clients get theirs.
    std::string audience = "mana";
    std::vector<std::string> allowed_origins;  // Of browsers, e.g. "https://app.example".
    std::string public_url;    // When clients reach us through a proxy: "https://mcp.example.com".
    std::string zone = "UTC";  // In which "today" is counted.
    int threads_max = 1024;
    std::chrono::seconds session_idle_max{1800};
    std::size_t sessions_max = 20'000;
    std::size_t sessions_per_user_max = 64;
    int calls_per_minute_max = 1'200;  // Of one session.
    FeedOptions feeds;
    GateOptions gate;
    std::chrono::seconds membership_read_age_max{300};
    std::chrono::seconds membership_write_age_max{0};
    std::chrono::seconds membership_stale_age_max{1800};
};

// Resource. The database has the workspace's migrations; the role is mana_app.
class Service {
  public:
    Service(base::Postgres& database, Options options, base::Clock& clock, base::Metrics& metrics);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();  // stop()

    // Throws Failure::invalid for an unknown zone, Failure::unavailable when the port is taken.
    void start();
    void stop();

    int port() const;
    std::string url() const;
    std::string mcp_url() const;  // url() + "/mcp"

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace workspace
