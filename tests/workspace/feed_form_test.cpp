#include "workspace/feed_form.hpp"

#include <gtest/gtest.h>

namespace {

using workspace::feed_address;
using workspace::feed_moment;
using workspace::plain_text;
using workspace::read_feed;

TEST(FeedForm, ReadsRss) {
    const auto feed = read_feed(R"(<rss version="2.0"><channel><title>Neues &amp; Altes</title>
        <item><title><![CDATA[Ein <b>Fund</b>]]></title><link> https://a.org/1 </link>
          <description>&lt;p&gt;Im Garten &amp;uuml;ber Nacht&lt;/p&gt;</description>
          <pubDate>Fri, 20 Nov 2026 10:30:00 +0100</pubDate></item>
        <item><title>Nur guid</title><guid>https://a.org/2</guid></item>
        <item><title>Kein Link</title><guid isPermaLink="false">https://a.org/3</guid></item>
        <item><title>Falsch</title><link>javascript:alert(1)</link></item>
        </channel></rss>)");

    ASSERT_TRUE(feed);
    EXPECT_EQ(feed->title, "Neues & Altes");
    ASSERT_EQ(feed->entries.size(), 2u);
    EXPECT_EQ(feed->entries[0].title, "Ein Fund");
    EXPECT_EQ(feed->entries[0].url, "https://a.org/1");
    EXPECT_EQ(feed->entries[0].summary, "Im Garten über Nacht");
    EXPECT_EQ(base::to_iso(*feed->entries[0].published_at), "2026-11-20T09:30:00.000Z");
    EXPECT_EQ(feed->entries[1].url, "https://a.org/2");
}

TEST(FeedForm, ReadsAtomAndRssOne) {
    const auto atom = read_feed(R"(<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>
        <entry><title type="html">A &amp;amp; B</title><link rel="self" href="https://a.org/s"/>
          <link href="https://a.org/1"/><updated>2026-11-20T08:00:00Z</updated>
          <content>Text</content></entry></feed>)");
    const auto rdf = read_feed(R"(<rdf:RDF><channel><title>R</title></channel>
        <item><title>I</title><link>http://a.org/i</link><dc:date>2026-11-20T08:00:00Z</dc:date>
        </item></rdf:RDF>)");

    ASSERT_TRUE(atom && rdf);
    EXPECT_EQ(atom->entries.at(0).title, "A & B");
    EXPECT_EQ(atom->entries.at(0).url, "https://a.org/1");
    EXPECT_EQ(atom->entries.at(0).summary, "Text");
    EXPECT_TRUE(atom->entries.at(0).published_at);
    EXPECT_EQ(rdf->entries.at(0).url, "http://a.org/i");
    EXPECT_FALSE(read_feed("<html><body/></html>"));
    EXPECT_FALSE(read_feed("no feed"));
}

TEST(FeedForm, IsBounded) {
    std::string many = "<rss><channel>";
    for (int i = 0; i < 300; ++i) many += "<item><title>t</title><link>https://a.org</link></item>";

    EXPECT_EQ(read_feed(many + "</channel></rss>")->entries.size(), 200u);
    EXPECT_EQ(plain_text(std::string(600, 'x'), 500).size(), 500u);
}

TEST(FeedForm, MakesPlainText) {
    EXPECT_EQ(plain_text("<p>a<br/>b</p>\n\n c", 100), "a b c");
    EXPECT_EQ(plain_text("1 < 2 &#228;&#xE4; &unknown; &amp", 100), "1 < 2 ää &unknown; &amp");
    EXPECT_EQ(plain_text("&lt;script&gt;x&lt;/script&gt;", 100), "x");
}

TEST(FeedForm, ReadsTimes) {
    const auto iso = [](const char* text) {
        const auto moment = feed_moment(text);
        return moment ? base::to_iso(*moment) : std::string("none");
    };
    EXPECT_EQ(iso("20 Nov 2026 10:30 GMT"), "2026-11-20T10:30:00.000Z");
    EXPECT_EQ(iso("Fri, 1 Jan 2027 00:30:00 -0500"), "2027-01-01T05:30:00.000Z");
    EXPECT_EQ(iso("Fri, 1 Jan 2027 00:30:00 PST"), "2027-01-01T08:30:00.000Z");
    for (const char* text : {"", "yesterday", "31 Feb 2026 10:00:00 GMT", "1 Foo 2026 10:00:00 GMT",
                             "1 Jan 2026 25:00:00 GMT", "1 Jan 2026 10:00:00 XYZ"}) {
        EXPECT_EQ(iso(text), "none") << text;
    }
}

TEST(FeedForm, FollowsAddresses) {
    EXPECT_EQ(feed_address("https://a.org/x/y?z", "/b"), "https://a.org/b");
    EXPECT_EQ(feed_address("https://a.org/x", "//b.org/c"), "https://b.org/c");
    EXPECT_EQ(feed_address("http://a.org", "https://b.org/"), "https://b.org/");
    EXPECT_EQ(feed_address("http://a.org", "file:///etc/passwd"), std::nullopt);
    EXPECT_EQ(feed_address("http://a.org", ""), std::nullopt);
}

}  // namespace
