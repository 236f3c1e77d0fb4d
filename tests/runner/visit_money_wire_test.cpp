// What a visit's requests cost, and what of them comes from the cache.
#include <gmock/gmock.h>

#include "sim/claude.hpp"
#include "tests/runner/visit_support.hpp"

namespace {

using catalog::VisitEnd;
using runner_tests::call_block;
using runner_tests::model_calls;
using runner_tests::model_reply;
using runner_tests::text_block;
using runner_tests::VisitRoom;

// A whole reply without its last event.
base::ServerResponse broken_reply(const std::string& text) {
    base::ServerResponse reply = model_reply({text_block(text)});
    reply.body = reply.body.substr(0, reply.body.find("event: message_delta"));
    return reply;
}

TEST(VisitMoney, ABrokenReplyIsPaidForToo) {
    VisitRoom whole;
    whole.model.then(model_reply({text_block("Fertig.")}));
    const double usual = *whole.live().end->cost_usd;

    VisitRoom room;
    room.model.then(broken_reply(std::string(400, 'x')));
    room.model.then(model_reply({text_block("Fertig.")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    // 100 prompt tokens, and about 100 that were written in vain.
    EXPECT_NEAR(*day.end->cost_usd - usual, (100 * 2 + 100 * 10) / 1e6, 2e-4);
    EXPECT_EQ(day.end->turns, 1);
    EXPECT_GE(day.end->tokens.output, 100);
}

TEST(VisitMoney, ThePriceOfTheVisitsDayCounts) {
    const std::string rates = R"("output":0,"cacheWrite":0,"cacheRead":0})";
    const auto prices = [&](const std::string& from) {
        return catalog::Prices(R"({"asOf":"x","models":{"claude-haiku-5-5":{"input":0,)" + rates +
                                   R"(,"claude-sonnet-5-5":[{"input":1,)" + rates +
                                   R"(,{"from":")" + from + R"(","input":5,)" + rates + "]}}",
                               "test");
    };
    for (const auto& [from, rate] : {std::pair{"2020-01-01", 5.0}, std::pair{"2999-01-01", 1.0}}) {
        VisitRoom room;
        room.prices = prices(from);
        room.model.then(model_reply({text_block("Fertig.")}));
        EXPECT_DOUBLE_EQ(*room.live().end->cost_usd, 100 * rate / 1e6);  // 100 tokens.
    }
}

TEST(VisitMoney, TheTextsForPeople) {
    runner::VisitProgress progress{.cost_usd = 0.02134};
    EXPECT_EQ(runner::usd_text(progress), "0.0213");
    EXPECT_EQ(runner::prefix_read_text(progress), "-");
    progress.unpriced = true;
    progress.prefix_tokens = 1'000;
    progress.prefix_tokens_read = 976;
    EXPECT_EQ(runner::usd_text(progress), "unpriced");
    EXPECT_EQ(runner::prefix_read_text(progress), "97%");
}

// With the simulator's model of the cache: written at breakpoints only, bytes compared.
TEST(VisitMoney, WhatTurnsRepeatIsReadFromTheCache) {
    base::SystemClock clock;
    sim::Claude claude({.pacing = std::chrono::milliseconds{0}}, clock);
    claude.start();
    VisitRoom room({.claude_url = claude.url()});
    const runner::VisitRecords day = room.live();
    ASSERT_EQ(day.end->status, VisitEnd::Status::finished);
    ASSERT_GE(day.end->turns, 3);
    ASSERT_GT(room.progress.prefix_tokens, 2'000);
    const double read = static_cast<double>(room.progress.prefix_tokens_read) /
                        static_cast<double>(room.progress.prefix_tokens);
    EXPECT_GE(read, 0.85);
    EXPECT_TRUE(room.progress.asked_for_ratings);
    EXPECT_GT(room.progress.rating_cost_usd, 0);
    EXPECT_LE(room.progress.rating_cost_usd, 0.005);
    RecordProperty("cached_prefix", runner::prefix_read_text(room.progress));
    RecordProperty("rating_usd", std::to_string(room.progress.rating_cost_usd));
}

}  // namespace
