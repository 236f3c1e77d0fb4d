// Money that several runners share: whose visits count, since when, and of which runners.
#include "auth/personas/spending.hpp"

#include <future>

#include "tests/auth/persona_support.hpp"

namespace tests {

namespace {

using std::chrono::hours;

class SpendingTest : public PersonaTest {
  protected:
    void SetUp() override {
        keep_alive("one", friday);
        keep_alive("two", friday);
    }
    // She visits at `now` through `runner`, at this cost.
    void visit(const std::string& name, base::Moment now, const std::string& runner,
               std::optional<double> cost) {
        const std::string request = name + runner;
        const auto claimed = claim(now, request, 100, true, runner);
        for (const auto& one : claimed) {
            catalog::VisitEnd end = finished();
            if (one.persona.name == name) end.cost_usd = cost;
            finish(one.visit_id, now, end);
        }
    }

    double elsewhere(const std::string& runner, base::Moment since, double open_usd) {
        return spending_.exchange(runner, {.since = since, .open_usd = open_usd}).elsewhere_usd;
    }
    // What a limit of 10 USD leaves to a runner that holds `open_usd` and wants `want_usd`.
    std::optional<double> granted(const std::string& runner, double open_usd, double want_usd,
                                  base::Moment since = friday - hours(9)) {
        return spending_
            .exchange(runner, {.since = since,
                               .open_usd = open_usd,
                               .want_usd = want_usd,
                               .limit_usd = 10,
                               .number = ++reports_})
            .granted_usd;
    }

    auth::Spending spending_{database_};
    std::int64_t reports_ = 0;
};

TEST_F(SpendingTest, visits_of_others_count_from_the_days_start) {
    const std::string anna = add_persona("anna");
    visit("anna", friday - hours(10), "one", 4.0);  // Yesterday.
    visit("anna", friday, "one", 0.25);
    visit("anna", friday + hours(1), "two", 0.5);
    const base::Moment today = friday - hours(9);
    EXPECT_DOUBLE_EQ(elsewhere("one", today, 0), 0.5);
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0), 0.25);
    EXPECT_DOUBLE_EQ(elsewhere("three", today, 0), 0.75);
    EXPECT_DOUBLE_EQ(spending_.of_personas({anna}, today).at(anna), 0.75);
    EXPECT_TRUE(spending_.of_personas({anna}, friday + hours(2)).empty());
    EXPECT_TRUE(spending_.of_personas({}, today).empty());
}

TEST_F(SpendingTest, a_visit_without_a_price_is_in_no_sum) {
    const std::string anna = add_persona("anna");
    visit("anna", friday, "one", std::nullopt);
    EXPECT_DOUBLE_EQ(elsewhere("two", friday - hours(9), 0), 0);
    EXPECT_TRUE(spending_.of_personas({anna}, friday - hours(9)).empty());
}

TEST_F(SpendingTest, what_a_runner_holds_counts_while_it_lives_and_for_its_day) {
    const base::Moment today = friday - hours(9);
    EXPECT_DOUBLE_EQ(elsewhere("one", today, 0.75), 0);
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0.5), 0.75);
    EXPECT_DOUBLE_EQ(elsewhere("one", today, 0.25), 0.5);
    EXPECT_DOUBLE_EQ(elsewhere("two", today + hours(24), 0), 0);  // Tomorrow.
}

TEST_F(SpendingTest, what_a_dead_runner_held_counts_until_the_next_one_of_its_node_has_reported) {
    const base::Moment today = friday - hours(9);
    add_persona("anna");
    add_persona("ben");
    const auto claimed = claim(friday, "r", 2, true, "one");
    ASSERT_EQ(claimed.size(), 2U);
    EXPECT_DOUBLE_EQ(elsewhere("one", today, 0.75), 0);
    sql("update auth.runners set dead = true where runner_id = 'one'");
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0), 0.75);
    // One of its visits arrives: its cost takes the place of what was held.
    catalog::VisitEnd end = finished();
    end.cost_usd = 0.5;
    finish(claimed[0].visit_id, friday + std::chrono::minutes(1), end);
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0), 0.75);
    auth::Runners runners(database_, rules_);
    runners.heartbeat({.runner_id = "after one", .node = "node-of-one", .lease = hours(1)},
                      friday + std::chrono::minutes(2));
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0), 0.75);
    EXPECT_DOUBLE_EQ(elsewhere("after one", today, 0.125), 0.5);
    EXPECT_DOUBLE_EQ(elsewhere("two", today, 0), 0.625);
}

TEST_F(SpendingTest, together_runners_hold_no_more_than_the_limit) {
    add_persona("anna");
    visit("anna", friday, "one", 1.0);
    EXPECT_EQ(granted("one", 0, 6), 6);
    EXPECT_EQ(granted("two", 0, 6), 3);  // What is left.
    EXPECT_EQ(granted("two", 3, 6), 3);
    EXPECT_EQ(granted("one", 2, 2), 2);  // It needs no more than that,
    EXPECT_EQ(granted("two", 3, 6), 6);  // so the others may have it.
    EXPECT_EQ(granted("one", 2, 8), 3);
    // What was spent before it was known to be too much is held all the same.
    EXPECT_EQ(granted("one", 5, 8), 5);
    EXPECT_EQ(granted("two", 0, 1), 1);
    EXPECT_EQ(granted("one", 0, 4, friday + hours(15)), 4);  // Another day.
}

TEST_F(SpendingTest, a_report_that_arrives_late_changes_nothing) {
    const base::Moment today = friday - hours(9);
    const auto report = [&](std::int64_t number, double want) {
        return spending_.exchange(
            "one",
            {.since = today, .open_usd = 0, .want_usd = want, .limit_usd = 10, .number = number});
    };
    EXPECT_EQ(report(2, 6).granted_usd, 6);
    EXPECT_EQ(report(1, 1).granted_usd, std::nullopt);
    EXPECT_EQ(elsewhere("two", today, 0), 6);
}

TEST_F(SpendingTest, simultaneous_grants_do_not_pass_the_limit) {
    std::vector<std::future<std::optional<double>>> calls;
    for (int i = 0; i < 8; ++i) keep_alive("runner " + std::to_string(i), friday);
    for (int i = 0; i < 8; ++i) {
        calls.push_back(std::async(std::launch::async, [this, i] {
            return spending_
                .exchange("runner " + std::to_string(i), {.since = friday - hours(9),
                                                          .open_usd = 0,
                                                          .want_usd = 3,
                                                          .limit_usd = 10,
                                                          .number = 1})
                .granted_usd;
        }));
    }
    double sum = 0;
    for (auto& call : calls) sum += call.get().value_or(0);
    EXPECT_DOUBLE_EQ(sum, 10);
}

TEST_F(SpendingTest, operators_see_costs_by_day_and_what_has_no_price) {
    add_persona("anna");
    for (const auto& [cost, request] :
         {std::pair{std::optional(0.25), "a"}, std::pair{std::optional(0.75), "b"},
          std::pair{std::optional<double>(), "c"}}) {
        for (const auto& one : claim(friday, request, 1, true, "one")) {
            catalog::VisitEnd end = finished();
            end.model = "claude-sonnet-5-5";
            end.tokens = {.input = 10, .output = 5, .cache_write = 10, .cache_read = 60};
            end.cost_usd = cost;
            finish(one.visit_id, friday, end);
        }
    }
    const base::SqlRow row = sql("select * from ops.costs")[0];
    EXPECT_EQ(row.integer("visits"), 3);
    EXPECT_EQ(row.integer("unpriced"), 1);
    EXPECT_DOUBLE_EQ(row.number("cost_usd"), 1.0);
    EXPECT_DOUBLE_EQ(row.number("mean_cost_usd"), 0.5);
    EXPECT_DOUBLE_EQ(row.number("cache_read_share"), 0.75);
}

}  // namespace

}  // namespace tests
