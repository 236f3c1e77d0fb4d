// The conversation: append-only, byte for byte, and never a call without its result.
#include "clients/conversation.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace {

using base::Json;
using clients::Conversation;
using clients::Message;
using clients::TurnOptions;

const TurnOptions turn{.model = "claude-sonnet-5-5", .max_tokens = 1'000};
constexpr std::string_view conversation_tools = R"([{"name":"a","input_schema":{"type":"object"}},)"
                                                R"({"name":"b","input_schema":{"type":"object"}}])";

Message reply_with_calls(int count, const std::string& stem) {
    Message reply;
    reply.content_json = R"([{"type":"thinking","thinking":"","signature":"c2ln"})";
    for (int i = 0; i < count; ++i) {
        const std::string id = stem + std::to_string(i);
        reply.tool_uses.push_back(
            {.id = id, .name = "a", .input = Json::object(), .input_json = "{}", .valid = true});
        reply.content_json += R"(,{"type":"tool_use","id":")" + id + R"(","name":"a","input":{ }})";
    }
    reply.content_json += "]";
    return reply;
}

std::string without_marks(std::string body) {
    const std::string mark = R"(,"cache_control":{"type":"ephemeral"})";
    for (std::size_t at = body.find(mark); at != std::string::npos; at = body.find(mark)) {
        body.erase(at, mark.size());
    }
    return body;
}

int marks_in(const std::string& body) {
    int count = 0;
    for (std::size_t at = body.find("cache_control"); at != std::string::npos;
         at = body.find("cache_control", at + 1)) {
        ++count;
    }
    return count;
}

TEST(Conversation, WritesWhatTheApiExpects) {
    Conversation conversation{"You are Anna.", conversation_tools};
    conversation.add_user("Guten Morgen \"Anna\"\n");
    TurnOptions options = turn;
    options.effort = "low";
    options.output_schema = R"({"type":"object"})";
    options.thinking = R"({"type":"disabled"})";
    const Json body = base::parse_json(conversation.request_body(options), "body");
    EXPECT_EQ(body["model"], "claude-sonnet-5-5");
    EXPECT_EQ(body["max_tokens"], 1'000);
    EXPECT_EQ(body["stream"], true);
    EXPECT_EQ(body["thinking"]["type"], "disabled");
    EXPECT_EQ(body["output_config"]["effort"], "low");
    EXPECT_EQ(body["output_config"]["format"]["type"], "json_schema");
    EXPECT_EQ(body["output_config"]["format"]["schema"]["type"], "object");
    EXPECT_EQ(body["tools"].size(), 2U);
    EXPECT_FALSE(body["tools"][1].contains("cache_control"));
    EXPECT_EQ(body["system"][0]["text"], "You are Anna.");
    EXPECT_TRUE(body["system"][0].contains("cache_control"));
    ASSERT_EQ(body["messages"].size(), 1U);
    EXPECT_EQ(body["messages"][0]["role"], "user");
    EXPECT_EQ(body["messages"][0]["content"][0]["text"], "Guten Morgen \"Anna\"\n");
    EXPECT_TRUE(body["messages"][0]["content"][0].contains("cache_control"));
}

TEST(Conversation, LeavesOutWhatIsEmpty) {
    Conversation bare{"", "[]"};
    bare.add_user("hi");
    const Json body = base::parse_json(bare.request_body(turn), "body");
    EXPECT_FALSE(body.contains("system"));
    EXPECT_FALSE(body.contains("tools"));
    EXPECT_FALSE(body.contains("output_config"));
    EXPECT_FALSE(body.contains("thinking"));

    Conversation tools_only{"", conversation_tools};
    tools_only.add_user("hi");
    const Json marked = base::parse_json(tools_only.request_body(turn), "body");
    EXPECT_FALSE(marked["tools"][0].contains("cache_control"));
    EXPECT_TRUE(marked["tools"][1].contains("cache_control"));
}

TEST(Conversation, EveryRequestBeginsWithTheOneBefore) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user("start");
    std::string before = without_marks(conversation.request_body(turn));
    for (int round = 0; round < 12; ++round) {
        const Message reply = reply_with_calls(1 + round % 3, "t" + std::to_string(round) + "_");
        conversation.add_reply(reply);
        std::vector<clients::ToolAnswer> answers;
        for (const auto& use : reply.tool_uses) {
            answers.push_back({use.id, "result " + use.id, round % 4 == 1});
        }
        conversation.add_results(answers);
        const std::string body = conversation.request_body(turn);
        EXPECT_NE(body.find(reply.content_json), std::string::npos) << "echoed byte for byte";
        EXPECT_LE(marks_in(body), 4);
        const std::string now = without_marks(body);
        before.resize(before.size() - 2);  // The end of the messages, "]}".
        ASSERT_TRUE(now.starts_with(before)) << round;
        ASSERT_TRUE(base::try_parse_json(now));
        before = now;
    }
}

TEST(Conversation, AnswersEveryCallOnceInCallOrder) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user("start");
    conversation.add_reply(reply_with_calls(3, "t"));
    EXPECT_TRUE(conversation.has_open_calls());
    conversation.add_results({{"t2", "third", false}, {"t0", "", true}});
    EXPECT_FALSE(conversation.has_open_calls());
    const Json body = base::parse_json(conversation.request_body(turn), "body");
    const Json& results = body["messages"][2]["content"];
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0]["tool_use_id"], "t0");
    EXPECT_EQ(results[0]["content"], "(no output)");
    EXPECT_EQ(results[0]["is_error"], true);
    EXPECT_EQ(results[1]["tool_use_id"], "t1");
    EXPECT_EQ(results[1]["is_error"], true);
    EXPECT_FALSE(results[1]["content"].get<std::string>().empty());
    EXPECT_EQ(results[2]["content"], "third");
    EXPECT_FALSE(results[2].contains("is_error"));
}

TEST(Conversation, AUserMessageClosesOpenCalls) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user("start");
    conversation.add_reply(reply_with_calls(2, "t"));
    conversation.add_user("stop now");
    const Json body = base::parse_json(conversation.request_body(turn), "body");
    ASSERT_EQ(body["messages"].size(), 4U);
    EXPECT_EQ(body["messages"][2]["content"].size(), 2U);
    EXPECT_EQ(body["messages"][2]["content"][1]["is_error"], true);
    EXPECT_EQ(body["messages"][3]["content"][0]["text"], "stop now");
}

TEST(Conversation, CleansWhatComesFromOutside) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user(" \n ");
    conversation.add_reply(reply_with_calls(1, "t"));
    conversation.add_results({{"t0", std::string{"half \xF0\x9F and \0 nul", 16}, false}});
    const Json body = base::parse_json(conversation.request_body(turn), "body");
    EXPECT_EQ(body["messages"][0]["content"][0]["text"], "(no output)");
    const std::string text = body["messages"][2]["content"][0]["content"];
    EXPECT_NE(text.find("\xEF\xBF\xBD"), std::string::npos);
    EXPECT_EQ(text.find('\0'), std::string::npos);
}

TEST(Conversation, AnEmptyReplyLeavesNoTrace) {
    Conversation conversation{"system", "[]"};
    conversation.add_user("start");
    const std::string before = conversation.request_body(turn);
    conversation.add_reply(Message{});
    EXPECT_EQ(conversation.request_body(turn), before);
}

TEST(Conversation, AWideTurnKeepsABreakpointWithinTheLookBack) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user("start");
    conversation.add_reply(reply_with_calls(2, "few"));
    conversation.add_results({});
    EXPECT_EQ(marks_in(conversation.request_body(turn)), 2);
    conversation.add_reply(reply_with_calls(12, "many"));
    conversation.add_results({});
    const std::string body = conversation.request_body(turn);
    EXPECT_EQ(marks_in(body), 3);
    const Json json = base::parse_json(body, "body");
    EXPECT_TRUE(json["messages"][2]["content"].back().contains("cache_control"));
    EXPECT_TRUE(json["messages"][4]["content"].back().contains("cache_control"));
}

TEST(ConversationDeathTest, AResultWithoutItsCallIsABug) {
    Conversation conversation{"system", conversation_tools};
    conversation.add_user("start");
    EXPECT_DEATH(conversation.add_results({{"t0", "x", false}}), "");
    conversation.add_reply(reply_with_calls(1, "t"));
    EXPECT_DEATH(conversation.add_results({{"other", "x", false}}), "");
}

}  // namespace
