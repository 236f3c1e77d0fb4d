// The message reader on recorded-style streams: what is kept, what is refused, what is echoed.
#include "clients/message.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"

namespace {

using base::Failure;
using base::Json;
using clients::Message;
using clients::MessageReader;
using clients::SseReader;

std::string message_fixture(const std::string& name) {
    std::ifstream file{std::string{SOURCE_DIR} + "/tests/fixtures/" + name + ".sse"};
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return text.str();
}

Message read_message(const std::string& stream, std::size_t piece = 4'096) {
    SseReader events;
    MessageReader reader;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        events.feed(std::string_view{stream}.substr(at, piece));
        while (const auto event = events.next()) reader.on_event(*event);
    }
    return reader.take();
}

Failure failure_of_stream(const std::string& stream) {
    try {
        read_message(stream);
    } catch (const Failure& failure) {
        return failure;
    }
    ADD_FAILURE() << "the stream was taken";
    return Failure{Failure::Kind::internal, "none"};
}

std::string sse_of(std::initializer_list<std::string> events) {
    std::string stream;
    for (const std::string& event : events) stream += "data: " + event + "\n\n";
    return stream;
}

const std::string start_event =
    R"({"type":"message_start","message":{"id":"m","model":"x","usage":{"input_tokens":1}}})";
const std::string stop_event = R"({"type":"message_stop"})";

// A tool call that begins; its input is JSON text.
std::string call_event(int index, const std::string& input = "{}") {
    return R"({"type":"content_block_start","index":)" + std::to_string(index) +
           R"(,"content_block":{"type":"tool_use","id":"t","name":"n","input":)" + input + "}}";
}

// A piece of the first call's input, escaped as in a JSON string.
std::string input_event(const std::string& escaped) {
    return R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",)"
           R"("partial_json":")" +
           escaped + R"("}})";
}

std::string delta_event(const std::string& reason) {
    return R"({"type":"message_delta","delta":{"stop_reason":")" + reason + R"("},"usage":{}})";
}

TEST(Message, GathersText) {
    const Message message = read_message(message_fixture("text"));
    EXPECT_EQ(message.id, "msg_01Test");
    EXPECT_EQ(message.model, "claude-sonnet-5-5");
    EXPECT_EQ(message.stop_reason, "end_turn");
    EXPECT_EQ(message.text, "Heute räume ich auf. 😀");
    EXPECT_TRUE(message.tool_uses.empty());
    EXPECT_EQ(message.content_json, R"([{"type":"text","text":"Heute räume ich auf. 😀"}])");
    EXPECT_EQ(
        message.tokens,
        (catalog::TokenCounts{.input = 12, .output = 9, .cache_write = 1900, .cache_read = 8900}));
}

TEST(Message, IsTheSameHoweverTheBytesCome) {
    for (const std::string name : {"text", "tool_use", "thinking", "empty_block", "max_tokens"}) {
        const std::string stream = message_fixture(name);
        const Message whole = read_message(stream);
        for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
            const Message pieces = read_message(stream, piece);
            EXPECT_EQ(pieces.content_json, whole.content_json) << name << " " << piece;
            EXPECT_EQ(pieces.tool_uses.size(), whole.tool_uses.size());
        }
    }
}

TEST(Message, GathersToolCallsAndEchoesThemByteForByte) {
    const Message message = read_message(message_fixture("tool_use"));
    EXPECT_EQ(message.stop_reason, "tool_use");
    ASSERT_EQ(message.tool_uses.size(), 2U);
    const auto& create = message.tool_uses[0];
    EXPECT_EQ(create.id, "toolu_01A");
    EXPECT_EQ(create.name, "todo_create");
    EXPECT_TRUE(create.valid);
    EXPECT_EQ(create.input["title"], "Müll rausbringen");
    EXPECT_EQ(create.input_json, R"({"title": "Müll rausbringen", "priority":"high" , "n":1.0})");
    EXPECT_TRUE(message.tool_uses[1].valid);
    EXPECT_EQ(message.tool_uses[1].input, Json::object());
    EXPECT_EQ(
        message.content_json,
        R"([{"type":"thinking","thinking":"","signature":"c2ltLXNpZy0x"},)"
        R"({"type":"text","text":"Ich lege das an.","citations":null},)"
        R"({"type":"tool_use","id":"toolu_01A","name":"todo_create","caller":{"type":"direct"},)"
        R"("input":{"title": "Müll rausbringen", "priority":"high" , "n":1.0}},)"
        R"({"type":"tool_use","id":"toolu_01B","name":"todo_list","caller":{"type":"direct"},)"
        R"("input":{}}])");
}

TEST(Message, KeepsThinking) {
    const Message message = read_message(message_fixture("thinking"));
    EXPECT_EQ(message.text, "Fertig.");
    EXPECT_EQ(message.content_json,
              R"([{"type":"thinking","thinking":"Erst lesen.","signature":"YnV0IHRoaXM="},)"
              R"({"type":"redacted_thinking","data":"b3BhcXVl"},)"
              R"({"type":"text","text":"Fertig."}])");
}

TEST(Message, DropsBlankTextBlocksFromTheEcho) {
    const Message message = read_message(message_fixture("empty_block"));
    const Json content = base::parse_json(message.content_json, "content");
    ASSERT_EQ(content.size(), 2U);
    EXPECT_EQ(content[0]["type"], "tool_use");
    EXPECT_EQ(content[1]["text"], "So.");
    EXPECT_EQ(message.text, "So.");
    EXPECT_TRUE(message.tool_uses[0].valid);
}

TEST(Message, ACallThatTheTokenLimitCutIsNotValid) {
    const Message message = read_message(message_fixture("max_tokens"));
    EXPECT_EQ(message.stop_reason, "max_tokens");
    ASSERT_EQ(message.tool_uses.size(), 1U);
    EXPECT_FALSE(message.tool_uses[0].valid);
    EXPECT_EQ(message.tool_uses[0].input_json, R"({"title":"Ein)");
    const Json content = base::parse_json(message.content_json, "content");
    EXPECT_EQ(content[1]["input"], Json::object());
}

TEST(Message, ACallThatWasCutBeforeItsInputIsNotValid) {
    const std::string block = call_event(0);
    const Message cut =
        read_message(sse_of({start_event, block, delta_event("max_tokens"), stop_event}));
    EXPECT_FALSE(cut.tool_uses.at(0).valid);
    // Some servers forget the block's end though the call is whole.
    const Message whole =
        read_message(sse_of({start_event, block, delta_event("tool_use"), stop_event}));
    EXPECT_TRUE(whole.tool_uses.at(0).valid);
}

TEST(Message, InputThatIsNoObjectIsNotValid) {
    for (const std::string input : {"[1]", "7", "{\\\"a\\\":}", "{\\\"a\\\":\\\"\\\\ud83d\\\"}"}) {
        const Message message = read_message(sse_of({start_event, call_event(0), input_event(input),
                                                     R"({"type":"content_block_stop","index":0})",
                                                     delta_event("tool_use"), stop_event}));
        EXPECT_FALSE(message.tool_uses.at(0).valid) << input;
        EXPECT_EQ(base::parse_json(message.content_json, "content")[0]["input"], Json::object());
    }
}

TEST(Message, TakesInputThatCameWithTheStart) {
    const Message message = read_message(sse_of({start_event, call_event(0, R"({"b":1,"a":2})"),
                                                 R"({"type":"content_block_stop","index":0})",
                                                 delta_event("tool_use"), stop_event}));
    EXPECT_EQ(message.tool_uses.at(0).input_json, R"({"b":1,"a":2})");
    EXPECT_EQ(message.tool_uses.at(0).input["a"], 2);
}

TEST(Message, KeepsUnknownBlocksAndReasonsAndOverwritesCounters) {
    const Message message = read_message(message_fixture("unknown"));
    EXPECT_EQ(message.stop_reason, "a_new_reason");
    EXPECT_EQ(
        message.content_json,
        R"([{"type":"server_widget","b":2,"a":{"z":1,"y":[1,2]}},{"type":"text","text":"Ok."}])");
    EXPECT_EQ(
        message.tokens,
        (catalog::TokenCounts{.input = 12, .output = 25, .cache_write = 1900, .cache_read = 9000}));
}

TEST(Message, NamesARefusalsCategory) {
    const Message message = read_message(message_fixture("refusal"));
    EXPECT_EQ(message.stop_reason, "refusal");
    EXPECT_EQ(message.refusal_category, "cyber");
}

TEST(Message, ErrorEventsHaveTheKindOfTheirType) {
    const Failure first = failure_of_stream(message_fixture("error_first"));
    EXPECT_EQ(first.kind(), Failure::Kind::unavailable);
    EXPECT_EQ(first.code(), "overloaded_error");
    EXPECT_EQ(first.status(), 200);
    const Failure mid = failure_of_stream(message_fixture("error_mid"));
    EXPECT_EQ(mid.kind(), Failure::Kind::throttled);
    EXPECT_EQ(mid.code(), "ramp_limit_exceeded");
    EXPECT_EQ(failure_of_stream(message_fixture("error_invalid")).kind(), Failure::Kind::invalid);
}

TEST(Message, AStreamThatEndsEarlyIsUnavailable) {
    EXPECT_EQ(failure_of_stream(message_fixture("cut")).kind(), Failure::Kind::unavailable);
    // Every event boundary but the last is too early.
    const std::string stream = message_fixture("tool_use");
    const std::size_t last = stream.rfind("\n\n", stream.size() - 3) + 2;
    for (std::size_t at = stream.find("\n\n"); at + 2 <= last; at = stream.find("\n\n", at + 2)) {
        EXPECT_EQ(failure_of_stream(stream.substr(0, at + 2)).kind(), Failure::Kind::unavailable);
    }
}

TEST(Message, BrokenStreamsAreUnavailable) {
    const std::string text_start =
        R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})";
    const std::string text_delta =
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}})";
    const std::string text_stop = R"({"type":"content_block_stop","index":0})";
    const std::string call = call_event(1);
    const std::string same_call = call_event(2);
    for (const std::string& stream :
         {sse_of({text_start}), sse_of({start_event, "{not json", stop_event}),
          sse_of({start_event, start_event}), sse_of({start_event, text_delta}),
          sse_of({start_event, text_start, text_start}),
          sse_of({start_event, text_start, text_stop, text_delta}),
          sse_of({start_event, call, same_call, delta_event("tool_use"), stop_event}),
          sse_of({start_event, "[1]", stop_event})}) {
        EXPECT_EQ(failure_of_stream(stream).kind(), Failure::Kind::unavailable) << stream;
    }
    // A second end of a block does no harm.
    const Message twice = read_message(sse_of({start_event, text_start, text_delta, text_stop,
                                               text_stop, delta_event("end_turn"), stop_event}));
    EXPECT_EQ(twice.text, "x");
}

TEST(Message, RefusesRepliesThatAreTooLarge) {
    MessageReader reader{1'000};
    SseReader events;
    events.feed(sse_of(
        {start_event,
         R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"}));
    for (int i = 0; i < 20; ++i) {
        events.feed(sse_of(
            {R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":")" +
             std::string(100, 'x') + R"("}})"}));
    }
    EXPECT_THROW(
        {
            while (const auto event = events.next()) reader.on_event(*event);
        },
        Failure);
}

TEST(Message, FailuresOfAnswersSayWhatToDoAndNoSecrets) {
    const Failure key = clients::claude_failure(
        R"({"type":"error","error":{"type":"authentication_error","message":"bad key sk-123"}})",
        401);
    EXPECT_EQ(key.kind(), Failure::Kind::unauthenticated);
    EXPECT_EQ(std::string{key.what()}.find("sk-123"), std::string::npos);
    EXPECT_NE(std::string{key.what()}.find("ANTHROPIC_API_KEY"), std::string::npos);
    EXPECT_EQ(key.status(), 401);

    const Failure spent = clients::claude_failure(
        R"({"type":"error","error":{"type":"rate_limit_error","message":"m",)"
        R"("details":{"error_code":"enforced_spend_limit_reached"}}})",
        429);
    EXPECT_EQ(spent.code(), "enforced_spend_limit_reached");
    EXPECT_EQ(spent.kind(), Failure::Kind::throttled);

    EXPECT_EQ(clients::claude_failure("{}", 409).kind(), Failure::Kind::unavailable);
    EXPECT_EQ(clients::claude_failure("<html>busy</html>", 529).kind(), Failure::Kind::unavailable);
    EXPECT_EQ(clients::claude_failure("", 413).kind(), Failure::Kind::invalid);
    EXPECT_EQ(clients::claude_failure("", 402).kind(), Failure::Kind::forbidden);
    EXPECT_EQ(clients::claude_failure(R"([1])", 404).kind(), Failure::Kind::missing);
    EXPECT_LT(std::string{clients::claude_failure(std::string(10'000, 'x'), 500).what()}.size(),
              500U);
}

}  // namespace
