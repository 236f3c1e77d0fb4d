// Runners and the visits they lose: leases, nodes, deadlines, and what becomes of late records.
#include <gtest/gtest.h>

#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Outcome = auth::FinishAnswer::Outcome;

class RunnersTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday - minutes(1)); }
};

TEST_F(RunnersTest, a_runner_past_its_lease_is_dead_for_ever_and_its_visits_are_lost) {
    const std::string user = add_persona("dora");
    keep_alive("short", friday, seconds(60));
    const auto visit = claim(friday, "r", 1, false, "short").at(0);
    auth::Visits visits(database_, rules_);
    const base::Moment later = friday + seconds(61);
    // Another runner's claim notices.
    EXPECT_TRUE(claim(later, "s").empty());
    EXPECT_EQ(status_of(visit.visit_id), "lost");
    EXPECT_LE(next_due_of(user), later + rules_.retry_wait_base);
    EXPECT_GE(next_due_of(user), later + rules_.retry_wait_min);
    EXPECT_EQ(visits.claim({.runner_id = "short", .request_id = "t"}, later), std::nullopt);
    auth::Runners runners(database_, rules_);
    EXPECT_EQ(runners.heartbeat({.runner_id = "short", .node = "node-of-short"}, later),
              auth::Runners::Answer::dead);
    EXPECT_EQ(visits.claim({.runner_id = "never seen", .request_id = "t"}, later), std::nullopt);
}

TEST_F(RunnersTest, a_runner_that_comes_too_late_buries_itself) {
    add_persona("dora");
    keep_alive("short", friday, seconds(60));
    const auto visit = claim(friday, "r", 1, false, "short").at(0);
    auth::Runners runners(database_, rules_);
    const auto beat = [&](base::Moment now) {
        return runners.heartbeat({.runner_id = "short", .node = "node-of-short"}, now);
    };
    EXPECT_EQ(beat(friday + seconds(60)), auth::Runners::Answer::alive);
    EXPECT_EQ(beat(friday + seconds(120)), auth::Runners::Answer::alive);
    EXPECT_EQ(status_of(visit.visit_id), "running");
    EXPECT_EQ(beat(friday + seconds(181)), auth::Runners::Answer::dead);
    EXPECT_EQ(status_of(visit.visit_id), "lost");
}

TEST_F(RunnersTest, registering_a_node_loses_the_visits_of_its_earlier_runner_at_once) {
    add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    auth::Runners runners(database_, rules_);
    EXPECT_EQ(runners.heartbeat({.runner_id = "runner-2", .node = "node-of-runner"}, friday),
              auth::Runners::Answer::alive);
    EXPECT_EQ(status_of(visit.visit_id), "lost");
    EXPECT_EQ(runners.heartbeat({.runner_id = "runner", .node = "node-of-runner"}, friday),
              auth::Runners::Answer::dead);
    // Other nodes are none of its business.
    keep_alive("elsewhere", friday);
    EXPECT_EQ(runners.heartbeat({.runner_id = "runner-2", .node = "node-of-runner"}, friday),
              auth::Runners::Answer::alive);
}

TEST_F(RunnersTest, a_visit_five_minutes_past_its_deadline_is_lost_though_its_runner_lives) {
    add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    const base::Moment edge = visit.deadline + minutes(5);
    claim(edge, "s");
    EXPECT_EQ(status_of(visit.visit_id), "running");
    claim(edge + seconds(1), "t");
    EXPECT_EQ(status_of(visit.visit_id), "lost");
    const auto row = sql("select reason, error_source from auth.persona_visits where tick_id = $1",
                         {visit.visit_id})[0];
    EXPECT_EQ(row.text("reason"), "deadline_exceeded");
    EXPECT_EQ(row.text("error_source"), "infra");
}

TEST_F(RunnersTest, a_lost_visit_that_acted_gets_no_second_day) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    store(user, {action(visit.visit_id, 1)});
    claim(friday + hours(1), "s");
    EXPECT_EQ(status_of(visit.visit_id), "lost");
    EXPECT_EQ(next_due_of(user), friday + hours(24));
    EXPECT_EQ(last_active_of(user), friday);
}

TEST_F(RunnersTest, rows_that_arrive_after_the_loss_call_off_the_retry) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    claim(friday + hours(1), "s");
    const base::Moment retry = next_due_of(user);
    EXPECT_LT(retry, friday + hours(2));
    store(user, {action(visit.visit_id, 1)}, friday + hours(1));
    EXPECT_EQ(next_due_of(user), retry);  // Rows never move due-ness.
    EXPECT_TRUE(claim(retry, "t").empty());
    EXPECT_EQ(next_due_of(user), friday + hours(24));
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_EQ(claim(friday + hours(24), "u").at(0).attempt, 1);
}

TEST_F(RunnersTest, the_end_of_a_lost_visit_keeps_its_costs_but_not_its_status) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    claim(friday + hours(1), "s");
    const base::Moment due = next_due_of(user);
    catalog::VisitEnd end = finished();
    end.tokens.output = 99;
    end.cost_usd = 1.5;
    end.summary = "It was a day after all.";
    const auto answer = finish(visit.visit_id, friday + hours(2), end);
    EXPECT_EQ(answer.outcome, Outcome::lost);
    EXPECT_EQ(finish(visit.visit_id, friday + hours(2), end).outcome, Outcome::lost);
    end.status = catalog::VisitEnd::Status::failed;
    end.handed_back = true;
    EXPECT_EQ(finish(visit.visit_id, friday + hours(2), end).outcome, Outcome::lost);
    const auto row =
        sql("select * from auth.persona_visits where tick_id = $1", {visit.visit_id})[0];
    EXPECT_EQ(row.text("status"), "lost");
    EXPECT_EQ(row.text("reason"), "deadline_exceeded");
    EXPECT_EQ(row.integer("tokens_output"), 99);
    EXPECT_EQ(row.number("cost_usd"), 1.5);
    EXPECT_EQ(row.text("summary"), "It was a day after all.");
    EXPECT_EQ(next_due_of(user), due);
    EXPECT_EQ(last_active_of(user), std::nullopt);
}

}  // namespace
}  // namespace tests
