// The fault menu's second half, framing, events and messages: what the client makes of each.
#include <set>

#include <nlohmann/json.hpp>

#include "tests/clients/fault_room.hpp"

namespace fault_tests {
namespace {

void expect_plain_with(const std::string& fault) {
    SCOPED_TRACE(fault);
    VirtualFaultRoom room;
    expect_plain(room.expect_read(fault));
}

TEST(FaultChunks, OfAnySizeAreRead) {
    for (const char* fault : {"chunks", "chunks=2", "chunks=7", "chunks=100000"}) {
        expect_plain_with(fault);
    }
}

TEST(FaultRandomChunks, AreRead) {
    expect_plain_with("random-chunks");
}

TEST(FaultCrlf, IsRead) {
    expect_plain_with("crlf");
}

TEST(FaultCr, IsRead) {
    expect_plain_with("cr");
}

TEST(FaultComments, AreSkipped) {
    expect_plain_with("comments");
}

TEST(FaultBom, IsSkipped) {
    expect_plain_with("bom");
}

TEST(FaultLines, AreJoined) {
    expect_plain_with("lines");
}

TEST(FaultGzip, IsDecoded) {
    expect_plain_with("gzip");
}

TEST(FaultError, IsAskedAgainWhereverItComes) {
    for (const char* fault : {"error=first", "error=start", "error=input", "error=delta",
                              "error=1;type=api_error", "error=1;type=timeout_error"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultError, ThatNoRepeatCanMendIsGivenUp) {
    const std::vector<std::pair<std::string, Failure::Kind>> errors{
        {"error=1;type=invalid_request_error", Failure::Kind::invalid},
        {"error=1;type=authentication_error", Failure::Kind::unauthenticated},
        {"error=1;type=permission_error", Failure::Kind::forbidden},
        {"error=1;type=billing_error", Failure::Kind::throttled},  // As any limit of spending.
    };
    for (const auto& [fault, kind] : errors) {
        VirtualFaultRoom room;
        EXPECT_EQ(room.expect_given_up(fault).kind(), kind) << fault;
    }
}

TEST(FaultUnknownEvent, IsSkipped) {
    expect_plain_with("unknown-event");
}

TEST(FaultUnknownDelta, IsSkipped) {
    expect_plain_with("unknown-delta");
}

TEST(FaultUnknownBlock, IsKeptAndEchoed) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("unknown-block");
    expect_plain(message);
    EXPECT_NE(message.content_json.find(R"({"type":"sim_novelty","payload":{"number":7}})"),
              std::string::npos);
    room.expect_goes_on(message);
}

TEST(FaultStopTwice, IsRead) {
    expect_plain_with("stop-twice");
}

TEST(FaultIndexGap, IsRead) {
    expect_plain_with("index-gap");
}

TEST(FaultDeltaFirst, IsAskedAgain) {
    VirtualFaultRoom room;
    room.expect_asked_again("delta-first");
}

void expect_bare_call(const std::string& fault) {
    VirtualFaultRoom room;
    const Message message = room.expect_read(fault);
    ASSERT_EQ(message.tool_uses.size(), 1U);
    EXPECT_TRUE(message.tool_uses[0].valid);
    EXPECT_EQ(message.tool_uses[0].input, base::Json::object());
    room.expect_goes_on(message);
}

TEST(FaultInputNone, IsACallWithoutArguments) {
    expect_bare_call("input-none");
}

TEST(FaultInputEmpty, IsACallWithoutArguments) {
    expect_bare_call("input-empty");
}

TEST(FaultInputInStart, IsTakenFromThere) {
    VirtualFaultRoom room;
    room.talk = fault_talk(R"([{"name":"todo_create","description":"Legt an.","input_schema":
        {"type":"object","properties":{"title":{"type":"string"}},"required":["title"]}}])");
    const Message message = room.expect_read("input-in-start");
    ASSERT_EQ(message.tool_uses.size(), 1U);
    EXPECT_TRUE(message.tool_uses[0].valid);
    EXPECT_FALSE(message.tool_uses[0].input.at("title").get<std::string>().empty());
    room.expect_goes_on(message);
}

TEST(FaultInputCut, IsACallThatMustNotRun) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("input-cut");
    EXPECT_EQ(message.stop_reason, "max_tokens");
    ASSERT_EQ(message.tool_uses.size(), 1U);
    EXPECT_FALSE(message.tool_uses[0].valid);
    room.expect_goes_on(message);
}

TEST(FaultInputInvalid, IsACallThatMustNotRun) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("input-invalid");
    EXPECT_EQ(message.stop_reason, "tool_use");
    ASSERT_EQ(message.tool_uses.size(), 1U);
    EXPECT_FALSE(message.tool_uses[0].valid);
    EXPECT_NE(message.tool_uses[0].input_json.find("kaputt"), std::string::npos);
    room.expect_goes_on(message);
}

TEST(FaultUnknownStop, IsHandedOnWithTheContent) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("unknown-stop");
    EXPECT_EQ(message.stop_reason, "sim_unheard_of");
    EXPECT_EQ(message.text, plain_reply().text);
}

TEST(FaultBigText, IsReadWhole) {
#ifdef NDEBUG
    constexpr std::size_t bytes = 10'000'000;
#else
    constexpr std::size_t bytes = 1'000'000;  // Unoptimised reading takes its time.
#endif
    VirtualFaultRoom room;
    const Message message = room.expect_read("big-text=" + std::to_string(bytes));
    EXPECT_GT(message.text.size(), bytes - 4);
    EXPECT_LE(message.text.size(), bytes);
}

TEST(FaultBigText, PastTheLimitIsGivenUp) {
    VirtualFaultRoom room;
    room.options.message_bytes_max = 100'000;
    room.options.retry.attempts_max = 2;
    room.strike("big-text=101000", 0);
    const Failure failure = room.failure();
    EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
    EXPECT_NE(std::string(failure.what()).find("100000 bytes"), std::string::npos);
}

TEST(FaultCalls, ThirtyAtOnceAreThirtyCalls) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("calls");
    ASSERT_EQ(message.tool_uses.size(), 30U);
    std::set<std::string> ids;
    for (const clients::ToolUse& use : message.tool_uses) {
        EXPECT_TRUE(use.valid);
        ids.insert(use.id);
    }
    EXPECT_EQ(ids.size(), 30U);
    room.expect_goes_on(message);
}

TEST(FaultEmpty, IsAnEmptyReplyThatLeavesNoTrace) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("empty");
    EXPECT_EQ(message.stop_reason, "end_turn");
    EXPECT_EQ(message.text, "");
    EXPECT_EQ(message.content_json, "[]");
    room.expect_goes_on(message);
}

TEST(FaultRefusal, IsHandedOnWithItsCategory) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("refusal");
    EXPECT_EQ(message.stop_reason, "refusal");
    EXPECT_EQ(message.refusal_category, "general_harms");
    EXPECT_TRUE(message.tool_uses.empty());
}

TEST(FaultRefusalMid, IsHandedOnWithItsCategory) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("refusal-mid");
    EXPECT_EQ(message.stop_reason, "refusal");
    EXPECT_EQ(message.refusal_category, "general_harms");
}

TEST(FaultPauseTurn, GoesOnWithTheContentAsItCame) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("pause-turn");
    EXPECT_EQ(message.stop_reason, "pause_turn");
    EXPECT_TRUE(message.tool_uses.empty());
    const Message next = room.expect_goes_on(message);
    EXPECT_NE(next.content_json.find("web_search_tool_result"), std::string::npos);
    room.expect_goes_on(next);
}

TEST(FaultContextFull, IsATextThatWasCut) {
    VirtualFaultRoom room;
    const Message message = room.expect_read("context-full");
    EXPECT_EQ(message.stop_reason, "model_context_window_exceeded");
    EXPECT_FALSE(message.text.empty());
}

void expect_thinking_kept(const std::string& fault, const std::string& part, std::size_t times) {
    SCOPED_TRACE(fault);
    VirtualFaultRoom room;
    const Message message = room.expect_read(fault);
    std::size_t found = 0;
    for (std::size_t at = message.content_json.find(part); at != std::string::npos;
         at = message.content_json.find(part, at + 1)) {
        ++found;
    }
    EXPECT_EQ(found, times) << message.content_json;
    // Twice: the signatures that follow rest on these.
    room.expect_goes_on(room.expect_goes_on(message));
}

TEST(FaultThinkingEmpty, IsEchoedWithItsSignature) {
    expect_thinking_kept("thinking-empty", R"("thinking":"","signature":")", 1);
}

TEST(FaultThinkingRedacted, IsEchoedAsItCame) {
    expect_thinking_kept("thinking-redacted", R"({"type":"redacted_thinking","data":")", 1);
}

TEST(FaultThinkingInterleaved, IsEchoedInItsPlaces) {
    const std::size_t blocks =
        plain_reply().tool_uses.size() + (plain_reply().text.empty() ? 0 : 1);
    expect_thinking_kept("thinking-interleaved", R"({"type":"thinking")", blocks);
}

TEST(FaultThinkingProgress, IsEchoedBetweenTheCalls) {
    expect_thinking_kept("thinking-progress", R"({"type":"thinking")", 2);
}

// What reads ratings knows modules in any case (runner/ratings_test.cpp); the client changes
// nothing.
TEST(FaultEnumCase, IsHandedOnAsItCame) {
    VirtualFaultRoom room;
    room.strike("enum-case");
    clients::TurnOptions turn = fault_turn;
    turn.output_schema = R"({"type":"object","properties":{"word":{"type":"string",)"
                         R"("enum":["todo","notes"]}},"required":["word"],)"
                         R"("additionalProperties":false})";
    Conversation talk{"Du bist Anna.", "[]"};
    talk.add_user("Welches Modul?");
    Claude claude{room.http, room.options, room.metrics, room.random};
    const base::Json said = base::parse_json(room.run(claude.send(talk, turn)).text, "reply");
    const std::string word = said.at("word");
    EXPECT_TRUE(word == "TODO" || word == "NOTES") << word;
}

}  // namespace
}  // namespace fault_tests
