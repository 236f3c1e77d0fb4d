#include "sim/oracle.hpp"

#include <gtest/gtest.h>

#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;
using sim::Oracle;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct OracleRoom {
    Oracle oracle;
    base::Steady now{std::chrono::hours{1}};

    Oracle::Seen arrive(const Json& body, const std::string& key = "key") {
        const std::string text = body.dump();
        return oracle.arrive(
            {.key = key, .body = body, .text = text, .at = base::Moment{}, .steady = now});
    }
    // Answered with calls of these ids, whole.
    void answer(const Oracle::Seen& seen, const std::vector<std::string>& calls = {}) {
        Json message = {{"stop_reason", "end_turn"}, {"content", Json::array()}};
        for (const std::string& id : calls) {
            message["content"].push_back({{"type", "tool_use"}, {"id", id}});
        }
        oracle.answer(seen.number, message, {.input = 1000, .output = 100});
        oracle.begin(seen.number);
        oracle.end(seen.number, true, now);
    }
    void refuse(const Oracle::Seen& seen, std::optional<milliseconds> demanded) {
        oracle.refuse(seen.number, demanded, now);
        oracle.end(seen.number, true, now);
    }
};

TEST(Oracle, a_well_behaved_day_is_clean) {
    OracleRoom room;
    Json body = sim_tests::minimal_body();
    room.answer(room.arrive(body), {"toolu_1"});
    sim_tests::add_call(body, "toolu_1", "todo_list", Json::object(), "[]");
    const Oracle::Seen second = room.arrive(body);
    EXPECT_TRUE(second.extends_previous);
    room.answer(second);
    const sim::Verdict verdict = room.oracle.verdict();
    EXPECT_TRUE(verdict.total.clean());
    EXPECT_EQ(verdict.total.requests, 2U);
    EXPECT_EQ(verdict.total.replies, 2U);
    EXPECT_EQ(verdict.conversations.size(), 1U);
    EXPECT_EQ(verdict.total.usage.input, 2000);
    EXPECT_DOUBLE_EQ(verdict.total.cost_usd, 2 * (1000 * 2e-6 + 100 * 10e-6));
}

TEST(Oracle, a_rewritten_history_is_found) {
    OracleRoom room;
    Json body = sim_tests::minimal_body();
    room.answer(room.arrive(body), {"toolu_1"});
    sim_tests::add_call(body, "toolu_1", "todo_list", Json::object(), "[]");
    room.answer(room.arrive(body), {"toolu_2"});
    body["messages"][0]["content"] = "Guten Abend.";
    sim_tests::add_call(body, "toolu_2", "todo_list", Json::object(), "[]");
    EXPECT_FALSE(room.arrive(body).extends_previous);
    const sim::Verdict verdict = room.oracle.verdict();
    EXPECT_EQ(verdict.total.rewritten, 1U);
    ASSERT_EQ(verdict.findings.size(), 1U);
    EXPECT_EQ(verdict.findings[0].kind, "rewritten");
    EXPECT_EQ(verdict.conversations.size(), 1U) << "its calls say where it belongs";
}

TEST(Oracle, two_equal_openings_are_two_conversations_once_they_go_on) {
    OracleRoom room;
    Json one = sim_tests::minimal_body();
    Json other = one;
    room.answer(room.arrive(one), {"toolu_1"});
    sim_tests::add_call(one, "toolu_1", "todo_list", Json::object(), "[]");
    room.answer(room.arrive(one), {"toolu_2"});
    const Oracle::Seen fresh = room.arrive(other);
    EXPECT_TRUE(fresh.extends_previous);
    room.answer(fresh, {"toolu_3"});
    sim_tests::add_call(other, "toolu_3", "todo_list", Json::object(), "[1]");
    EXPECT_EQ(room.arrive(other).conversation, fresh.conversation);
    sim_tests::add_call(one, "toolu_2", "todo_list", Json::object(), "[]");
    EXPECT_NE(room.arrive(one).conversation, fresh.conversation);
    EXPECT_TRUE(room.oracle.verdict().total.clean());
}

TEST(Oracle, a_retry_before_its_time_is_found) {
    OracleRoom room;
    const Json body = sim_tests::minimal_body();
    room.refuse(room.arrive(body), seconds{7});
    room.now += milliseconds{6'999};
    const Oracle::Seen early = room.arrive(body);
    EXPECT_EQ(early.attempt, 2U);
    room.refuse(early, seconds{7});
    room.now += seconds{7};
    room.answer(room.arrive(body));
    const sim::Verdict verdict = room.oracle.verdict();
    EXPECT_EQ(verdict.total.early, 1U);
    EXPECT_EQ(verdict.total.retries, 2U);
    EXPECT_EQ(verdict.total.refused, 2U);
    EXPECT_EQ(verdict.attempts_most, 3U);
    ASSERT_EQ(verdict.retries.size(), 2U);
    EXPECT_EQ(verdict.retries[0].waited, milliseconds{6'999});
    EXPECT_EQ(verdict.retries[1].demanded, seconds{7});
}

TEST(Oracle, a_broken_reply_demands_no_wait_and_costs_at_most_itself) {
    OracleRoom room;
    const Json body = sim_tests::minimal_body();
    const Oracle::Seen seen = room.arrive(body);
    room.oracle.answer(seen.number, {{"stop_reason", "end_turn"}, {"content", Json::array()}},
                       {.input = 1'000'000});
    room.oracle.begin(seen.number);
    room.oracle.end(seen.number, false, room.now);
    room.answer(room.arrive(body));
    const sim::Verdict verdict = room.oracle.verdict();
    EXPECT_EQ(verdict.total.broken, 1U);
    EXPECT_DOUBLE_EQ(verdict.total.broken_cost_usd, 2);
    EXPECT_EQ(verdict.total.retries, 1U);
    EXPECT_TRUE(verdict.total.clean());
}

TEST(Oracle, attempts_side_by_side_are_found) {
    OracleRoom room;
    const Json body = sim_tests::minimal_body();
    const Oracle::Seen first = room.arrive(body);
    room.answer(room.arrive(body));
    room.answer(first);
    EXPECT_EQ(room.oracle.verdict().total.concurrent, 1U);
    room.answer(room.arrive(body));
    EXPECT_EQ(room.oracle.verdict().total.concurrent, 1U) << "one after the other is allowed";
}

TEST(Oracle, another_key_is_another_item) {
    OracleRoom room;
    const Json body = sim_tests::minimal_body();
    room.arrive(body, "one");
    room.arrive(body, "two");
    EXPECT_TRUE(room.oracle.verdict().total.clean());
}

TEST(Oracle, a_call_that_ran_twice_is_found) {
    OracleRoom room;
    Json body = sim_tests::minimal_body();
    room.answer(room.arrive(body), {"toolu_1"});
    Json again = body;
    sim_tests::add_call(body, "toolu_1", "todo_create", Json::object(), "{\"id\":1}");
    sim_tests::add_call(again, "toolu_1", "todo_create", Json::object(), "{\"id\":2}");
    room.refuse(room.arrive(body), std::nullopt);
    room.answer(room.arrive(body));
    EXPECT_EQ(room.oracle.verdict().total.doubled, 0U);
    room.answer(room.arrive(again));
    const sim::Verdict verdict = room.oracle.verdict();
    EXPECT_EQ(verdict.total.doubled, 1U);
    EXPECT_NE(verdict.findings.back().text.find("toolu_1"), std::string::npos);
}

TEST(Oracle, requests_that_press_on_during_a_demanded_wait_are_counted) {
    OracleRoom room;
    Json other = sim_tests::minimal_body();
    other["max_tokens"] = 17;
    room.refuse(room.arrive(sim_tests::minimal_body()), seconds{5});
    room.arrive(other);
    EXPECT_EQ(room.oracle.verdict().pressing, 1U);
    room.now += seconds{5};
    other["max_tokens"] = 18;
    room.arrive(other);
    EXPECT_EQ(room.oracle.verdict().pressing, 1U);
}

TEST(Oracle, refusals_before_output_are_free_and_unknown_prices_are_told) {
    OracleRoom room;
    Json body = sim_tests::minimal_body();
    const Oracle::Seen refused = room.arrive(body);
    room.oracle.answer(refused.number, {{"stop_reason", "refusal"}, {"content", Json::array()}},
                       {.input = 1'000'000});
    room.oracle.end(refused.number, true, room.now);
    EXPECT_DOUBLE_EQ(room.oracle.verdict().total.cost_usd, 0);
    body["model"] = "claude-mythos-preview";
    room.answer(room.arrive(body));
    EXPECT_EQ(room.oracle.verdict().total.unpriced, 1U);
}

TEST(Oracle, forgets_on_demand_but_not_what_is_under_way) {
    OracleRoom room;
    const Json body = sim_tests::minimal_body();
    const Oracle::Seen open = room.arrive(body);
    room.oracle.forget();
    EXPECT_EQ(room.oracle.verdict().total.requests, 0U);
    room.answer(open);
    EXPECT_EQ(room.oracle.verdict().total.replies, 1U);
    const Json json = sim::to_json(room.oracle.verdict());
    EXPECT_EQ(json["clean"], true);
    EXPECT_EQ(json["replies"], 1);
    EXPECT_EQ(json["conversations"].size(), 1U);
}

}  // namespace
