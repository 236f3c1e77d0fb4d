// Claude over a real socket: the one retry layer, its circuit, its watchdogs.
#include "clients/claude.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/group.hpp"
#include "base/json.hpp"
#include "tests/clients/far_end.hpp"

namespace {

using base::Failure;
using base::ServerResponse;
using clients::Claude;
using clients::ClaudeOptions;
using clients::Conversation;
using clients::Message;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::CourteousClock;
using tests::streamed;

std::string claude_fixture(const std::string& name) {
    std::ifstream file{std::string{SOURCE_DIR} + "/tests/fixtures/" + name + ".sse"};
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

ServerResponse claude_error(int status, const std::string& type, const std::string& code = {},
                            std::vector<std::pair<std::string, std::string>> headers = {}) {
    base::Json error = {{"type", type}, {"message", "words"}};
    if (!code.empty()) error["details"] = {{"error_code", code}};
    ServerResponse response =
        ServerResponse::json(base::Json{{"type", "error"}, {"error", error}}, status);
    response.headers = std::move(headers);
    return response;
}

Conversation claude_question() {
    Conversation conversation{"You are Anna.", "[]"};
    conversation.add_user("Guten Morgen");
    return conversation;
}

const clients::TurnOptions claude_turn{.model = "claude-sonnet-5-5", .max_tokens = 100};

template <class TheClock>
struct ClaudeRoom : tests::Outbound<TheClock> {
    Conversation conversation = claude_question();

    ClaudeOptions options() {
        ClaudeOptions given;
        given.base_url = this->far_end.url() + "/";
        given.api_key = base::Secret{"sk-test"};
        return given;
    }
};

using VirtualRoom = ClaudeRoom<CourteousClock>;
using RealRoom = ClaudeRoom<base::SystemClock>;

TEST(ClaudeWire, SendsWhatTheApiWantsAndReadsTheReply) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(streamed(claude_fixture("tool_use")));
    const Message message = room.run(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(message.tool_uses.size(), 2U);
    EXPECT_EQ(message.tokens.output, 148);
    const auto seen = room.far_end.seen();
    ASSERT_EQ(seen.size(), 1U);
    const base::ServerRequest& request = seen[0].request;
    EXPECT_EQ(request.path, "/v1/messages");
    EXPECT_EQ(request.header("x-api-key"), "sk-test");
    EXPECT_EQ(request.header("anthropic-version"), "2026-10-21");
    EXPECT_EQ(request.header("x-persona-runner-retry-count"), "0");
    EXPECT_EQ(request.header("content-type"), "application/json");
    EXPECT_EQ(request.header("user-agent").substr(0, 15), "persona-runner/");
    EXPECT_EQ(request.body, room.conversation.request_body(claude_turn));
    EXPECT_EQ(room.metric("claude_replies_total"), 1);
    EXPECT_EQ(room.metric("claude_retries_total"), 0);
}

TEST(ClaudeWire, ReadsAReplyThatComesByteByByte) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    const std::string text = claude_fixture("text");
    room.far_end.then(streamed([text](base::StreamWriter& writer) {
        for (const char each : text) writer.write({&each, 1});
    }));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).text,
              "Heute räume ich auf. 😀");
}

TEST(ClaudeWire, OverloadedIsAskedAgain) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(529, "overloaded_error"));
    room.far_end.then(ServerResponse::text("<html>bad gateway</html>", 502));
    room.far_end.then(streamed(claude_fixture("error_first")));
    room.far_end.then(streamed(claude_fixture("text")));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).stop_reason, "end_turn");
    const auto seen = room.far_end.seen();
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(seen[3].request.header("x-persona-runner-retry-count"), "3");
    EXPECT_EQ(seen[3].request.body, seen[0].request.body);
    EXPECT_EQ(room.metric("claude_retries_total"), 3);
}

TEST(ClaudeWire, HonoursRetryAfter) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(429, "rate_limit_error", "", {{"retry-after", "7"}}));
    room.far_end.then(streamed(claude_fixture("text")));
    room.run(claude.send(room.conversation, claude_turn));
    const auto seen = room.far_end.seen();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_GE(seen[1].at - seen[0].at, seconds{7});
    EXPECT_LE(seen[1].at - seen[0].at, seconds{10});
    EXPECT_EQ(room.metric("claude_holds_total"), 1);
}

TEST(ClaudeWire, ALongWaitIsGivenBack) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(429, "rate_limit_error", "", {{"retry-after", "3600"}}));
    const Failure failure = room.failure_of(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(failure.kind(), Failure::Kind::throttled);
    EXPECT_EQ(failure.retry_after(), seconds{3600});
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

TEST(ClaudeWire, ASpendCapIsNotAskedAgain) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(429, "rate_limit_error", "enforced_spend_limit_reached",
                                   {{"x-should-retry", "true"}}));
    const Failure failure = room.failure_of(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(failure.code(), "enforced_spend_limit_reached");
    EXPECT_EQ(failure.status(), 429);
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

TEST(ClaudeWire, AWrongKeyIsNotAskedAgainAndNotRepeated) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(401, "authentication_error"));
    const Failure failure = room.failure_of(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(failure.kind(), Failure::Kind::unauthenticated);
    EXPECT_EQ(failure.code(), "authentication_error");
    EXPECT_EQ(std::string{failure.what()}.find("sk-test"), std::string::npos);
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

TEST(ClaudeWire, TheAnswersAdviceWins) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(400, "invalid_request_error", "", {{"x-should-retry", "true"}}));
    room.far_end.then(streamed(claude_fixture("text")));
    room.run(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(room.far_end.seen().size(), 2U);

    room.far_end.then(claude_error(503, "api_error", "", {{"x-should-retry", "false"}}));
    room.failure_of(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(room.far_end.seen().size(), 3U);
}

TEST(ClaudeWire, GivesUpAfterTheLastAttempt) {
    VirtualRoom room;
    ClaudeOptions options = room.options();
    options.retry.attempts_max = 3;
    Claude claude{room.http, options, room.metrics, room.random};
    room.far_end.otherwise(
        [](const base::ServerRequest&) { return claude_error(500, "api_error"); });
    const Failure failure = room.failure_of(claude.send(room.conversation, claude_turn));
    EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
    EXPECT_EQ(failure.status(), 500);
    EXPECT_EQ(room.far_end.seen().size(), 3U);
}

TEST(ClaudeWire, CutStreamsAreAskedAgain) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    const std::string part = claude_fixture("cut");
    room.far_end.then(streamed(part));  // A clean end without message_stop.
    room.far_end.then(streamed([part](base::StreamWriter& writer) {
        writer.write(part);
        writer.reset();
    }));
    room.far_end.then(streamed(claude_fixture("error_mid")));
    room.far_end.then(ServerResponse::json(base::Json{{"type", "message"}}));
    room.far_end.then(streamed(claude_fixture("text")));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).text,
              "Heute räume ich auf. 😀");
    EXPECT_EQ(room.far_end.seen().size(), 5U);
    EXPECT_GE(room.metric("claude_lost_output_tokens_total"), 1);
}

TEST(ClaudeWire, AnInvalidRequestInsideAStreamIsNotAskedAgain) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(streamed(claude_fixture("error_invalid")));
    EXPECT_EQ(room.failure_of(claude.send(room.conversation, claude_turn)).kind(),
              Failure::Kind::invalid);
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

TEST(ClaudeWire, ASilentStreamIsAskedAgain) {
    RealRoom room;
    ClaudeOptions options = room.options();
    options.idle_limit = milliseconds{150};
    options.retry.backoff_base = milliseconds{1};
    Claude claude{room.http, options, room.metrics, room.random};
    room.far_end.then(streamed([&room](base::StreamWriter& writer) {
        writer.write(claude_fixture("cut"));
        room.far_end.keep_silent();
    }));
    room.far_end.then(streamed(claude_fixture("text")));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).stop_reason, "end_turn");
    EXPECT_EQ(room.far_end.seen().size(), 2U);
}

TEST(ClaudeWire, AStreamOfPingsAloneIsAskedAgain) {
    RealRoom room;
    ClaudeOptions options = room.options();
    options.progress_limit = milliseconds{150};
    options.retry.backoff_base = milliseconds{1};
    Claude claude{room.http, options, room.metrics, room.random};
    room.far_end.then(streamed([](base::StreamWriter& writer) {
        while (writer.write("event: ping\ndata: {\"type\": \"ping\"}\n\n") && writer.open()) {
        }
    }));
    room.far_end.then(streamed(claude_fixture("text")));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).stop_reason, "end_turn");
    EXPECT_EQ(room.far_end.seen().size(), 2U);
}

TEST(ClaudeWire, HeadersThatDoNotComeAreAskedForAgain) {
    RealRoom room;
    ClaudeOptions options = room.options();
    options.header_limit = milliseconds{150};
    options.retry.backoff_base = milliseconds{1};
    Claude claude{room.http, options, room.metrics, room.random};
    room.far_end.then([&room](const base::ServerRequest&) {
        room.far_end.keep_silent();
        return ServerResponse::text("late");
    });
    room.far_end.then(streamed(claude_fixture("text")));
    EXPECT_EQ(room.run(claude.send(room.conversation, claude_turn)).stop_reason, "end_turn");
    EXPECT_EQ(room.far_end.seen().size(), 2U);
}

TEST(ClaudeWire, AWholeAttemptHasALimit) {
    RealRoom room;
    ClaudeOptions options = room.options();
    options.attempt_limit = milliseconds{100};
    options.retry.attempts_max = 1;
    Claude claude{room.http, options, room.metrics, room.random};
    room.far_end.then([&room](const base::ServerRequest&) {
        room.far_end.keep_silent();
        return ServerResponse::text("late");
    });
    EXPECT_EQ(room.failure_of(claude.send(room.conversation, claude_turn)).kind(),
              Failure::Kind::unavailable);
}

TEST(ClaudeWire, EveryBrokenReplyIsToldWithWhatItCost) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(streamed(claude_fixture("cut")));
    room.far_end.then(claude_error(529, "overloaded_error"));    // No reply had begun.
    room.far_end.then(streamed(claude_fixture("error_first")));  // Nor here.
    room.far_end.then(streamed(claude_fixture("text")));
    std::vector<catalog::TokenCounts> lost;
    room.run(claude.send(room.conversation, claude_turn, [&lost](const auto& tokens) {
        lost.push_back(tokens);
        return true;
    }));
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].input, 12);
    EXPECT_EQ(lost[0].cache_write, 1'900);
    EXPECT_EQ(lost[0].cache_read, 8'900);
    EXPECT_GE(lost[0].output, 4);  // "Ich wollte noch", four characters a token.
    EXPECT_EQ(room.metric("claude_lost_replies_total"), 1);
    EXPECT_EQ(room.metric("claude_lost_output_tokens_total"), static_cast<double>(lost[0].output));
}

TEST(ClaudeWire, ABrokenReplyIsNotAskedForAgainWhenTheCallerSaysSo) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(streamed(claude_fixture("cut")));
    const Failure failure = room.failure_of(
        claude.send(room.conversation, claude_turn, [](const auto&) { return false; }));
    EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

base::Task<void> drop_claude_after(base::Loop& loop, Claude& claude,
                                   const Conversation& conversation, clients::LostReply lost) {
    base::Task<Message> call = claude.send(conversation, claude_turn, std::move(lost));
    co_await loop.within(milliseconds{150}, std::move(call));
}

TEST(ClaudeWire, ADroppedCallTellsWhatHadComeOfItsReply) {
    RealRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(streamed([&room](base::StreamWriter& writer) {
        writer.write(claude_fixture("cut"));
        room.far_end.keep_silent();
    }));
    std::vector<catalog::TokenCounts> lost;
    room.loop.run(drop_claude_after(room.loop, claude, room.conversation, [&lost](const auto& one) {
        lost.push_back(one);
        return true;
    }));
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].cache_read, 8'900);
}

base::Task<void> ask_claude(Claude& claude, const Conversation& conversation, int& done) {
    const Message message = co_await claude.send(conversation, claude_turn);
    if (message.stop_reason == "end_turn") ++done;
}

base::Task<void> ask_claude_after(base::Loop& loop, Claude& claude,
                                  const Conversation& conversation, int& done) {
    while (claude.traffic().held_until() <= loop.now()) co_await loop.sleep(milliseconds{10});
    base::Task<void> asking = ask_claude(claude, conversation, done);
    co_await std::move(asking);
}

base::Task<void> ask_claude_together(base::Loop& loop, Claude& claude,
                                     const Conversation& conversation, int& done) {
    base::Group group{loop};
    group.add(ask_claude(claude, conversation, done));
    for (int i = 0; i < 3; ++i) group.add(ask_claude_after(loop, claude, conversation, done));
    co_await group.all();
}

TEST(ClaudeWire, OneHoldMakesEveryCallWait) {
    VirtualRoom room;
    Claude claude{room.http, room.options(), room.metrics, room.random};
    room.far_end.then(claude_error(529, "overloaded_error", "", {{"retry-after", "30"}}));
    room.far_end.otherwise(
        [](const base::ServerRequest&) { return streamed(claude_fixture("text")); });
    int done = 0;
    ASSERT_TRUE(room.loop.run(ask_claude_together(room.loop, claude, room.conversation, done)));
    EXPECT_EQ(done, 4);
    const auto seen = room.far_end.seen();
    ASSERT_EQ(seen.size(), 5U);
    for (std::size_t i = 1; i < seen.size(); ++i) {
        EXPECT_GE(seen[i].at - seen[0].at, seconds{30}) << i;
    }
}

}  // namespace
