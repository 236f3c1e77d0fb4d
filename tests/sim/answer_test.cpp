#include "sim/answer.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/server.hpp"
#include "sim/gzip.hpp"

namespace {

using sim::Answer;
using std::chrono::milliseconds;

std::vector<sim::StreamEvent> answer_events() {
    return {sim::make_event("message_start", {{"type", "message_start"}}),
            sim::make_event("content_block_delta",
                            {{"type", "content_block_delta"},
                             {"delta", {{"partial_json", "{\"titel\": \"Grüße, ja\"}"}}}}),
            sim::make_event("message_delta", {{"type", "message_delta"}}),
            sim::make_event("message_stop", {{"type", "message_stop"}})};
}

Answer answer_with(const std::string& fault) {
    sim::StreamOptions options;
    if (!fault.empty()) options.fault = sim::parse_fault(fault);
    return sim::stream_answer(answer_events(), options);
}

// The body as a client joins it from its chunks; stops where the bytes stop.
std::string answer_body(const Answer& answer) {
    std::string_view rest = std::string_view(answer.bytes).substr(answer.head_bytes);
    std::string body;
    while (!rest.empty()) {
        const std::size_t line = rest.find("\r\n");
        const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
        rest.remove_prefix(line + 2);
        body += rest.substr(0, size);
        rest.remove_prefix(std::min(rest.size(), size + 2));
    }
    return body;
}

TEST(Answer, a_stream_is_chunks_that_end) {
    const Answer answer = answer_with("");
    EXPECT_TRUE(answer.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(answer.bytes.find("transfer-encoding: chunked\r\n\r\n"), std::string::npos);
    EXPECT_TRUE(answer.bytes.ends_with("\r\n0\r\n\r\n"));
    std::string expected;
    for (const auto& event : answer_events()) {
        expected += sim::frame_of(event, sim::FrameStyle::plain);
    }
    EXPECT_EQ(answer_body(answer), expected);
    EXPECT_TRUE(answer.pauses.empty());
    EXPECT_TRUE(answer.whole);
}

TEST(Answer, cuts_come_where_they_are_asked_for) {
    EXPECT_EQ(answer_body(answer_with("cut=0")), "");
    EXPECT_EQ(answer_with("cut=0").ending, Answer::Ending::reset);
    EXPECT_TRUE(answer_body(answer_with("cut=1")).ends_with("\n\n"));
    EXPECT_FALSE(answer_body(answer_with("cut-frame=1")).ends_with("\n\n"));
    EXPECT_EQ(answer_with("close=1").ending, Answer::Ending::close);
    EXPECT_TRUE(answer_with("end=1").bytes.ends_with("0\r\n\r\n"));
    EXPECT_EQ(answer_with("end=1").ending, Answer::Ending::keep);
    EXPECT_FALSE(answer_with("end=1").whole);
    EXPECT_EQ(answer_with("silence=1").ending, Answer::Ending::hang);
    EXPECT_EQ(answer_with("reset").bytes, "");
    EXPECT_EQ(answer_with("mute").ending, Answer::Ending::hang);
    EXPECT_EQ(answer_body(answer_with("cut=99")), answer_body(answer_with("cut=3")))
        << "past the end means before the last event";
}

TEST(Answer, a_character_is_cut_in_two) {
    const std::string body = answer_body(answer_with("cut-utf8"));
    ASSERT_FALSE(body.empty());
    EXPECT_EQ(static_cast<unsigned char>(body.back()), 0xC3) << "the first half of ü";
}

TEST(Answer, framings_say_the_same) {
    const std::string plain = answer_body(answer_with(""));
    EXPECT_EQ(answer_body(answer_with("chunks=1")), plain);
    EXPECT_EQ(answer_body(answer_with("chunks=1000")), plain);
    EXPECT_EQ(answer_body(answer_with("random-chunks")), plain);
    EXPECT_EQ(answer_body(answer_with("bom")), "\xEF\xBB\xBF" + plain);
    EXPECT_EQ(answer_with("chunks=1").pauses.size(), plain.size());
    std::string unfolded = answer_body(answer_with("crlf"));
    for (std::size_t at = unfolded.find('\r'); at != std::string::npos; at = unfolded.find('\r')) {
        unfolded.erase(at, 1);
    }
    EXPECT_EQ(unfolded, plain);
}

TEST(Answer, data_lines_break_outside_of_strings_only) {
    std::string data;
    const sim::StreamEvent event =
        sim::make_event("x", {{"a", "eins, zwei\\\", drei"}, {"b", "\\"}, {"c", {1, 2}}});
    const std::string frame = sim::frame_of(event, sim::FrameStyle::lines);
    for (std::size_t at = frame.find("data: "); at != std::string::npos;
         at = frame.find("data: ", at + 1)) {
        data += frame.substr(at + 6, frame.find('\n', at) - at - 6) + "\n";
    }
    EXPECT_EQ(base::Json::parse(data), event.data);
    EXPECT_GT(std::count(data.begin(), data.end(), '\n'), 3);
}

TEST(Answer, waits_stand_where_they_belong) {
    sim::StreamOptions options{.first = milliseconds{50}, .pacing = milliseconds{4}};
    const Answer paced = sim::stream_answer(answer_events(), options);
    ASSERT_EQ(paced.pauses.size(), 4U);
    EXPECT_EQ(paced.pauses[0].at, 0U);
    EXPECT_EQ(paced.pauses[0].wait, milliseconds{50});
    EXPECT_EQ(paced.pauses[3].wait, milliseconds{4});
    options.fault = sim::parse_fault("slow=70");
    EXPECT_EQ(sim::stream_answer(answer_events(), options).pauses[1].wait, milliseconds{70});
    options.fault = sim::parse_fault("late=70");
    EXPECT_EQ(sim::stream_answer(answer_events(), options).pauses[0].wait, milliseconds{120});
    const Answer pings = answer_with("pings=20");
    EXPECT_EQ(pings.loop_wait, milliseconds{20});
    EXPECT_NE(pings.loop.find("event: ping"), std::string::npos);
}

TEST(Answer, whole_ones_have_a_length_and_can_be_late_mute_or_reset) {
    const base::ServerResponse response = base::ServerResponse::json({{"ok", true}});
    const Answer plain = sim::whole_answer(response);
    EXPECT_TRUE(plain.bytes.ends_with("content-length: 11\r\n\r\n{\"ok\":true}"));
    EXPECT_EQ(sim::whole_answer(response, sim::parse_fault("late=9")).pauses[0].wait,
              milliseconds{9});
    EXPECT_EQ(sim::whole_answer(response, sim::parse_fault("reset")).ending, Answer::Ending::reset);
    EXPECT_EQ(sim::whole_answer(response, sim::parse_fault("mute")).bytes, "");
}

TEST(Gzip, has_the_bytes_of_a_member_with_stored_blocks) {
    sim::GzipWriter gzip;
    EXPECT_EQ(sim::GzipWriter::open().substr(0, 3), "\x1F\x8B\x08");
    EXPECT_EQ(gzip.part("123456789"), std::string("\x00\x09\x00\xF6\xFF", 5) + "123456789");
    // The check value of CRC-32, then the size.
    EXPECT_EQ(gzip.finish(),
              std::string("\x01\x00\x00\xFF\xFF\x26\x39\xF4\xCB\x09\x00\x00\x00", 13));
}

}  // namespace
