#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace base {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

const std::string text_bad = "\xEF\xBF\xBD";

TEST(text, valid_utf8_passes_unchanged) {
    for (const std::string text :
         {"", "plain", "Grüße", "日本", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
        EXPECT_EQ(clean_utf8(text), text);
        EXPECT_TRUE(is_valid_utf8(text)) << text;
    }
}

TEST(text, every_broken_sequence_is_replaced) {
    const std::pair<std::string, std::string> cases[] = {
        {"a\xFFz", "a" + text_bad + "z"},
        {"a\x80z", "a" + text_bad + "z"},                 // Stray continuation.
        {"a\xC0\xAFz", "a" + text_bad + text_bad + "z"},  // Overlong '/'.
        {"a\xE0\x80\xAFz", "a" + text_bad + text_bad + text_bad + "z"},
        {"a\xED\xA0\x80z", "a" + text_bad + text_bad + text_bad + "z"},  // Surrogate U+D800.
        {"a\xF4\x90\x80\x80z", "a" + text_bad + text_bad + text_bad + text_bad + "z"},
        {"a\xE2\x82z", "a" + text_bad + "z"},  // Cut in the middle: one replacement.
        {"a\xF0\x9F\x98", "a" + text_bad},
        {"a\xE2", "a" + text_bad},
    };
    for (const auto& [broken, clean] : cases) {
        EXPECT_EQ(clean_utf8(broken), clean);
        EXPECT_FALSE(is_valid_utf8(broken)) << clean;
        EXPECT_TRUE(is_valid_utf8(clean_utf8(broken)));
    }
}

TEST(text, nul_is_replaced) {
    EXPECT_EQ(clean_utf8("a\0b"s), "a" + text_bad + "b");
}

TEST(text, every_two_bytes_end_up_valid) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
            const std::string clean = clean_utf8(text);
            ASSERT_TRUE(is_valid_utf8(clean));
            ASSERT_EQ(clean.back(), 'x');
        }
    }
}

TEST(text, cut_never_splits_a_character) {
    EXPECT_EQ(cut("short", 5), "short");
    EXPECT_EQ(cut("longer text", 8), "longe…");
    EXPECT_EQ(cut("ääää", 7), "ää…");
    EXPECT_EQ(cut("ääää", 6), "ä…");
    EXPECT_EQ(cut("ääää", 2), "ä");
    EXPECT_EQ(cut("ääää", 1), "");
    EXPECT_EQ(cut("ääää", 0), "");
    for (std::size_t max = 0; max < 12; ++max) {
        const std::string text = cut("a\xF0\x9F\x98\x80日b", max);
        EXPECT_LE(text.size(), max);
        EXPECT_TRUE(is_valid_utf8(text)) << max;
    }
}

TEST(text, characters_are_what_people_count) {
    EXPECT_EQ(base::characters(""), 0U);
    EXPECT_EQ(base::characters("ää·€"), 4U);
    EXPECT_EQ(base::cut_characters("äöüß", 4), "äöüß");
    EXPECT_EQ(base::cut_characters("äöüß", 3), "äö…");
    EXPECT_EQ(base::cut_characters("äöüß", 1), "…");
    EXPECT_EQ(base::cut_characters("äöüß", 0), "");
}

TEST(text, trim_takes_ascii_blanks_only) {
    EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
    EXPECT_EQ(trim("   "), "");
    EXPECT_EQ(trim("\xC2\xA0x"), "\xC2\xA0x");
}

TEST(text, split_keeps_empty_parts) {
    EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
    EXPECT_THAT(split("", ','), ElementsAre(""));
    EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
}

TEST(text, case_is_ascii) {
    EXPECT_EQ(lower_ascii("ABC xyz Ä"), "abc xyz Ä");
    EXPECT_TRUE(equals_ignoring_case("Content-Type", "content-tYPE"));
    EXPECT_FALSE(equals_ignoring_case("a", "ab"));
    EXPECT_FALSE(equals_ignoring_case("[", "{"));
}

}  // namespace
}  // namespace base
