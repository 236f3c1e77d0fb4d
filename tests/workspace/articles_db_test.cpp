// What articles promise, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;

TEST(Articles, AreSavedOncePerAddress) {
    World world;
    Client anna(world, "anna", "home");

    const Json article = anna.call("articles.save", {{"url", "https://www.Example.org/a#top"},
                                                     {"title", "A"},
                                                     {"content", "drei kurze Worte"}})["article"];

    EXPECT_EQ(article["originalUrl"], "https://www.Example.org/a");
    EXPECT_EQ(article["siteName"], "example.org");
    EXPECT_EQ(article["wordCount"], 3);
    EXPECT_EQ(article["readingTimeMinutes"], 1);
    EXPECT_EQ(article["status"], "unread");
    EXPECT_THAT(
        anna.refusal("articles.save", {{"url", "https://www.Example.org/a#end"}, {"title", "B"}}),
        HasSubstr(article["id"].get<std::string>()));
    EXPECT_THAT(anna.refusal("articles.save", {{"url", "example.org"}, {"title", "B"}}),
                HasSubstr("url must be a web address"));
}

TEST(Articles, AreMarkedAnnotatedAndListedByStatus) {
    World world;
    Client anna(world, "anna", "home");
    const Json one =
        anna.call("articles.save", {{"url", "https://a.org/1"}, {"title", "Eins"}})["article"];
    anna.call("articles.save", {{"url", "https://a.org/2"}, {"title", "Zwei"}});

    const Json read =
        anna.call("articles.mark", {{"id", one["id"]}, {"status", "finished"}})["article"];
    const Json noted =
        anna.call("articles.note", {{"id", one["id"]}, {"note", "Lesenswert"}})["article"];

    EXPECT_EQ(read["readAt"], "2026-11-20T09:00:00.000Z");
    EXPECT_EQ(read["readingProgress"], 1);
    EXPECT_EQ(noted["userNote"], "Lesenswert");
    EXPECT_EQ(noted["status"], "finished");
    EXPECT_THAT(pick(anna.call("articles.list", {{"status", "unread"}})["articles"], "title"),
                ElementsAre("Zwei"));
    EXPECT_THAT(pick(anna.call("articles.list", {{"query", "lesens"}})["articles"], "title"),
                ElementsAre("Eins"));
    const Json unread =
        anna.call("articles.mark", {{"id", one["id"]}, {"status", "unread"}})["article"];
    EXPECT_EQ(unread["readAt"], nullptr);
    EXPECT_THAT(anna.refusal("articles.mark", {{"id", one["id"]}}), HasSubstr("needs status"));
}

}  // namespace
