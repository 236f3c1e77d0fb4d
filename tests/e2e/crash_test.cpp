// kill -9 in the middle of visits: the next daemon on the same state directory settles everything.
#include <future>

#include "base/failure.hpp"
#include "tests/e2e/world.hpp"

namespace {

// Holds a lock that makes the workspace's calls wait, until it is let go or the server dies.
class StuckWorkspace {
  public:
    explicit StuckWorkspace(e2e::Daemon& daemon) : database_(daemon.superuser()) {
        std::future<void> locked = locked_.get_future();
        thread_ = std::thread([this] { hold(); });
        locked.get();
    }
    ~StuckWorkspace() {
        let_go_.set_value();
        thread_.join();
    }

  private:
    void hold() {
        try {
            database_.transact([this](base::Transaction& transaction) {
                transaction.run("lock table workspace.calls in access exclusive mode");
                locked_.set_value();
                let_go_.get_future().wait();
            });
        } catch (const base::Failure&) {
            // The server died under the lock, as the test wants.
        }
    }

    base::Postgres& database_;
    std::promise<void> locked_, let_go_;
    std::thread thread_;
};

TEST(Crash, ACallUnderWayIsUnknownAndNothingIsLostOrDoubled) {
    e2e::Model model;
    e2e::Daemon daemon(model.variables());
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(2);

    // First some calls that were answered, then one that never is.
    model->add_fault({.fault = "slow=400", .match = {}, .skip = 4, .times = 2});
    daemon.start_tick_all();
    daemon.await_visit([](const base::Json& visit) {
        return visit.at("toolCalls").get<int>() >= 2 && visit.at("waitingFor") == "model";
    });
    {
        StuckWorkspace stuck(daemon);
        // Not every tool touches the table: some would still be answered.
        ASSERT_TRUE(e2e::eventually([&] {
            return daemon.count(
                       "select count(*) from pg_locks where not granted "
                       "and locktype = 'relation'") > 0;
        }));
        daemon.kill();
    }
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(daemon.await_delivery());

    EXPECT_EQ(daemon.count("select count(*) from ops.visits"), 2);
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status in ('lost', 'partial')"),
              2);
    const std::int64_t unknown =
        daemon.count("select count(*) from ops.actions where outcome = 'unknown'");
    EXPECT_GE(unknown, 1);
    EXPECT_LE(unknown, 2) << "at most one call of each visit was under way";
    EXPECT_GE(daemon.count("select count(*) from ops.actions where outcome <> 'unknown'"), 2);
    e2e::expect_no_call_lost_or_doubled(daemon);
    EXPECT_EQ(daemon.outbox().at("records"), 0);
    EXPECT_TRUE(e2e::eventually([&] { return daemon.outbox_files() == 0; }));

    const base::HttpResponse tick = daemon.ask("POST", "/diag/tick");
    EXPECT_EQ(base::parse_json(tick.body, "tick").at("result").at("due"), 0) << tick.body;
    model->clear_faults();
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), 2) << "and life goes on";
}

// Wherever the end comes: starting over and over must settle every visit and double nothing.
TEST(Crash, KilledAgainAndAgainEveryVisitIsSettled) {
    e2e::Model model;
    e2e::Daemon daemon(model.variables());
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(2);
    for (const int calls : {1, 3}) {
        daemon.start_tick_all();
        daemon.await_visit(
            [calls](const base::Json& visit) { return visit.at("toolCalls").get<int>() >= calls; });
        daemon.kill();
        daemon.start();
        ASSERT_FALSE(HasFatalFailure());
    }
    ASSERT_TRUE(daemon.await_delivery());
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status = 'running'"), 0);
    e2e::expect_no_call_lost_or_doubled(daemon);
}

}  // namespace
