// No room on the disk: the outbox refuses, so visits end before their next call, nobody is claimed,
// and the daemon lives.
#include "tests/e2e/world.hpp"

namespace {

class FullDisk : public e2e::World {};

TEST_F(FullDisk, EndsTheVisitAsOursAndTheDaemonLivesOn) {
    e2e::Daemon runner(e2e::joined(model().variables(), {{"MANA_AUTH_URL", daemon().auth_url()},
                                                         {"MANA_MCP_URL", daemon().mcp_url()},
                                                         {"PERSONA_CONCURRENCY", "1"}}));
    // Room for a visit's header, not for the intent of a call.
    runner.start_limited(400);
    ASSERT_FALSE(HasFatalFailure());
    const base::Json result = runner.tick_all();
    EXPECT_EQ(result.at("failed").size(), 1U) << result.dump();
    ASSERT_TRUE(runner.await_delivery()) << "what is in memory is delivered all the same";
    EXPECT_EQ(endings(), (std::map<std::string, int>{{"partial/infra", 1}}));
    e2e::expect_no_call_lost_or_doubled(daemon());
    const base::HttpResponse tick = runner.ask("POST", "/diag/tick", R"({"due":"all"})");
    EXPECT_EQ(tick.status, 503);
    EXPECT_THAT(tick.body, testing::HasSubstr("disk refuses to write")) << "nobody is claimed";
    EXPECT_THAT(runner.ask("GET", "/health").body, testing::HasSubstr("disk refuses to write"));
    EXPECT_TRUE(runner.program().is_running());
    EXPECT_EQ(runner.ask("GET", "/health/live").status, 200);

    // Room again: whoever was not claimed has her visit.
    EXPECT_EQ(runner.stop(), 0);
    runner.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(runner.tick_all().at("ranSuccessfully"), personas);
}

}  // namespace
