// PostgreSQL goes away under a running daemon and comes back.
#include <csignal>
#include <fstream>

#include "tests/support/temp_database.hpp"

#include "tests/e2e/world.hpp"

namespace {

TEST(DatabaseRestart, UnderTheDaemonIsSurvivedAndTheNextDayRuns) {
    test_support::TempDatabase database({}, test_support::ClusterUse::own);
    e2e::Model model;
    e2e::Daemon daemon(
        e2e::joined(model.variables(), {{"DATABASE_URL", database.app_url().reveal()},
                                        {"DATABASE_OWNER_URL", database.owner_url().reveal()},
                                        {"DATABASE_OPS_URL", database.ops_url().reveal()}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_FALSE(std::filesystem::exists(daemon.state() / "postgres")) << "no cluster of its own";
    daemon.seed(2);
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), 2);
    ASSERT_TRUE(daemon.await_delivery());

    // Visits are under way when the server goes.
    model->add_fault({.fault = "slow=50", .match = {}, .skip = 0, .times = 6});
    daemon.start_tick_all();
    daemon.await_visit(
        [](const base::Json& visit) { return visit.at("toolCalls").get<int>() >= 1; });
    database.restart();

    ASSERT_TRUE(e2e::eventually([&] { return daemon.status().at("running").empty(); }));
    ASSERT_TRUE(daemon.await_delivery()) << daemon.outbox().dump();
    ASSERT_TRUE(e2e::eventually([&] { return daemon.is_well(); }))
        << daemon.ask("GET", "/health").body;
    model->clear_faults();
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), 2);
    ASSERT_TRUE(daemon.await_delivery());

    const e2e::Outcome asked = daemon.verb({"psql", "-Atc", "select count(*) from ops.visits"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    EXPECT_EQ(asked.out, "6\n");
}

// As the kernel does when memory runs out.
TEST(EmbeddedDatabase, KilledUnderTheDaemonIsStartedAgain) {
    e2e::Model model;
    e2e::Daemon daemon(model.variables());
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    std::ifstream in(daemon.state() / "postgres" / "data" / "postmaster.pid");
    pid_t server = 0;
    ASSERT_TRUE(in >> server);
    ASSERT_EQ(::kill(server, SIGKILL), 0);
    ASSERT_TRUE(e2e::eventually([&] { return !daemon.is_well(); }));
    ASSERT_TRUE(e2e::eventually([&] { return daemon.is_well(); }))
        << daemon.ask("GET", "/health").body;
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), 1);
    EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
