#include "sim/raw_prompt.hpp"

#include <gtest/gtest.h>

namespace {

TEST(RawPrompt, grows_with_the_conversation) {
    const std::string first = sim::raw_prompt(
        R"({"model":"m","system":"Du bist Anna.","tools":[{"name":"a"}],
            "messages":[{"role":"user","content":"Guten Morgen"}]})");
    const std::string second = sim::raw_prompt(
        R"({"tools":[{"name":"a"}],"system":"Du bist Anna.","messages":[
            {"role":"user","content":"Guten Morgen"},{"role":"assistant","content":[
            {"type":"text","text":"Ja"}]},{"content":"weiter","role":"user"}]})");
    EXPECT_TRUE(second.starts_with(first));
    EXPECT_FALSE(first.starts_with(second));
}

TEST(RawPrompt, leaves_marks_and_blanks_out_and_nothing_else) {
    const std::string marked = sim::raw_prompt(
        R"({"system":[{"type":"text","text":"a b","cache_control":{"type":"ephemeral"}}],
            "messages":[{"role":"user","content":[{"type":"text","text":"x, }"}]}]})");
    const std::string bare = sim::raw_prompt(
        R"({"system":[{"type":"text","text":"a b"}],"messages":[{"role":"user","content":[
            { "type" : "text" , "text":"x, }","cache_control" :{"type":"ephemeral","ttl":"1h"}}]}]})");
    EXPECT_EQ(marked, bare);
    EXPECT_NE(bare.find("a b"), std::string::npos);
    EXPECT_EQ(bare.find("cache_control"), std::string::npos);
}

TEST(RawPrompt, an_escape_written_otherwise_is_another_text) {
    const auto with = [](const std::string& text) {
        return sim::raw_prompt(R"({"messages":[{"role":"user","content":")" + text + R"("}]})");
    };
    EXPECT_NE(with("\\u00e4"), with("ä"));
    EXPECT_NE(with("\\\"}, x"), with("\\\"},x")) << "blanks inside of strings count";
}

TEST(RawPrompt, a_changed_tool_or_role_or_block_border_shows) {
    const std::string base = R"({"tools":[{"n":1}],"messages":[{"role":"user","content":"ab"}]})";
    const std::string prompt = sim::raw_prompt(base);
    EXPECT_NE(prompt, sim::raw_prompt(
                          R"({"tools":[{"n":2}],"messages":[{"role":"user","content":"ab"}]})"));
    EXPECT_NE(
        prompt,
        sim::raw_prompt(R"({"tools":[{"n":1}],"messages":[{"role":"assistant","content":"ab"}]})"));
    EXPECT_NE(
        prompt,
        sim::raw_prompt(R"({"tools":[{"n":1}],"messages":[{"role":"user","content":["a","b"]}]})"));
    EXPECT_EQ(sim::raw_prompt(R"({"messages":7})"), "");
    EXPECT_EQ(sim::raw_prompt("[]"), "");
}

}  // namespace
