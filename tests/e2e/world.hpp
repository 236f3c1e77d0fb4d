// What most tests start from: the Claude simulator in the test process and one daemon that hosts
// everything, with the catalog's first personas in it.
#pragma once

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "sim/claude.hpp"
#include "tests/e2e/daemon.hpp"

namespace e2e {

class Model {
  public:
    explicit Model(std::chrono::milliseconds pacing = std::chrono::milliseconds{1})
        : claude_({.pacing = pacing}, clock_) {
        claude_.start();
    }
    sim::Claude* operator->() { return &claude_; }
    // What a daemon needs to reach it.
    Variables variables() const {
        return {{"ANTHROPIC_BASE_URL", claude_.url()}, {"ANTHROPIC_API_KEY", "sk-sim-test"}};
    }

    // After `skip` requests (that contain `match`) replies begin and then say nothing more: visits
    // stay where they are.
    void fall_silent(std::size_t skip, const std::string& match = {}) {
        claude_.add_fault({.fault = "silence=1", .match = match, .skip = skip, .times = 0});
    }

  private:
    base::SystemClock clock_;
    sim::Claude claude_;
};

inline Variables joined(Variables all, const Variables& more) {
    for (const auto& [name, value] : more) all[name] = value;
    return all;
}

// One world per test suite, made by its first test.
class World : public testing::Test {
  protected:
    static constexpr std::size_t personas = 3;

    static void SetUpTestSuite() { begin({}); }
    // For suites that want their daemon otherwise.
    static void begin(const Variables& more) {
        model_ = new Model;
        daemon_ =
            new Daemon(joined(joined(model_->variables(), {{"SHUTDOWN_GRACE_MS", "300"}}), more));
        daemon_->start();
        if (!HasFatalFailure()) daemon_->seed(personas);
    }
    static void TearDownTestSuite() {
        delete daemon_;
        delete model_;
        daemon_ = nullptr;
        model_ = nullptr;
    }
    void SetUp() override {
        ASSERT_TRUE(daemon_->is_well());
        // Whose end is not confirmed counts as visiting still.
        ASSERT_TRUE(daemon_->await_delivery());
        first_visit_ = visits();
    }
    void TearDown() override { model()->clear_faults(); }

    static Model& model() { return *model_; }
    static Daemon& daemon() { return *daemon_; }
    static std::int64_t visits() {
        return daemon_->count("select count(*) from auth.persona_visits");
    }
    // Visits that this test made: "status/source" with its number, e.g. {"finished/none": 3}.
    std::map<std::string, int> endings() const {
        std::map<std::string, int> result;
        for (const base::SqlRow row : daemon_->query(
                 "select status || '/' || coalesce(error_source, '') as ending from ops.visits "
                 "order by started_at offset $1::bigint",
                 {first_visit_})) {
            ++result[row.text("ending")];
        }
        return result;
    }

  private:
    static inline Model* model_ = nullptr;
    static inline Daemon* daemon_ = nullptr;
    std::int64_t first_visit_ = 0;
};

// Every call that the workspace ran is a row, and every row that is `ok` was run: once.
inline void expect_no_call_lost_or_doubled(Daemon& daemon) {
    EXPECT_EQ(daemon.count(R"(select count(*) from workspace.calls c where not exists (
                  select from ops.actions a where a.visit = c.visit_id and a.seq = c.visit_seq))"),
              0)
        << "calls without a row";
    EXPECT_EQ(daemon.count(R"(select count(*) from ops.actions a where a.outcome = 'ok' and
                  (select count(*) from workspace.calls c
                   where c.visit_id = a.visit and c.visit_seq = a.seq) <> 1)"),
              0)
        << "rows that say ok, not run exactly once";
    EXPECT_EQ(daemon.count(R"(select count(*) from (select from workspace.changes
                  where visit_id is not null and op = 'insert'
                  group by visit_id, visit_seq, table_name, data having count(*) > 1) as twice)"),
              0)
        << "the same record made twice by one call";
}

}  // namespace e2e
