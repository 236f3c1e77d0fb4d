#include "sim/stream.hpp"

#include <gtest/gtest.h>

#include "sim/dice.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;

Json stream_message() {
    return Json::parse(R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"","signature":"c2ln"},
        {"type":"text","text":"Größe, Übermut und ein paar längere Sätze über den Tag. 😀 Ende."},
        {"type":"tool_use","id":"t1","name":"todo_create","input":{"title":"Müll „rausbringen“","n":[1,2]}},
        {"type":"tool_use","id":"t2","name":"todo_list","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,
        "usage":{"input_tokens":5,"output_tokens":148,"output_tokens_details":{"thinking_tokens":60}}})");
}

Json stream_data(const sim::StreamEvent& event) {
    const std::string frame = sim::frame_of(event, sim::FrameStyle::plain);
    EXPECT_TRUE(frame.ends_with("\n\n"));
    return Json::parse(frame.substr(frame.find("data: ") + 6));
}

// Puts the events together again, as any client would.
Json stream_rejoin(const std::vector<sim::StreamEvent>& events) {
    Json message;
    std::map<std::size_t, std::string> inputs;
    for (const sim::StreamEvent& event : events) {
        const Json data = stream_data(event);
        EXPECT_EQ(data["type"], event.name);
        if (event.name == "message_start") message = data["message"];
        if (event.name == "content_block_start")
            message["content"].push_back(data["content_block"]);
        if (event.name == "content_block_delta") {
            Json& block = message["content"][data["index"].get<std::size_t>()];
            const Json& delta = data["delta"];
            if (delta["type"] == "text_delta") {
                block["text"] = block["text"].get<std::string>() + delta["text"].get<std::string>();
            }
            if (delta["type"] == "signature_delta") block["signature"] = delta["signature"];
            if (delta["type"] == "input_json_delta") {
                inputs[data["index"].get<std::size_t>()] +=
                    delta["partial_json"].get<std::string>();
            }
        }
        if (event.name == "message_delta") {
            message["stop_reason"] = data["delta"]["stop_reason"];
            for (const auto& [name, value] : data["usage"].items()) message["usage"][name] = value;
        }
    }
    for (const auto& [index, text] : inputs) {
        if (!text.empty()) message["content"][index]["input"] = Json::parse(text);
    }
    return message;
}

TEST(Stream, pieces_rejoin_whatever_the_dice_say) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto events = sim::stream_events(stream_message(), sim::Dice(seed, "split"));
        EXPECT_EQ(stream_rejoin(events), stream_message());
        EXPECT_EQ(events.front().name, "message_start");
        EXPECT_EQ(events.back().name, "message_stop");
        EXPECT_GE(events.size(), 14U);
    }
}

TEST(Stream, pieces_never_split_a_character) {
    sim::Dice dice(3, "pieces");
    std::string whole;
    for (const std::string& piece : sim::split_pieces("äöü€😀ß…", 3, dice)) {
        EXPECT_NE(static_cast<unsigned char>(piece.front()) & 0xC0, 0x80);
        whole += piece;
    }
    EXPECT_EQ(whole, "äöü€😀ß…");
}

TEST(Stream, pings_come_and_counts_start_small) {
    const auto events = sim::stream_events(stream_message(), sim::Dice(1, "ping"));
    EXPECT_EQ(std::count_if(events.begin(), events.end(),
                            [](const auto& event) { return event.name == "ping"; }) > 0,
              true);
    const Json start = stream_data(events.front())["message"];
    EXPECT_EQ(start["usage"]["output_tokens"], 1);
    EXPECT_TRUE(start["stop_reason"].is_null());
    EXPECT_TRUE(start["content"].empty());
}

}  // namespace
