// SIGTERM while visits run: what was done is handed in before the daemon ends.
#include <algorithm>
#include <csignal>

#include "tests/e2e/world.hpp"

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

}  // namespace
