// SIGTERM while visits run: what was done is handed in before the daemon ends.
#include <algorithm>
#include <csignal>

#include "tests/e2e/world.hpp"
#include "tests/support/service_manager.hpp"

namespace {

bool has_acted(const base::Json& visit) {
    return visit.at("toolCalls").get<int>() >= 1 && visit.at("waitingFor") == "model";
}

TEST(Stop, VisitsUnderWayAreHandedInAsPartialAndNothingIsLost) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"SHUTDOWN_GRACE_MS", "300"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(2);
    model.fall_silent(3, "Du bist Anna,");
    model.fall_silent(3, "Du bist Ben,");
    daemon.start_tick_all();
    ASSERT_TRUE(e2e::eventually([&] {
        const base::Json running = daemon.status().at("running");
        return running.size() == 2 && std::all_of(running.begin(), running.end(), has_acted);
    })) << daemon.status().dump(2);

    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_EQ(daemon.outbox_files(), 0U) << "handed in before the end";

    model->clear_faults();
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status = 'partial'"), 2);
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where error_source = 'infra' and "
                           "reason like '%told to stop%'"),
              2);
    EXPECT_EQ(daemon.count("select count(*) from ops.actions where outcome = 'unknown'"), 0);
    EXPECT_GE(daemon.count("select count(*) from ops.actions"), 2);
    e2e::expect_no_call_lost_or_doubled(daemon);
    const base::HttpResponse tick = daemon.ask("POST", "/diag/tick");
    EXPECT_EQ(base::parse_json(tick.body, "tick").at("result").at("due"), 0)
        << "a partial day is a day";
}

TEST(Stop, VisitsThatEndWithinTheGraceFinish) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"SHUTDOWN_GRACE_MS", "60000"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    daemon.start_tick_all();
    daemon.await_visit([](const base::Json&) { return true; });
    EXPECT_EQ(daemon.stop(), 0);
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status = 'finished'"), 1);
}

TEST(Stop, ASecondSignalSkipsTheGrace) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"SHUTDOWN_GRACE_MS", "3600000"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    model.fall_silent(1);
    daemon.start_tick_all();
    daemon.await_visit(has_acted);
    daemon.program().signal(SIGTERM);
    ASSERT_TRUE(e2e::eventually(
        [&] { return daemon.ask("GET", "/health").body.find("draining") != std::string::npos; }));
    EXPECT_EQ(daemon.ask("POST", "/diag/tick").status, 503) << "no visit starts any more";
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_EQ(daemon.outbox_files(), 0U);
}

TEST(Stop, AVisitWithoutActionsIsHandedBackAndItsAttemptIsNotUsedUp) {
    e2e::Model model;
    e2e::Daemon daemon(e2e::joined(model.variables(), {{"SHUTDOWN_GRACE_MS", "0"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(1);
    model.fall_silent(1);
    daemon.start_tick_all();
    daemon.await_visit([](const base::Json& visit) { return visit.at("waitingFor") == "model"; });
    EXPECT_EQ(daemon.stop(), 0);
    EXPECT_EQ(daemon.outbox_files(), 0U);

    model->clear_faults();
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status = 'failed'"), 1);
    const base::HttpResponse tick = daemon.ask("POST", "/diag/tick");
    const base::Json result = base::parse_json(tick.body, "tick").at("result");
    EXPECT_EQ(result.at("due"), 1) << "her day is still to be lived: " << tick.body;
    EXPECT_EQ(result.at("ranSuccessfully"), 1) << tick.body;
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where attempt = 1"), 2)
        << "the cut attempt does not count";
}

TEST(Stop, TheServiceManagerAndHealthHearTheTruthThroughAllOfIt) {
    e2e::Model model;
    // An abstract address: the daemon, which is not root, may not enter our folders.
    const std::string socket = "@persona-runner-stop-" + std::to_string(::getpid());
    test_support::ServiceManager manager(socket);
    ASSERT_TRUE(manager.bound());
    e2e::Daemon daemon(e2e::joined(model.variables(),
                                   {{"SHUTDOWN_GRACE_MS", "3600000"}, {"NOTIFY_SOCKET", socket}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_TRUE(manager.await("READY=1", std::chrono::seconds{60}));
    EXPECT_TRUE(daemon.is_well());
    daemon.seed(1);
    model.fall_silent(1);
    daemon.start_tick_all();
    daemon.await_visit(has_acted);

    daemon.program().signal(SIGTERM);
    EXPECT_TRUE(manager.await("STOPPING=1", std::chrono::seconds{30}));
    const auto told = manager.await("1 visits have ", std::chrono::seconds{30});
    ASSERT_TRUE(told);
    EXPECT_NE(told->find("EXTEND_TIMEOUT_USEC="), std::string::npos)
        << "an hour's grace is longer than the unit's TimeoutStopSec: " << *told;
    const base::HttpResponse health = daemon.ask("GET", "/health");
    EXPECT_EQ(health.status, 503);
    EXPECT_EQ(base::parse_json(health.body, "health").at("status"), "draining");
    EXPECT_EQ(daemon.ask("GET", "/health/live").status, 200) << "it is alive all the same";
    EXPECT_EQ(daemon.status().at("running").size(), 1U) << "the running visit goes on";

    EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
