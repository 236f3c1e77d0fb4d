// The auth service: identities, spaces and personas behind HTTP. Handlers block on their own
// threads; nothing else in the process calls into it except through its URL.
#pragma once

#include <memory>
#include <string>

#include "auth/options.hpp"

namespace base {
class Clock;
class Metrics;
class Postgres;
}  // namespace base

namespace auth {

// Resource. Construct, start, stop; stopping twice is harmless. The database is migrated already.
// Throws Failure::invalid naming the setting when production would run on a development default.
class Service {
  public:
    Service(base::Postgres& database, Options options, base::Clock& clock, base::Metrics& metrics);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service();

    // Binds, makes the first signing key when there is none, then answers.
    void start();
    void stop();

    // Delivers what waits for other services and is due, on the caller's thread; answers how much.
    std::size_t deliver_due();

    std::string url() const;  // Real address; after start().
    int port() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace auth
