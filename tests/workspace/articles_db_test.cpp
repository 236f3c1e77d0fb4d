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

TEST(Articles, AreHighlighted) {
    World world;
    Client anna(world, "anna", "home");
    const Json article =
        anna.call("articles.save", {{"url", "https://a.org/1"}, {"title", "Eins"}})["article"];
    const Json other =
        anna.call("articles.save", {{"url", "https://a.org/2"}, {"title", "Zwei"}})["article"];
    const auto marked = [&](const Json& id) {
        return pick(anna.call("articles.listHighlights", {{"id", id}})["highlights"], "text");
    };

    const Json first =
        anna.call("articles.highlight", {{"id", article["id"]}, {"text", "Der erste Satz"}});
    anna.call("articles.highlight",
              {{"id", article["id"]}, {"text", "Der zweite"}, {"note", "Belegt?"}});

    EXPECT_EQ(first["highlight"]["articleId"], article["id"]);
    EXPECT_EQ(first["highlight"]["note"], nullptr);
    EXPECT_THAT(marked(article["id"]), ElementsAre("Der erste Satz", "Der zweite"));
    EXPECT_THAT(marked(other["id"]), testing::IsEmpty());
    const Json lost = "00000000-0000-4000-8000-000000000000";
    EXPECT_THAT(anna.refusal("articles.highlight", {{"id", lost}, {"text", "x"}}),
                HasSubstr("Call articles.list"));
    EXPECT_THAT(anna.refusal("articles.listHighlights", {{"id", lost}}),
                HasSubstr("Call articles.list"));
}

TEST(Articles, ComeBackFromTheArchiveAsTheyWere) {
    World world;
    Client anna(world, "anna", "home");
    const auto titles = [&](const Json& arguments) {
        return pick(anna.call("articles.list", arguments)["articles"], "title");
    };
    for (const char* status : {"unread", "finished"}) {
        const Json id = anna.call("articles.save", {{"url", std::string("https://a.org/") + status},
                                                    {"title", status}})["article"]["id"];
        anna.call("articles.mark", {{"id", id}, {"status", status}});
        EXPECT_EQ(anna.call("articles.archive", {{"id", id}})["article"]["status"], "archived");
        EXPECT_THAT(titles(Json::object()), testing::IsEmpty());
        EXPECT_THAT(titles({{"query", status}}), testing::IsEmpty());
        EXPECT_THAT(titles({{"status", "archived"}}), testing::Contains(status));
        EXPECT_EQ(
            anna.call("articles.archive", {{"id", id}, {"archived", false}})["article"]["status"],
            status);
        EXPECT_THAT(titles({{"status", status}}), ElementsAre(status));
        anna.call("articles.archive", {{"id", id}});
    }
}

}  // namespace
