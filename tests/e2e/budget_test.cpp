// Money over the whole program: the budget of a day survives restarts, and what has no price is
// refused; what a demo day reads from the cache and pays for its ratings.
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
