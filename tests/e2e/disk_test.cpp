// No room on the disk: the outbox refuses, so the visit ends before its next call, and the daemon
// lives.
#include "tests/e2e/world.hpp"

namespace {

class FullDisk : public e2e::World {};

TEST_F(FullDisk, EndsTheVisitAsOursAndTheDaemonLivesOn) {
    e2e::Daemon runner(e2e::joined(model().variables(), {{"MANA_AUTH_URL", daemon().auth_url()},
                                                         {"MANA_MCP_URL", daemon().mcp_url()}}));
    runner.start_limited(1'500);  // A few calls' records.
    ASSERT_FALSE(HasFatalFailure());
    const base::Json result = runner.tick_all();
    EXPECT_EQ(result.at("failed").size(), personas) << result.dump();
    ASSERT_TRUE(runner.await_delivery()) << "what is in memory is delivered all the same";
    EXPECT_EQ(endings(), (std::map<std::string, int>{{"partial/infra", personas}}));
    e2e::expect_no_call_lost_or_doubled(daemon());
    EXPECT_TRUE(runner.program().is_running());
    EXPECT_EQ(runner.ask("GET", "/health/live").status, 200);

    // Room again.
    EXPECT_EQ(runner.stop(), 0);
    runner.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(runner.tick_all().at("ranSuccessfully"), personas);
}

}  // namespace
