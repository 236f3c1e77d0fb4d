// What the library promises, over the wire.
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

TEST(Library, KeepsWhatIsPlannedBegunAndFinished) {
    World world;
    Client anna(world, "anna", "home");
    const Json book = anna.call("library.create", {{"kind", "book"},
                                                   {"title", "Der Zauberberg"},
                                                   {"creators", {"Thomas Mann"}},
                                                   {"details", {{"total", 1000}}}})["entry"];
    EXPECT_EQ(book["status"], "planned");
    EXPECT_EQ(book["startedAt"], nullptr);
    EXPECT_EQ(book["times"], 0);

    const Json begun = anna.call(
        "library.update",
        {{"id", book["id"]}, {"status", "active"}, {"details", {{"current", 120}}}})["entry"];
    EXPECT_EQ(begun["startedAt"], "2026-11-20T09:00:00.000Z");
    EXPECT_EQ(begun["details"], (Json{{"total", 1000}, {"current", 120}})) << "merged";
    const Json read = anna.call("library.complete",
                                {{"id", book["id"]}, {"rating", 5}, {"review", "Lang."}})["entry"];
    EXPECT_EQ(read["status"], "completed");
    EXPECT_EQ(read["times"], 1);
    EXPECT_EQ(read["rating"], 5);
    EXPECT_EQ(anna.call("library.complete", {{"id", book["id"]}})["entry"]["times"], 1)
        << "completing what is completed counts once";
    anna.call("library.update", {{"id", book["id"]}, {"status", "active"}});
    EXPECT_EQ(anna.call("library.complete", {{"id", book["id"]}})["entry"]["times"], 2);
    EXPECT_THAT(
        anna.refusal("library.update", {{"id", book["id"]}, {"details", {{"current", 1001}}}}),
        HasSubstr("details.total (1000)"));
    EXPECT_THAT(anna.refusal("library.create", {{"kind", "book"},
                                                {"title", "x"},
                                                {"details", {{"current", 2}, {"total", 1}}}}),
                HasSubstr("details.total (1)"));
}

TEST(Library, IsListedByKindStatusAndText) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("library.create", {{"kind", "movie"},
                                 {"title", "Stalker"},
                                 {"year", 1979},
                                 {"status", "completed"},
                                 {"isFavorite", true}});
    const Json comic = anna.call(
        "library.create",
        {{"kind", "comic"}, {"title", "Persepolis"}, {"creators", {"Marjane Satrapi"}}})["entry"];
    const auto titles = [&](const Json& arguments) {
        return pick(anna.call("library.list", arguments)["entries"], "title");
    };

    EXPECT_THAT(titles(Json::object()), ElementsAre("Persepolis", "Stalker"));
    EXPECT_THAT(titles({{"kind", "movie"}}), ElementsAre("Stalker"));
    EXPECT_THAT(titles({{"status", "planned"}}), ElementsAre("Persepolis"));
    EXPECT_THAT(titles({{"favoritesOnly", true}}), ElementsAre("Stalker"));
    EXPECT_THAT(titles({{"query", "satrapi"}}), ElementsAre("Persepolis"));
    anna.call("library.archive", {{"id", comic["id"]}});
    EXPECT_THAT(titles(Json::object()), ElementsAre("Stalker"));
    EXPECT_THAT(titles({{"includeArchived", true}}), ElementsAre("Persepolis", "Stalker"));
}

}  // namespace
