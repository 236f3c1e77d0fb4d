// What the model's answers make of the calls that follow: the circuit, the pace, the places, the
// stop. In virtual time, over a real socket.
#include "clients/traffic.hpp"

#include <mutex>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/group.hpp"
#include "clients/claude.hpp"
#include "sim/limits.hpp"
#include "tests/clients/far_end.hpp"

namespace {

using base::Failure;
using base::ServerRequest;
using base::ServerResponse;
using clients::Claude;
using std::chrono::minutes;
using std::chrono::seconds;

std::string traffic_reply(int output_tokens = 10) {
    std::string text;
    const auto event = [&text](const base::Json& json) {
        const std::string name = json.at("type");
        text += "event: " + name + "\ndata: " + base::to_text(json) + "\n\n";
    };
    event({{"type", "message_start"},
           {"message",
            {{"id", "msg_1"},
             {"type", "message"},
             {"role", "assistant"},
             {"model", "claude-sonnet-5-5"},
             {"content", base::Json::array()},
             {"usage", {{"input_tokens", 100}, {"output_tokens", 1}}}}}});
    event({{"type", "content_block_start"},
           {"index", 0},
           {"content_block", {{"type", "text"}, {"text", "gut"}}}});
    event({{"type", "content_block_stop"}, {"index", 0}});
    event({{"type", "message_delta"},
           {"delta", {{"stop_reason", "end_turn"}}},
           {"usage", {{"output_tokens", output_tokens}}}});
    event({{"type", "message_stop"}});
    return text;
}

ServerResponse traffic_refusal(int status, const std::string& type, const std::string& code = {},
                               std::vector<std::pair<std::string, std::string>> headers = {}) {
    base::Json error{{"type", type}, {"message", "words of the model"}};
    if (!code.empty()) error["details"] = {{"error_code", code}};
    ServerResponse response =
        ServerResponse::json(base::Json{{"type", "error"}, {"error", error}}, status);
    response.headers = std::move(headers);
    return response;
}

struct Asked {
    int replies = 0;
    std::vector<Failure> failures;
};

struct TrafficRoom : tests::Outbound<tests::CourteousClock> {
    TrafficRoom() {
        far_end.otherwise([](const ServerRequest&) { return tests::streamed(traffic_reply()); });
        conversation.add_user("Guten Morgen");
    }
    clients::ClaudeOptions options(clients::PlacesOptions places = {}) {
        clients::ClaudeOptions given;
        given.base_url = far_end.url();
        given.traffic.places = places;
        return given;
    }
    // So many calls at once, until each has its reply or failure.
    Asked ask(Claude& claude, int calls) {
        Asked asked;
        EXPECT_TRUE(loop.run(ask_together(loop, claude, conversation, calls, asked)));
        return asked;
    }
    static base::Task<void> ask_once(Claude& claude, clients::Conversation& conversation,
                                     Asked& asked) {
        try {
            co_await claude.send(conversation, {.model = "claude-sonnet-5-5", .max_tokens = 100});
            ++asked.replies;
        } catch (const Failure& failure) {
            // The test looks at it.
            asked.failures.push_back(failure);
        }
    }
    static base::Task<void> ask_together(base::Loop& loop, Claude& claude,
                                         clients::Conversation& conversation, int calls,
                                         Asked& asked) {
        base::Group group(loop);
        for (int i = 0; i < calls; ++i) group.add(ask_once(claude, conversation, asked));
        co_await group.all();
    }
    static base::Task<void> rest(base::Loop& loop, base::Duration span) {
        co_await loop.sleep(span);
    }
    double gauge(const Claude&, const char* name) { return metric(name); }

    clients::Conversation conversation{"You are Anna.", "[]"};
};

TEST(TrafficWire, AShortRateLimitIsPacedAndNeverRunInto) {
    TrafficRoom room;
    Claude claude(room.http, room.options(), room.metrics, room.random);
    sim::Limits limits({.requests_per_minute = 10});
    std::mutex mutex;
    int refused = 0;
    room.far_end.otherwise([&](const ServerRequest&) {
        const std::lock_guard lock(mutex);
        const base::Steady now = room.clock.steady();
        if (const auto wait = limits.take_request("key", now)) {
            ++refused;
            return traffic_refusal(429, "rate_limit_error", "",
                                   {{"retry-after", std::to_string(wait->count())}});
        }
        ServerResponse reply = tests::streamed(traffic_reply());
        reply.headers = limits.headers("key", now, room.clock.now());
        return reply;
    });
    const base::Steady before = room.clock.steady();
    EXPECT_EQ(room.ask(claude, 1).replies, 1);  // From here on the limit is known.
    EXPECT_EQ(room.ask(claude, 40).replies, 40);
    EXPECT_EQ(refused, 0);
    EXPECT_GT(room.metric("claude_paced_total"), 25);
    // 41 requests, 10 of them at once, then one every six seconds.
    EXPECT_GE(room.clock.steady() - before, seconds{31 * 6});
    EXPECT_LE(room.clock.steady() - before, seconds{31 * 6 + 10});
}

TEST(TrafficWire, AnOutputTokenLimitIsPacedToo) {
    TrafficRoom room;
    Claude claude(room.http, room.options(), room.metrics, room.random);
    sim::Limits limits({.output_tokens_per_minute = 6'000});
    std::mutex mutex;
    int refused = 0;
    room.far_end.otherwise([&](const ServerRequest&) {
        const std::lock_guard lock(mutex);
        const base::Steady now = room.clock.steady();
        if (const auto wait = limits.take_request("key", now)) {
            ++refused;
            return traffic_refusal(429, "rate_limit_error", "",
                                   {{"retry-after", std::to_string(wait->count())}});
        }
        limits.take_tokens("key", 100, 1'000, now);
        ServerResponse reply = tests::streamed(traffic_reply(1'000));
        reply.headers = limits.headers("key", now, room.clock.now());
        return reply;
    });
    const base::Steady before = room.clock.steady();
    EXPECT_EQ(room.ask(claude, 1).replies, 1);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(room.ask(claude, 5).replies, 5);
    EXPECT_EQ(refused, 0);
    EXPECT_GE(room.clock.steady() - before, seconds{140});  // 20,000 tokens at 6,000 a minute.
    EXPECT_LE(room.clock.steady() - before, seconds{300});
}

TEST(TrafficWire, ManyBusyAnswersOfOneEpisodeShrinkThePlacesOnce) {
    TrafficRoom room;
    Claude claude(room.http, room.options({.ceiling = 64, .adaptive = true}), room.metrics,
                  room.random);
    EXPECT_EQ(claude.traffic().places(), 16);
    for (int i = 0; i < 12; ++i) room.far_end.then(traffic_refusal(529, "overloaded_error"));
    EXPECT_EQ(room.ask(claude, 12).replies, 12);
    EXPECT_EQ(room.metric("claude_shrinks_total"), 1);
    EXPECT_NEAR(claude.traffic().exact_places(), 12.8, 0.7);  // It may have grown a step again.
    EXPECT_EQ(room.metric("claude_places"), claude.traffic().exact_places());
}

TEST(TrafficWire, RateLimitsShrinkThePlacesAndServerErrorsDoNot) {
    TrafficRoom room;
    Claude claude(room.http, room.options({.ceiling = 40, .adaptive = true}), room.metrics,
                  room.random);
    for (const int status : {500, 502, 503, 504}) {
        room.far_end.then(traffic_refusal(status, "api_error"));
    }
    EXPECT_EQ(room.ask(claude, 1).replies, 1);
    EXPECT_EQ(claude.traffic().exact_places(), 10);
    EXPECT_EQ(room.metric("claude_holds_total"), 0);
    room.far_end.then(traffic_refusal(429, "rate_limit_error", "", {{"retry-after", "2"}}));
    EXPECT_EQ(room.ask(claude, 1).replies, 1);
    EXPECT_EQ(claude.traffic().exact_places(), 8);
}

TEST(TrafficWire, CleanRoundsGrowThePlacesAndTellTheScheduler) {
    TrafficRoom room;
    Claude claude(room.http, room.options({.ceiling = 8, .adaptive = true}), room.metrics,
                  room.random);
    int told = 0;
    claude.traffic().on_more_places([&told] { ++told; });
    EXPECT_EQ(room.ask(claude, 2).replies, 2);
    EXPECT_DOUBLE_EQ(claude.traffic().exact_places(), 2.1);
    EXPECT_EQ(told, 1);
}

TEST(TrafficWire, ASpendingCapStopsEveryCallUntilAReplyLiftsIt) {
    TrafficRoom room;
    Claude claude(room.http, room.options({.ceiling = 64, .adaptive = true}), room.metrics,
                  room.random);
    room.far_end.then(traffic_refusal(429, "rate_limit_error", "enforced_spend_limit_reached"));
    const Asked first = room.ask(claude, 1);
    ASSERT_EQ(first.failures.size(), 1U);
    EXPECT_EQ(first.failures[0].code(), "enforced_spend_limit_reached");
    EXPECT_NE(claude.traffic().stop_reason().find("spending cap"), std::string::npos);
    EXPECT_NE(claude.traffic().stop_reason().find("words of the model"), std::string::npos);
    EXPECT_EQ(room.metric("claude_stopped"), 1);
    EXPECT_EQ(room.metric("claude_stops_total"), 1);
    EXPECT_EQ(room.metric("claude_shrinks_total"), 0);  // Money is not load.

    const Asked refused = room.ask(claude, 5);  // None of them leaves.
    ASSERT_EQ(refused.failures.size(), 5U);
    EXPECT_EQ(refused.failures[0].status(), 429);
    EXPECT_EQ(refused.failures[0].code(), "enforced_spend_limit_reached");
    EXPECT_EQ(room.far_end.seen().size(), 1U);

    room.loop.run(TrafficRoom::rest(room.loop, minutes{15}));
    EXPECT_EQ(claude.traffic().stop_reason(), "");
    EXPECT_EQ(claude.traffic().places(), 1);  // One visit tries it out.
    room.far_end.then(traffic_refusal(429, "rate_limit_error", "enforced_spend_limit_reached"));
    EXPECT_EQ(room.ask(claude, 1).failures.size(), 1U);
    EXPECT_NE(claude.traffic().stop_reason(), "");

    room.loop.run(TrafficRoom::rest(room.loop, minutes{15}));
    EXPECT_EQ(room.ask(claude, 1).replies, 1);
    EXPECT_EQ(claude.traffic().places(), 16);
    EXPECT_EQ(room.metric("claude_stopped"), 0);
}

TEST(TrafficWire, EveryFormOfASpendingCapStops) {
    for (const auto& refusal :
         {traffic_refusal(429, "rate_limit_error"),
          traffic_refusal(429, "rate_limit_error", "contract_spend_limit_reached"),
          traffic_refusal(400, "invalid_request_error", "workspace_spend_limit_reached"),
          traffic_refusal(402, "billing_error")}) {
        TrafficRoom room;
        Claude claude(room.http, room.options(), room.metrics, room.random);
        room.far_end.then(refusal);
        EXPECT_EQ(room.ask(claude, 1).failures.size(), 1U);
        EXPECT_NE(claude.traffic().stop_reason(), "") << refusal.body;
        EXPECT_EQ(room.far_end.seen().size(), 1U);
    }
}

TEST(TrafficWire, AHandLiftsAStop) {
    TrafficRoom room;
    Claude claude(room.http, room.options(), room.metrics, room.random);
    room.far_end.then(traffic_refusal(402, "billing_error"));
    EXPECT_EQ(room.ask(claude, 1).failures.size(), 1U);
    claude.traffic().resume();
    EXPECT_EQ(claude.traffic().stop_reason(), "");
    EXPECT_EQ(room.ask(claude, 3).replies, 3);
}

TEST(TrafficWire, AVeryLongDemandStopsEveryoneUntilThen) {
    TrafficRoom room;
    Claude claude(room.http, room.options(), room.metrics, room.random);
    room.far_end.then(traffic_refusal(429, "rate_limit_error", "", {{"retry-after", "3600"}}));
    EXPECT_EQ(room.ask(claude, 1).failures.size(), 1U);
    EXPECT_NE(claude.traffic().stop_reason().find("3600 s"), std::string::npos);
    const Asked refused = room.ask(claude, 1);
    ASSERT_EQ(refused.failures.size(), 1U);
    EXPECT_EQ(refused.failures[0].retry_after(), seconds{3600});
    EXPECT_EQ(room.far_end.seen().size(), 1U);
    room.loop.run(TrafficRoom::rest(room.loop, seconds{3600}));
    EXPECT_EQ(room.ask(claude, 1).replies, 1);
}

// One call has used up its tries; the model's demand came with the last of them.
TEST(TrafficWire, ADemandBindsTheOthersAlsoWhenItsCallGivesUp) {
    TrafficRoom room;
    clients::ClaudeOptions options = room.options();
    options.retry.attempts_max = 1;
    Claude claude(room.http, options, room.metrics, room.random);
    room.far_end.then(traffic_refusal(529, "overloaded_error", "", {{"retry-after", "30"}}));
    EXPECT_EQ(room.ask(claude, 1).failures.size(), 1U);
    const base::Steady before = room.clock.steady();
    EXPECT_EQ(room.ask(claude, 2).replies, 2);
    EXPECT_GE(room.clock.steady() - before, seconds{30});
}

}  // namespace
