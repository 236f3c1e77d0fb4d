// Performing one tool call: arguments checked, done in one transaction together with the row that
// records it, answered as an MCP result. The same call of a visit, delivered again, is done and
// recorded once and answered alike.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "workspace/feeds.hpp"
#include "workspace/gate.hpp"
#include "workspace/registry.hpp"

namespace workspace {

struct CallOptions {
    std::string zone = "UTC";  // PostgreSQL time zone in which days are counted.
    FeedOptions feeds;
    GateOptions gate;
};

// Resource; any inbound thread.
class Calls {
  public:
    Calls(base::Postgres& database, base::Clock& clock, base::Metrics& metrics,
          CallOptions options);
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    // {"content", "structuredContent"} or {"content", "isError": true}. Throws Failure::invalid
    // when the visit has used this number for another call, `unavailable` when it certainly was not
    // done, `internal` when nobody knows whether it was (the connection broke during the commit).
    base::Json perform(const Tool& tool, base::Json arguments, const Scope& scope,
                       Outside& outside);

    Feeds& feeds() { return feeds_; }

    // Throws Failure::invalid when PostgreSQL does not know the zone.
    void check_zone();

  private:
    struct Outcome;
    struct Work;
    static base::Json told(Outcome outcome);
    Outcome run(base::Transaction& transaction, const Work& work, const std::string& local);
    bool record(base::Transaction& transaction, const Work& work, const Outcome& outcome);
    bool was_made(base::Transaction& transaction, const Scope& scope);
    Outcome repeated(const Work& work);
    Outcome repeat(base::Transaction& transaction, const Work& work);
    void measure(const Tool& tool, std::string_view outcome, base::Steady began_at);

    base::Postgres& database_;
    base::Clock& clock_;
    base::Metrics& metrics_;
    const std::string zone_;
    Feeds feeds_;
    Gate gate_;
};

}  // namespace workspace
