// Through pgbouncer in transaction mode, with fewer server connections than the daemons have
// clients: whatever one statement leaves behind in its session, another one would find. Migrations
// go past it (DATABASE_OWNER_URL), as the README tells operators.
#include <unistd.h>

#include <fstream>

#include <fmt/format.h>

#include "tests/e2e/audit.hpp"
#include "tests/support/temp_database.hpp"

#include "tests/e2e/world.hpp"

namespace {

constexpr int pooler_connections = 3;  // To PostgreSQL, for each role.
constexpr int pooler_port = 6432;      // In the socket's name only.

std::string pooler_value(const base::PsqlEnvironment& environment, std::string_view name) {
    for (const auto& [variable, value] : environment) {
        if (variable == name) return value;
    }
    return {};
}

// One pgbouncer before one database, on a unix socket of its own.
class Pooler {
  public:
    explicit Pooler(const test_support::TempDatabase& database) : name_(database.name()) {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
        std::ofstream users(folder_.path() / "users.txt");
        std::string host;
        for (const base::Secret& url : {database.app_url(), database.ops_url()}) {
            const base::PsqlEnvironment direct = base::psql_environment(url);
            const std::string user = pooler_value(direct, "PGUSER");
            passwords_[user] = pooler_value(direct, "PGPASSWORD");
            users << fmt::format("\"{}\" \"{}\"\n", user, passwords_[user]);
            host = pooler_value(direct, "PGHOST");
        }
        std::ofstream settings(folder_.path() / "pgbouncer.ini");
        settings << fmt::format(
            "[databases]\n{0} = host={1} port=5432 dbname={0}\n"
            "[pgbouncer]\npool_mode = transaction\ndefault_pool_size = {2}\n"
            "max_client_conn = 200\nauth_type = scram-sha-256\nauth_file = {3}/users.txt\n"
            "listen_addr =\nlisten_port = {4}\nunix_socket_dir = {3}\nlogfile = {3}/log\n",
            name_, host, pooler_connections, folder_.path().string(), pooler_port);
        // It refuses root, as PostgreSQL does, and becomes whom the test's server runs as.
        if (::geteuid() == 0) settings << "user = postgres\n";
    }

    void start() {
        program_ = std::make_unique<e2e::Program>(
            e2e::ProgramOptions{.arguments = {(folder_.path() / "pgbouncer.ini").string()},
                                .program = "/usr/sbin/pgbouncer"});
        const std::filesystem::path socket =
            folder_.path() / fmt::format(".s.PGSQL.{}", pooler_port);
        ASSERT_TRUE(e2e::eventually([&] { return std::filesystem::exists(socket); }))
            << "apt-get install pgbouncer? " << program_->err();
    }
    void kill() {
        program_->signal(SIGKILL);
        program_->wait();
        std::filesystem::remove(folder_.path() / fmt::format(".s.PGSQL.{}", pooler_port));
    }

    std::string url(const std::string& role) const {
        return fmt::format("postgresql://{}:{}@/{}?host={}&port={}", role, passwords_.at(role),
                           name_, folder_.path().string(), pooler_port);
    }

  private:
    const std::string name_;
    e2e::TempFolder folder_;
    std::map<std::string, std::string> passwords_;
    std::unique_ptr<e2e::Program> program_;
};

class Pooled : public testing::Test {
  protected:
    static constexpr std::size_t personas = 6;

    void SetUp() override {
        pooler_.start();
        ASSERT_FALSE(HasFatalFailure());
        for (e2e::Daemon* daemon : {&one_, &other_}) {
            daemon->environment() =
                e2e::joined(daemon->environment(),
                            e2e::joined(model_.variables(),
                                        {{"DATABASE_URL", pooler_.url("mana_app")},
                                         {"DATABASE_OPS_URL", pooler_.url("mana_ops")},
                                         {"DATABASE_OWNER_URL", database_.owner_url().reveal()},
                                         {"PERSONA_CONCURRENCY", "3"}}));
            daemon->start();
            ASSERT_FALSE(HasFatalFailure());
        }
        one_.seed(personas);
        audit_.emplace(superuser_);
    }

    // Several passes at once share everybody out.
    std::int64_t live_a_day() {
        one_.start_tick_all();
        other_.start_tick_all();
        const std::int64_t before = ended_visits();
        EXPECT_TRUE(e2e::eventually(
            [&] { return ended_visits() >= before + static_cast<std::int64_t>(personas); }));
        EXPECT_TRUE(e2e::eventually([&] {
            return one_.status().at("running").empty() && other_.status().at("running").empty();
        }));
        EXPECT_TRUE(one_.await_delivery() && other_.await_delivery());
        return ended_visits() - before;
    }
    std::int64_t ended_visits() {
        return audit_->count("select count(*) from ops.visits where status <> 'running'");
    }

    test_support::TempDatabase database_;
    base::Postgres superuser_{{.url = database_.superuser_url(), .connections_max = 2}};
    Pooler pooler_{database_};
    e2e::Model model_;
    e2e::Daemon one_, other_;
    std::optional<e2e::Audit> audit_;
};

TEST_F(Pooled, ADayOfTwoDaemonsRunsInTransactionMode) {
    EXPECT_GE(live_a_day(), personas);

    EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
    EXPECT_EQ(audit_->count("select count(*) from ops.visits where status <> 'finished'"), 0);
    EXPECT_GT(audit_->count("select count(distinct runner) from ops.visits"), 1)
        << "both daemons took part";
    EXPECT_LE(audit_->count("select count(*) from pg_stat_activity where usename = 'mana_app' and "
                            "datname = current_database()"),
              pooler_connections)
        << "nobody goes past the pooler";
    const e2e::Outcome asked = one_.verb({"psql", "-Atc", "select count(*) from ops.visits"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    EXPECT_EQ(one_.stop(), 0);
    EXPECT_EQ(other_.stop(), 0);
}

TEST_F(Pooled, ADaemonKilledAndAPoolerKilledLoseNothing) {
    model_->add_fault({.fault = "slow=20", .match = {}, .skip = 4, .times = 0});
    one_.start_tick_all();
    other_.start_tick_all();
    one_.await_visit([](const base::Json& visit) { return visit.at("toolCalls") >= 2; });
    one_.kill();
    other_.await_visit([](const base::Json& visit) { return visit.at("toolCalls") >= 1; });
    pooler_.kill();
    model_->clear_faults();
    pooler_.start();
    ASSERT_FALSE(HasFatalFailure());
    one_.start();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(e2e::eventually([&] { return other_.is_well(); }));
    ASSERT_TRUE(e2e::eventually([&] { return other_.status().at("running").empty(); }));
    ASSERT_TRUE(one_.await_delivery() && other_.await_delivery());
    EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
    EXPECT_GE(audit_->count("select count(*) from ops.visits where status = 'lost'"), 1);

    EXPECT_GE(live_a_day(), personas) << "and life goes on";
    EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
}

}  // namespace
