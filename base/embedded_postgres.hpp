// A private PostgreSQL cluster in the daemon's state directory, for whoever sets no DATABASE_URL.
//
//   <state>/postgres/data      0700  the cluster (initdb with data checksums, scram, no TCP)
//   <state>/postgres/socket    0750  its unix socket
//   <state>/postgres/*.secret  0600  generated passwords of the roles
//   <state>/postgres/log       0600  the server's own log
//
// A data directory of another major version, or a non-empty one that is not ours, is refused with
// instructions and never touched. PostgreSQL refuses root: the caller has dropped root before.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/secret.hpp"

namespace base {

struct EmbeddedPostgresOptions {
    std::filesystem::path folder;    // <state>/postgres; made when missing.
    std::filesystem::path binaries;  // Folder of initdb and postgres; empty: searched for.
    std::string database = "mana";
    bool durable = true;  // false: fsync off, for tests and throw-away demos.
};

// Resource: starts (initialising when new) in the constructor, stops fast in the destructor. Build
// it on the main thread: the server dies with the thread that started it. If a postmaster of this
// very directory still runs (we were killed), it is stopped first and started anew.
class EmbeddedPostgres {
  public:
    explicit EmbeddedPostgres(EmbeddedPostgresOptions options);
    EmbeddedPostgres(const EmbeddedPostgres&) = delete;
    EmbeddedPostgres& operator=(const EmbeddedPostgres&) = delete;
    ~EmbeddedPostgres();

    Secret superuser_url() const;  // Role "postgres"; for role and database set-up only.
    Secret owner_url() const;      // mana_owner: migrations.
    Secret app_url() const;        // mana_app: what serve uses.
    Secret ops_url() const;        // mana_ops: read-only, for psql.

    bool is_running() const;
    void restart();  // Tests of a database restart.

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// The URL of a role of a cluster that another process (the daemon) runs in `folder`.
Secret embedded_url(const std::filesystem::path& folder, std::string_view role,
                    std::string_view database = "mana");

}  // namespace base
