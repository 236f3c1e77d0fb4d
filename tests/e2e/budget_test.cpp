// Money over the whole program: the budget of a day survives restarts, and what has no price is
// refused; what a demo day reads from the cache and pays for its ratings.
#include <future>

#include "base/http.hpp"
#include "tests/e2e/world.hpp"

namespace {

using testing::HasSubstr;

double metric(const e2e::Daemon& daemon, const std::string& name) {
    const std::string text = daemon.ask("GET", "/metrics").body;
    const std::size_t at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

TEST(Budget, ADayIsReadFromTheCacheAndItsRatingsAreCheap) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"PERSONA_CONCURRENCY", "10"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(10);
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), 10);
    EXPECT_GE(metric(daemon, "persona_cache_prefix_ratio"), 0.85);
    ASSERT_TRUE(daemon.await_delivery());
    const base::Json forecast = daemon.verb({"forecast", "--json"}).json();
    EXPECT_EQ(forecast.at("source"), "measured");
    EXPECT_EQ(forecast.at("measured").at("visits"), 10);
    EXPECT_GT(forecast.at("perDay").at("usd").get<double>(), 0);
    EXPECT_EQ(metric(daemon, "persona_ratings_asked_total"), 10);
    EXPECT_LE(metric(daemon, "persona_rating_cost_usd_total") / 10, 0.005);
    EXPECT_GT(metric(daemon, "persona_rating_cost_usd_total"), 0);
    RecordProperty("cached_prefix", std::to_string(metric(daemon, "persona_cache_prefix_ratio")));
    RecordProperty("rating_usd",
                   std::to_string(metric(daemon, "persona_rating_cost_usd_total") / 10));
}

TEST(Budget, OfADaySurvivesAKillAndCountsForTheNextProcess) {
    e2e::Model model;
    e2e::Daemon daemon(
        e2e::joined(model.variables(), {{"BUDGET_DAY_USD", "0.2"}, {"PERSONA_CONCURRENCY", "3"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(3);
    for (int tick = 0; tick < 20; ++tick) {
        if (daemon.ask("POST", "/diag/tick", R"({"due":"all"})").status != 200) break;
    }
    const auto budget = [&] { return daemon.status().at("budget"); };
    EXPECT_THAT(budget().at("stopped").get<std::string>(), HasSubstr("BUDGET_DAY_USD"));
    const double spent = budget().at("today").at("spentUsd");
    EXPECT_GT(spent, 0.1);
    EXPECT_LE(spent, 0.2);
    ASSERT_TRUE(daemon.await_delivery());
    daemon.kill();
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_NEAR(daemon.query("select sum(cost_usd) as usd from ops.costs")[0].number("usd"), spent,
                1e-3);
    EXPECT_NEAR(budget().at("today").at("elsewhereUsd").get<double>(), spent, 1e-3);
    EXPECT_LT(budget().at("today").at("spentUsd").get<double>(), 0.2 - spent + 1e-9);
}

// Two daemons tick at the same time on one auth service, until neither may start a visit.
TEST(Budget, OfADayIsOneForTwoDaemons) {
    constexpr double cap = 0.4;
    e2e::Model model;
    const e2e::Variables both = e2e::joined(
        model.variables(), {{"BUDGET_DAY_USD", std::to_string(cap)}, {"PERSONA_CONCURRENCY", "5"}});
    e2e::Daemon first(both);
    first.start();
    ASSERT_FALSE(HasFatalFailure());
    first.seed(10);
    e2e::Daemon second(e2e::joined(
        both, {{"MANA_AUTH_URL", first.auth_url()}, {"MANA_MCP_URL", first.mcp_url()}}));
    second.start();
    ASSERT_FALSE(HasFatalFailure());
    const auto live = [](e2e::Daemon& daemon) {
        for (int tick = 0; tick < 40; ++tick) {
            if (daemon.ask("POST", "/diag/tick", R"({"due":"all"})").status != 200) return true;
        }
        return false;  // Money for ever.
    };
    auto other = std::async(std::launch::async, live, std::ref(second));
    EXPECT_TRUE(live(first));
    EXPECT_TRUE(other.get());
    ASSERT_TRUE(first.await_delivery());
    ASSERT_TRUE(second.await_delivery());
    const auto spent = first.query(
        "select sum(cost_usd) as usd, count(distinct runner) as runners from ops.visits")[0];
    EXPECT_LE(spent.number("usd"), cap);
    EXPECT_GT(spent.number("usd"), cap / 2);
    EXPECT_EQ(spent.integer("runners"), 2);
    for (e2e::Daemon* daemon : {&first, &second}) {
        EXPECT_THAT(daemon->status().at("budget").at("stopped").get<std::string>(),
                    HasSubstr("BUDGET_DAY_USD"));
    }
    RecordProperty("spent_usd", std::to_string(spent.number("usd")));
}

TEST(Budget, APersonaWithoutMoneyTodayKeepsHerAttempts) {
    e2e::Model model;
    // Less than one request may cost.
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"BUDGET_PERSONA_DAY_USD", "0.01"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    for (int tick = 0; tick < 4; ++tick) {
        daemon.tick_all();
        ASSERT_TRUE(daemon.await_delivery());
    }
    EXPECT_EQ(daemon
                  .query("select count(*) as n from ops.visits where handed_back and attempt = 1 "
                         "and reason like '%BUDGET_PERSONA_DAY_USD%'")[0]
                  .integer("n"),
              4);
    EXPECT_EQ(daemon.count("select count(*) from auth.personas where next_due_at = "
                           "date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' "
                           "+ interval '1 day'"),
              1);
    EXPECT_EQ(daemon.count("select count(*) from auth.skipped_slots"), 0);
}

TEST(Budget, AForecastNeedsNeitherDaemonNorDatabase) {
    e2e::Daemon daemon;  // Never started.
    const e2e::Outcome said = daemon.verb({"forecast", "--days", "7"});
    EXPECT_EQ(said.exit_code, 0) << said.err;
    EXPECT_THAT(said.out, HasSubstr("A visit is assumed"));
    EXPECT_THAT(said.out, HasSubstr("7 days"));
    EXPECT_EQ(daemon.verb({"forecast", "--days", "0"}).exit_code, 2);
}

TEST(Budget, WithAModelThatHasNoPriceDoesNotStart) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {}));
    const e2e::Outcome refused = daemon.verb(
        {"serve"}, {{"BUDGET_DAY_USD", "5"}, {"PERSONA_MODEL", "somebody-elses-model"}});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("PERSONA_PRICES"));
    EXPECT_THAT(refused.err, HasSubstr("somebody-elses-model"));
}

}  // namespace
