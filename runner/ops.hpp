// The ops listener: health, metrics, live status and the levers (/diag/tick, /diag/login).
//
//   GET  /health       liveness and readiness; public: {"status":"ok"|"degraded", "checks":{…}},
//                      200 or 503
//   GET  /health/live  200 as long as the loop turns
//   GET  /metrics      Prometheus text
//   GET  /status       running visits, last tick, outbox, lease
//   POST /diag/tick    {"due":"all"}?  ?wait=0 -> 202;  else the report when its visits have ended
//   POST /diag/resume  lifts a stop by the model (spending cap, very long wait); 409: none
//   POST /diag/login   {"email"} -> user, space and number of tools; never a token
//
// Being asked from 127.0.0.1 authorises nothing: in production everything but /health needs the
// service key; in development foreign Host and Origin headers and cross-site requests are refused.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"
#include "runner/bounded_check.hpp"
#include "runner/scheduler.hpp"

namespace runner {

struct OpsOptions {
    std::string address = "127.0.0.1";
    int port = 3070;
    bool production = false;
    base::Secret service_key;
    std::string idle_reason;  // Why the loop is disabled, naming the variable; empty: it runs.
    std::chrono::milliseconds loop_answer_limit{5'000};
    std::chrono::milliseconds database_limit{2'000};  // For /health's question to PostgreSQL.
    std::chrono::milliseconds standing_limit{3'000};  // For what /status asks the auth service.
    std::chrono::minutes tick_wait_max{120};
    int ticks_waiting_max = 16;  // Of the listener's threads; the others stay free for /health.
};

// What the handlers may touch on the loop thread. Null scheduler: the loop is disabled.
struct OpsTargets {
    base::Loop& loop;
    Scheduler* scheduler = nullptr;
    const Outbox* outbox = nullptr;
    const Lease* lease = nullptr;
    clients::Auth* auth = nullptr;
    clients::Mcp* mcp = nullptr;
    std::vector<clients::McpServer> servers;
    base::Secret seed_secret;
    // What is wrong with the database, empty when it answers; null: no database of ours.
    std::function<std::string()> database_trouble;
};

// Resource. Its threads never touch the loop's objects: they post and wait for the answer.
class Ops {
  public:
    Ops(OpsTargets targets, OpsOptions options, base::Metrics& metrics);
    Ops(const Ops&) = delete;
    Ops& operator=(const Ops&) = delete;
    ~Ops();

    void start();
    void stop();
    void set_draining();  // Readiness says so from now on.
    std::string url() const;
    int waiting_ticks() const { return ticks_waiting_; }

  private:
    std::optional<base::ServerResponse> guard(const base::ServerRequest& request) const;
    base::ServerResponse health();
    base::ServerResponse status();
    base::ServerResponse metrics_text();
    void read_gauges();
    base::ServerResponse tick(const base::ServerRequest& request);
    base::ServerResponse resume(const base::ServerRequest& request);
    base::ServerResponse login(const base::ServerRequest& request);
    base::Json standing();
    base::Json database_check();
    base::Json on_loop(std::function<base::Json()> read);

    OpsTargets targets_;
    const OpsOptions options_;
    base::Metrics& metrics_;
    base::Group probes_;                      // Loop thread.
    std::unique_ptr<BoundedCheck> database_;  // Null: no database of ours.
    std::atomic<bool> draining_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<int> ticks_waiting_{0};
    base::Server server_;
};

}  // namespace runner
