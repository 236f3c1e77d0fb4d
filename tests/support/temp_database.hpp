// A database of its own for every test, on a throw-away PostgreSQL cluster that the first one
// starts and the end of the test program removes. PERSONA_TEST_KEEP=1 keeps it and prints where it
// is.
//
//   test_support::TempDatabase database({{"auth", auth::migrations()}});
//   base::Postgres postgres({.url = database.app_url()});
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/embedded_postgres.hpp"
#include "base/embedded_text.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace test_support {

struct MigrationSet {
    std::string name;
    base::EmbeddedTexts files;
};

enum class ClusterUse {
    shared,  // The program's cluster.
    own,     // One that this database may stop and start; costs a second.
};

// Resource; build it on the main thread. Pools over it end before it does.
class TempDatabase {
  public:
    // Applies the sets in order; equal lists are migrated once per program and copied.
    explicit TempDatabase(const std::vector<MigrationSet>& sets = {},
                          ClusterUse use = ClusterUse::shared);
    TempDatabase(const TempDatabase&) = delete;
    TempDatabase& operator=(const TempDatabase&) = delete;
    ~TempDatabase();

    const std::string& name() const { return name_; }
    base::Secret superuser_url() const;
    base::Secret owner_url() const;
    base::Secret app_url() const;
    base::Secret ops_url() const;

    void restart();  // The server; with a cluster of its own only.

  private:
    class Cluster;
    static Cluster& shared_cluster();
    base::Secret url(const char* role) const;

    std::unique_ptr<Cluster> own_;
    Cluster* cluster_ = nullptr;
    std::string name_;
};

// Ends the connections to it; `superuser_url` names another database.
void drop_database(const base::Secret& superuser_url, std::string_view name);

}  // namespace test_support
