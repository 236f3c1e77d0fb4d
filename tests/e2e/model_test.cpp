// What becomes of visits when the model misbehaves.
#include <future>

#include "tests/e2e/world.hpp"

namespace {

using testing::HasSubstr;
using Endings = std::map<std::string, int>;

class ModelTrouble : public e2e::World {};

TEST_F(ModelTrouble, OneOverloadedAnswerIsWaitedOut) {
    model()->add_fault({.fault = "status=529", .match = {}, .skip = 1, .times = 1});
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"finished/none", 3}}));
}

TEST_F(ModelTrouble, ADemandedWaitIsKept) {
    model()->add_fault({.fault = "status=429;retry-after=2", .match = {}, .skip = 0, .times = 1});
    auto day = std::async(std::launch::async, [] { return daemon().tick_all(); });
    EXPECT_TRUE(e2e::eventually([] {
        const base::Json held = daemon().status().at("modelHeld");
        return held.is_object() && held.at("ms") > 0 &&
               held.at("reason").get<std::string>().find("429") != std::string::npos;
    })) << "shown while it lasts";
    const base::Json result = day.get();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    EXPECT_GE(result.at("durationMs").get<int>(), 2000);
    EXPECT_TRUE(daemon().status().at("modelHeld").is_null());
    const std::string metrics = daemon().ask("GET", "/metrics").body;
    EXPECT_THAT(metrics, testing::ContainsRegex("claude_held_until_timestamp_seconds [1-9]"));
}

TEST_F(ModelTrouble, ACutStreamIsAskedAgainAndNoCallDoubled) {
    model()->add_fault({.fault = "cut=4", .match = {}, .skip = 1, .times = 2});
    model()->add_fault(
        {.fault = "error=3;type=overloaded_error", .match = {}, .skip = 2, .times = 1});
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"finished/none", 3}}));
    e2e::expect_no_call_lost_or_doubled(daemon());
}

// All kinds at once, struck by seed: refusals, broken streams, odd framing, strange content.
TEST_F(ModelTrouble, ADayOfFaultsByChanceIsLivedAndTheJudgeFindsNothing) {
    model()->forget();
    for (const char* rule : {"status=529;retry-after=1@0.03",
                             "status=500@0.03",
                             "reset@0.03",
                             "cut=input@0.03",
                             "cut-frame@0.03",
                             "cut-utf8@0.03",
                             "close=2@0.03",
                             "end=delta@0.03",
                             "error=input@0.03",
                             "chunks@0.05",
                             "crlf@0.05",
                             "lines@0.05",
                             "gzip@0.05",
                             "unknown-block@0.05",
                             "input-cut@0.05",
                             "input-invalid@0.05",
                             "calls=5@0.05",
                             "thinking-redacted@0.05",
                             "thinking-interleaved@0.05",
                             "pause-turn@0.05"}) {
        model()->add_fault(sim::parse_rule(rule));
    }
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"finished/none", 3}}));
    e2e::expect_no_call_lost_or_doubled(daemon());
    const sim::Verdict verdict = model()->verdict();
    EXPECT_GE(verdict.total.retries, 1U) << "the seed strikes at least once";
    EXPECT_TRUE(verdict.total.clean()) << sim::to_json(verdict).dump();
}

TEST_F(ModelTrouble, TheLedgerAgreesWithTheSimulatorsOwnPrices) {
    model()->forget();
    const auto spent = [] {  // In millionths of a dollar.
        return daemon().count(
            "select coalesce(sum(cost_usd) * 1e6, 0)::bigint as count from "
            "ops.visits");
    };
    const std::int64_t before = spent();
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    ASSERT_TRUE(daemon().await_delivery());
    const sim::Verdict verdict = model()->verdict();
    EXPECT_GT(verdict.total.cost_usd, 0.001);
    EXPECT_NEAR(static_cast<double>(spent() - before), verdict.total.cost_usd * 1e6, 10);
    EXPECT_TRUE(verdict.total.clean()) << sim::to_json(verdict).dump();
}

// The most patient test: every attempt of the retry policy is made.
TEST_F(ModelTrouble, OverloadedForOnePersonaForEverFailsHerVisitAlone) {
    model()->add_fault({.fault = "status=529", .match = "Du bist Ben,", .skip = 0, .times = 0});
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 2) << result.dump();
    ASSERT_EQ(result.at("failed").size(), 1U) << result.dump();
    EXPECT_EQ(result.at("failed")[0].at("persona"), "ben");
    EXPECT_THAT(result.at("failed")[0].at("error").get<std::string>(), HasSubstr("model"));
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"finished/none", 2}, {"failed/model", 1}}));
}

TEST_F(ModelTrouble, AKeyThatIsRefusedFailsTheVisitAtOnce) {
    model()->add_fault({.fault = "status=401", .match = {}, .skip = 0, .times = 0});
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("failed").size(), 3U) << result.dump();
    EXPECT_EQ(daemon().log().find("sk-sim-test"), std::string::npos);
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"failed/model", 3}}));
    EXPECT_EQ(daemon().count("select count(*) from auth.personas where next_due_at <= now()"), 0)
        << "a failed visit makes nobody due again at once";
}

TEST_F(ModelTrouble, ARatingThatNeverComesLeavesTheDayAndMissingRatings) {
    model()->add_fault({.fault = "status=400", .match = "claude-haiku-5-5", .skip = 0, .times = 0});
    const base::Json result = daemon().tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 3) << result.dump();
    ASSERT_TRUE(daemon().await_delivery());
    EXPECT_EQ(endings(), (Endings{{"finished/none", 3}}));
    EXPECT_EQ(
        daemon().count("select count(*) from ops.ratings r join (select visit from ops.visits "
                       "order by started_at desc limit 3) v using (visit) "
                       "where r.status <> 'missing' or r.rating is not null"),
        0);
}

TEST(ModelSilence, EndsTheVisitAtItsDeadlineAndKeepsWhatWasDone) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"VISIT_DEADLINE_MS", "5000"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    model.fall_silent(2);
    const base::Json result = daemon.tick_all();
    ASSERT_EQ(result.at("failed").size(), 1U) << result.dump();
    EXPECT_THAT(result.at("failed")[0].at("error").get<std::string>(), HasSubstr("deadline"));
    ASSERT_TRUE(daemon.await_delivery());
    const base::SqlRows visit = daemon.query("select status, error_source from ops.visits");
    ASSERT_EQ(visit.size(), 1U);
    EXPECT_EQ(visit[0].text("status"), "partial");
    EXPECT_EQ(visit[0].text("error_source"), "model");
    EXPECT_GT(daemon.count("select count(*) from ops.actions"), 0);
    e2e::expect_no_call_lost_or_doubled(daemon);
}

}  // namespace
