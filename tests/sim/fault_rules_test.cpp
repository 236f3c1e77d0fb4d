#include "sim/fault_rules.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "sim/identity.hpp"

namespace {

std::optional<sim::Fault> rules_take(sim::FaultRules& rules, std::string_view body) {
    return rules.take({.body = body, .identity = body, .streamed = true, .tools = true});
}

// Numbers of the requests that were struck.
std::vector<int> rules_struck(std::uint64_t seed, const std::vector<int>& order) {
    sim::FaultRules rules(seed);
    rules.add(sim::parse_rule("status=529@0.2"));
    std::vector<int> struck;
    for (const int number : order) {
        if (rules_take(rules, "request " + std::to_string(number))) struck.push_back(number);
    }
    std::sort(struck.begin(), struck.end());
    return struck;
}

TEST(FaultRules, wait_match_and_wear_out) {
    sim::FaultRules rules(1);
    rules.add({.fault = "status=529", .match = "Anna", .skip = 1, .times = 2});
    rules.add({.fault = "cut=3", .match = "Ben", .times = 1});
    EXPECT_FALSE(rules_take(rules, "Anna"));
    EXPECT_FALSE(rules_take(rules, "Carla"));
    EXPECT_EQ(rules_take(rules, "Anna")->value, 529);
    EXPECT_EQ(rules_take(rules, "Ben")->value, 3);
    EXPECT_FALSE(rules_take(rules, "Ben"));
    EXPECT_EQ(rules_take(rules, "Anna")->value, 529);
    EXPECT_FALSE(rules_take(rules, "Anna"));
}

TEST(FaultRules, zero_times_means_always_until_cleared) {
    sim::FaultRules rules(1);
    rules.add({.fault = "status=500", .times = 0});
    for (int at = 0; at < 5; ++at) EXPECT_TRUE(rules_take(rules, "x"));
    rules.clear();
    EXPECT_FALSE(rules_take(rules, "x"));
}

TEST(FaultRules, pass_over_what_they_cannot_strike) {
    sim::FaultRules rules(1);
    rules.add({.fault = "calls=3", .times = 1});
    EXPECT_FALSE(rules.take({.body = "x", .identity = {}, .streamed = true, .tools = false}));
    EXPECT_TRUE(rules.take({.body = "x", .identity = {}, .streamed = true, .tools = true}));
}

TEST(FaultRules, the_same_seed_strikes_the_same_requests_in_any_order) {
    std::vector<int> order(1000);
    for (int at = 0; at < 1000; ++at) order[static_cast<std::size_t>(at)] = at;
    const std::vector<int> struck = rules_struck(7, order);
    EXPECT_GT(struck.size(), 140U);
    EXPECT_LT(struck.size(), 260U);
    std::reverse(order.begin(), order.end());
    EXPECT_EQ(rules_struck(7, order), struck);
    EXPECT_NE(rules_struck(8, order), struck);
}

TEST(FaultRules, equal_rules_draw_for_themselves) {
    sim::FaultRules rules(1);
    for (int at = 0; at < 2; ++at) rules.add(sim::parse_rule("status=500@0.5"));
    int struck = 0;
    for (int at = 0; at < 1000; ++at) {
        struck += rules_take(rules, std::to_string(at)).has_value() ? 1 : 0;
    }
    EXPECT_GT(struck, 700) << "one of two coins, three times of four";
    EXPECT_LT(struck, 800);
}

TEST(FaultRules, text_of_a_rule_names_its_share) {
    EXPECT_EQ(sim::parse_rule("cut=3").probability, 1);
    EXPECT_EQ(sim::parse_rule("cut=3").times, 0U);
    EXPECT_EQ(sim::parse_rule(" status=529;retry-after=1 @ 0.05 ").probability, 0.05);
    EXPECT_EQ(sim::parse_rule("status=529;retry-after=1@0.05").fault, "status=529;retry-after=1");
    for (const char* text :
         {"cut=3@", "cut=3@x", "cut=3@0", "cut=3@1.5", "cut=3@-1", "cut=3@nan", "explode@0.5"}) {
        EXPECT_THROW(sim::parse_rule(text), base::Failure) << text;
    }
}

TEST(Identities, name_requests_without_ids_and_tell_attempts_apart) {
    const base::Json one = base::Json::parse(
        R"({"model":"m","system":"Du bist Anna.","messages":[{"role":"user","content":"Am 2026-11-21 todo."},
            {"role":"assistant","content":[{"type":"tool_use","id":"toolu_1"}]}]})");
    base::Json other = one;
    other["messages"][0]["content"] = "Am 2026-11-22 todo.";
    other["messages"][1]["content"][0]["id"] = "toolu_2";
    sim::Identities first;
    sim::Identities second;
    const std::string name = first.next(one, {});
    EXPECT_EQ(name, second.next(other, {}));
    EXPECT_NE(name, first.next(one, {})) << "the second attempt draws anew";
    base::Json later = one;
    later["messages"].push_back({{"role", "user"}, {"content", "x"}});
    EXPECT_NE(name, sim::Identities().next(later, {}));
    EXPECT_EQ(sim::Identities().next(base::Json(), "no json"),
              sim::Identities().next(base::Json(), "no json"));
}

}  // namespace
