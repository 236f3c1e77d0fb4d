// Money that several runners share: whose visits count, since when, and of which runners.
#include "auth/personas/spending.hpp"

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

    auth::Spending spending_{database_};
};

TEST_F(SpendingTest, visits_of_others_count_from_the_days_start) {
    const std::string anna = add_persona("anna");
    visit("anna", friday - hours(10), "one", 4.0);  // Yesterday.
    visit("anna", friday, "one", 0.25);
    visit("anna", friday + hours(1), "two", 0.5);
    const base::Moment today = friday - hours(9);
    EXPECT_DOUBLE_EQ(spending_.exchange("one", today, 0), 0.5);
    EXPECT_DOUBLE_EQ(spending_.exchange("two", today, 0), 0.25);
    EXPECT_DOUBLE_EQ(spending_.exchange("three", today, 0), 0.75);
    EXPECT_DOUBLE_EQ(spending_.of_personas({anna}, today).at(anna), 0.75);
    EXPECT_TRUE(spending_.of_personas({anna}, friday + hours(2)).empty());
    EXPECT_TRUE(spending_.of_personas({}, today).empty());
}

TEST_F(SpendingTest, a_visit_without_a_price_is_in_no_sum) {
    const std::string anna = add_persona("anna");
    visit("anna", friday, "one", std::nullopt);
    EXPECT_DOUBLE_EQ(spending_.exchange("two", friday - hours(9), 0), 0);
    EXPECT_TRUE(spending_.of_personas({anna}, friday - hours(9)).empty());
}

TEST_F(SpendingTest, what_a_runner_holds_counts_while_it_lives_and_for_its_day) {
    const base::Moment today = friday - hours(9);
    EXPECT_DOUBLE_EQ(spending_.exchange("one", today, 0.75), 0);
    EXPECT_DOUBLE_EQ(spending_.exchange("two", today, 0.5), 0.75);
    EXPECT_DOUBLE_EQ(spending_.exchange("one", today, 0.25), 0.5);
    EXPECT_DOUBLE_EQ(spending_.exchange("two", today + hours(24), 0), 0);  // Tomorrow.
    sql("update auth.runners set dead = true where runner_id = 'one'");
    EXPECT_DOUBLE_EQ(spending_.exchange("two", today, 0), 0);
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
