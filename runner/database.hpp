// Which PostgreSQL the process talks to, and as whom: a server named by DATABASE_URL, else the
// private cluster in the state directory (started here, or reached through its socket when a daemon
// runs it).
#pragma once

#include <memory>
#include <string>

#include "base/embedded_postgres.hpp"
#include "base/secret.hpp"
#include "runner/config.hpp"

namespace base {
class Postgres;
}

namespace runner {

// Resource: while it lives, the URLs work.
class Database {
  public:
    enum class Use {
        own,    // The daemon: starts the private cluster; the caller holds the state directory.
        visit,  // One-shot verbs: the running daemon's cluster, which must be up.
    };
    Database(const Config& config, Use use);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    // Each throws Failure::invalid naming the variable when that role's URL is not configured.
    base::Secret app_url() const;
    base::Secret owner_url() const;
    base::Secret ops_url() const;
    // True when the private cluster had ended and was started again. On the main thread, whose
    // child the server has to be; blocks for as long as that takes.
    bool revive();
    bool has_owner() const;  // Migrations can be applied from here.

  private:
    const Config& config_;
    std::filesystem::path folder_;
    std::unique_ptr<base::EmbeddedPostgres> cluster_;
};

// Why the database does not answer a question of no weight; empty when it does. For health: blocks
// as long as one statement may.
std::string trouble_of(base::Postgres& database);

}  // namespace runner
