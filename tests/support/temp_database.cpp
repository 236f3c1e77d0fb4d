#include "tests/support/temp_database.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/postgres_session.hpp"

namespace test_support {

namespace {

namespace fs = std::filesystem;

// The program's pid in the name tells a later run whose folder it is.
constexpr std::string_view temp_prefix = "persona-test-";

bool temp_keeps() {
    const char* value = std::getenv("PERSONA_TEST_KEEP");
    return value != nullptr && std::string_view(value) == "1";
}

// A test that crashed could not clean up; the next one does.
void temp_sweep() {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/tmp", none)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(temp_prefix)) continue;
        pid_t pid = 0;
        const char* end = name.data() + name.size();
        std::from_chars(name.data() + temp_prefix.size(), end, pid);
        if (pid <= 1 || ::kill(pid, 0) == 0 || errno != ESRCH) continue;
        fs::remove_all(entry.path(), none);
    }
}

fs::path temp_folder() {
    temp_sweep();
    const std::string_view prefix = temp_keeps() ? "persona-kept-" : temp_prefix;
    std::string path = fmt::format("/tmp/{}{}-XXXXXX", prefix, ::getpid());
    base::require(::mkdtemp(path.data()) != nullptr, "a folder for the test's cluster");
    // The server runs as another user when the tests run as root.
    fs::permissions(path, fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
    return path;
}

}  // namespace

void drop_database(const base::Secret& superuser_url, std::string_view name) {
    base::SqlSession session(superuser_url);
    session.script(session
                       .run("select format('drop database if exists %I with (force)', $1::text) "
                            "as statement",
                            {name})[0]
                       .text("statement"));
}

// A running cluster and the databases made in it.
class TempDatabase::Cluster {
  public:
    Cluster()
        : folder_(temp_folder()),
          server_(std::make_unique<base::EmbeddedPostgres>(base::EmbeddedPostgresOptions{
              .folder = folder_ / "pg", .database = "mana", .durable = false})) {}
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;
    ~Cluster() {
        if (::getpid() != maker_) return;  // A forked child ran the exit handlers.
        server_.reset();
        if (temp_keeps()) {
            fmt::print(stderr, "kept: {}\n", folder_.string());
            return;
        }
        std::error_code none;
        fs::remove_all(folder_, none);
    }

    base::EmbeddedPostgres& server() { return *server_; }
    base::Secret url(const char* role, const std::string& database) const {
        return base::embedded_url(folder_ / "pg", role, database);
    }

    std::string make(const std::vector<MigrationSet>& sets) {
        std::string name = fmt::format("test_{}", ++count_);
        base::ensure_database(server_->superuser_url(), name, sets.empty() ? "" : migrated(sets));
        return name;
    }

  private:
    std::string migrated(const std::vector<MigrationSet>& sets) {
        std::string key;
        for (const MigrationSet& set : sets) {
            key += fmt::format("{}@{}:{} ", set.name, static_cast<const void*>(set.files.data()),
                               set.files.size());
        }
        if (const auto known = templates_.find(key); known != templates_.end()) {
            return known->second;
        }
        const std::string name = fmt::format("template_{}", templates_.size() + 1);
        base::ensure_database(server_->superuser_url(), name);
        for (const MigrationSet& set : sets) {
            base::migrate(url("mana_owner", name), set.name, set.files);
        }
        return templates_.emplace(key, name).first->second;
    }

    const pid_t maker_ = ::getpid();
    fs::path folder_;
    std::unique_ptr<base::EmbeddedPostgres> server_;
    std::map<std::string, std::string> templates_;
    int count_ = 0;
};

TempDatabase::Cluster& TempDatabase::shared_cluster() {
    static Cluster cluster;
    return cluster;
}

TempDatabase::TempDatabase(const std::vector<MigrationSet>& sets, ClusterUse use) {
    if (use == ClusterUse::own) own_ = std::make_unique<Cluster>();
    cluster_ = own_ ? own_.get() : &shared_cluster();
    name_ = cluster_->make(sets);
}

TempDatabase::~TempDatabase() {
    if (own_ || temp_keeps()) return;
    try {
        drop_database(cluster_->server().superuser_url(), name_);
    } catch (const base::Failure& failure) {
        // The cluster goes at the end of the program anyway.
        fmt::print(stderr, "{} stays: {}\n", name_, failure.what());
    }
}

base::Secret TempDatabase::url(const char* role) const {
    return cluster_->url(role, name_);
}

base::Secret TempDatabase::superuser_url() const {
    return url("postgres");
}
base::Secret TempDatabase::owner_url() const {
    return url("mana_owner");
}
base::Secret TempDatabase::app_url() const {
    return url("mana_app");
}
base::Secret TempDatabase::ops_url() const {
    return url("mana_ops");
}

void TempDatabase::restart() {
    base::require(own_ != nullptr, "only a database with a cluster of its own restarts the server");
    own_->server().restart();
}

}  // namespace test_support
