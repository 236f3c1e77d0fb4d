// A runner apart from the auth service, frozen for longer than its lease.
#include <csignal>

#include "tests/e2e/world.hpp"

namespace {

class Lease : public e2e::World {
  protected:
    // Hosts nothing itself; its right to run visits is the shortest possible.
    static e2e::Variables runner_variables() {
        return e2e::joined(model().variables(), {{"MANA_AUTH_URL", daemon().auth_url()},
                                                 {"MANA_MCP_URL", daemon().mcp_url()},
                                                 {"LEASE_SECONDS", "6"}});
    }
};

TEST_F(Lease, LostWhileRowsWaitTheVisitIsLostAndItsRowsArriveAllTheSame) {
    e2e::Daemon runner(runner_variables());
    runner.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_FALSE(std::filesystem::exists(runner.state() / "postgres")) << "it hosts nothing";
    const std::string first_id = runner.status().at("lease").at("runner");
    model().fall_silent(3, "Du bist Anna,");
    runner.start_tick_all();
    const base::Json visit = runner.await_visit(
        [](const base::Json& one) { return one.at("persona") == "anna" && one.at("turn") == 4; });
    ASSERT_TRUE(e2e::eventually([&] { return runner.status().at("running").size() == 1; }));
    const std::string visit_id = visit.at("visit");

    runner.program().signal(SIGSTOP);
    // The service's own clock has to pass the lease; nobody else reaps it meanwhile.
    ASSERT_TRUE(e2e::eventually([&] {
        return daemon().count(
                   "select count(*) from auth.runners where runner_id::text = $1 and "
                   "lease_until < now()",
                   {first_id}) == 1;
    }));
    runner.program().signal(SIGCONT);

    ASSERT_TRUE(e2e::eventually([&] {
        const base::Json lease = runner.status().at("lease");
        return lease.at("held") == true && lease.at("runner") != first_id;
    }));
    ASSERT_TRUE(runner.await_delivery());
    const base::SqlRows lost = daemon().query(
        "select status, tokens_output from ops.visits where visit::text = $1", {visit_id});
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].text("status"), "lost") << "the finish changed nothing";
    EXPECT_GT(lost[0].integer_or_none("tokens_output").value_or(0), 0) << "but told what it cost";
    EXPECT_GE(daemon().count("select count(*) from ops.actions where visit::text = $1", {visit_id}),
              2);
    EXPECT_EQ(
        daemon().count("select count(*) from auth.runners where runner_id::text = $1 and dead",
                       {first_id}),
        1);
    e2e::expect_no_call_lost_or_doubled(daemon());

    model()->clear_faults();
    EXPECT_EQ(runner.tick_all().at("ranSuccessfully"), 3) << "the new registration works";
    EXPECT_EQ(runner.stop(), 0);
}

TEST_F(Lease, WithoutTheAuthServiceNoVisitStartsAndTheRunnerComesBackByItself) {
    e2e::Variables variables = runner_variables();
    variables["MANA_AUTH_URL"] = "http://127.0.0.1:9";  // Nobody listens there.
    e2e::Daemon runner(variables);
    runner.environment()["LOG_LEVEL"] = "debug";
    e2e::Program program({{"serve"}, runner.environment()});
    ASSERT_TRUE(e2e::eventually([&] { return !runner.ops_url().empty(); })) << program.err();
    ASSERT_TRUE(e2e::eventually([&] {
        return program.err().find("heartbeat failed") != std::string::npos;
    })) << program.err();
    EXPECT_EQ(runner.ask("GET", "/health").status, 503);
    EXPECT_EQ(runner.ask("GET", "/health/live").status, 200);
    const base::HttpResponse tick = runner.ask("POST", "/diag/tick");
    EXPECT_EQ(tick.status, 503) << tick.body;
    EXPECT_THAT(tick.body, testing::HasSubstr("127.0.0.1:9"));
}

}  // namespace
