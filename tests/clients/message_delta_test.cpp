// The short way of reading deltas says exactly what the strict reader says, or nothing.
#include "clients/message_delta.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace clients {
namespace {

std::string delta_data(const std::string& type, const std::string& member,
                       const std::string& quoted) {
    return R"({"type":"content_block_delta","index":3,"delta":{"type":")" + type + R"(",")" +
           member + R"(":)" + quoted + "}}";
}

TEST(MessageDelta, ReadsWhatTheStrictReaderReads) {
    for (const std::string quoted :
         {R"("")", R"("Hallo Anna, schön!")", R"("{\"title\":\"Grüße\"}")",
          R"("a\\b\/c\n\t\r\b\f")", "\"\xF0\x9F\x98\x80\""}) {
        for (const auto& [type, member] : {std::pair{"text_delta", "text"},
                                           {"input_json_delta", "partial_json"},
                                           {"thinking_delta", "thinking"}}) {
            const std::string data = delta_data(type, member, quoted);
            const auto delta = read_plain_delta(data);
            ASSERT_TRUE(delta) << data;
            std::string text = "before ";
            const std::size_t bytes = append_unescaped(text, delta->escaped);
            const base::Json strict = base::parse_json(data, "event");
            const auto expected = strict["delta"][member].get<std::string>();
            EXPECT_EQ(text, "before " + expected);
            EXPECT_EQ(bytes, expected.size());
            EXPECT_EQ(delta->index, 3);
            EXPECT_EQ(delta->type, type);
        }
    }
}

TEST(MessageDelta, TakesTheApisPadding) {
    const std::string data = delta_data("text_delta", "text", R"("a")");
    EXPECT_TRUE(read_plain_delta(data.substr(0, data.size() - 1) + "     }"));
    EXPECT_TRUE(read_plain_delta(data + "  "));
}

TEST(MessageDelta, LeavesEverythingUnusualToTheStrictReader) {
    const std::string good = delta_data("text_delta", "text", R"("a")");
    ASSERT_TRUE(read_plain_delta(good));
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_FALSE(read_plain_delta(good.substr(0, length))) << length;
    }
    for (const std::string& data : {
             delta_data("text_delta", "text", R"("a\u00e4")"),
             delta_data("text_delta", "text", R"("a\x")"),
             delta_data("text_delta", "text", "\"a\xC3\""),
             delta_data("text_delta", "text", "\"a\nb\""),
             delta_data("text_delta", "text", "null"),
             delta_data("text_delta", "partial_json", R"("a")"),
             delta_data("signature_delta", "signature", R"("a")"),
             delta_data("text_delta", "text", R"("a","text":"b")"),
             good + "x",
             " " + good,
         }) {
        EXPECT_FALSE(read_plain_delta(data)) << data;
    }
    for (const char* index : {"-1", "01", "1.0", "", "1e1", "99999999999"}) {
        std::string data = good;
        data.replace(data.find('3'), 1, index);
        EXPECT_FALSE(read_plain_delta(data)) << data;
    }
}

}  // namespace
}  // namespace clients
