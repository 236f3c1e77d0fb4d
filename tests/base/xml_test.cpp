#include "base/xml.hpp"

#include <gtest/gtest.h>

namespace {

using base::try_parse_xml;

TEST(Xml, IsReadWithAttributesTextAndChildren) {
    const auto root = try_parse_xml(
        R"(<?xml version="1.0"?><a x="1 &amp; 2"><b>one</b><b>two</b><dc:c><![CDATA[<raw>]]> x</dc:c></a>)");

    ASSERT_TRUE(root);
    EXPECT_EQ(root->name, "a");
    EXPECT_EQ(root->attribute("x"), "1 & 2");
    EXPECT_EQ(root->attribute("y"), "");
    EXPECT_EQ(root->child_text("b"), "one");
    EXPECT_EQ(root->child_text("dc:c"), "<raw> x");
    EXPECT_EQ(root->child("d"), nullptr);
    EXPECT_EQ(root->children.size(), 3u);
}

TEST(Xml, ReadsOtherEncodingsAndCleansBrokenOnes) {
    const auto latin = try_parse_xml("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xFC</a>");
    const auto broken = try_parse_xml("<?xml version=\"1.0\"?><a>\xFC</a>");

    ASSERT_TRUE(latin && broken);
    EXPECT_EQ(latin->text, "ü");
    EXPECT_EQ(broken->text, "\xEF\xBF\xBD");
}

TEST(Xml, ExpandsNoEntityOfItsOwnAndFetchesNothing) {
    const auto root = try_parse_xml(
        R"(<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&l;&f;</a>)");

    ASSERT_TRUE(root);
    EXPECT_EQ(root->text, "&l;&f;");
}

TEST(Xml, GivesUpOnWhatIsNoneOrTooMuch) {
    for (const char* text : {"", "text", "<a>", "<a></b>", "<a", "{}"}) {
        EXPECT_FALSE(try_parse_xml(text)) << text;
    }
    std::string deep;
    for (int i = 0; i < 65; ++i) deep += "<a>";
    for (int i = 0; i < 65; ++i) deep += "</a>";
    EXPECT_FALSE(try_parse_xml(deep));
    EXPECT_TRUE(try_parse_xml(deep, {.elements_max = 100, .depth_max = 65}));
    EXPECT_FALSE(try_parse_xml("<a><b/><b/></a>", {.elements_max = 2, .depth_max = 64}));
    EXPECT_FALSE(try_parse_xml(std::string(500'000, '<')));
}

}  // namespace
