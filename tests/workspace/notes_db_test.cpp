// What notes promise, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;

TEST(Notes, AreFoundByTheirTextInAnyCase) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("notes.create", {{"title", "Übung"}, {"content", "100% fertig_"}});
    anna.call("notes.create", {{"title", "Other"}, {"content", "nothing"}});
    const auto found = [&](const char* query) {
        return pick(anna.call("notes.search", {{"query", query}})["notes"], "title");
    };

    EXPECT_THAT(found("übUNG"), ElementsAre("Übung"));
    EXPECT_THAT(found("0%"), ElementsAre("Übung"));
    EXPECT_THAT(found("g_"), ElementsAre("Übung"));
    EXPECT_THAT(found("%"), ElementsAre("Übung")) << "a per cent sign is itself";
    EXPECT_THAT(found("'; drop table"), IsEmpty());
    EXPECT_THAT(found(""), ElementsAre("Other", "Übung"));
}

TEST(Notes, VanishWhenArchivedOrDeleted) {
    World world;
    Client anna(world, "anna", "home");
    const Json one = anna.call("notes.create", {{"title", "one"}})["note"];
    const Json two = anna.call("notes.create", {{"title", "two"}, {"color", "#a1B2c3"}})["note"];

    anna.call("notes.update", {{"id", one["id"]}, {"isArchived", true}});
    anna.call("notes.delete", {{"id", two["id"]}});

    EXPECT_THAT(anna.call("notes.search")["notes"], IsEmpty());
    EXPECT_THAT(pick(anna.call("notes.search", {{"includeArchived", true}})["notes"], "title"),
                ElementsAre("one"));
    EXPECT_THAT(anna.refusal("notes.update", {{"id", two["id"]}, {"title", "x"}}),
                HasSubstr("no note"));
}

TEST(Notes, CutAnAnswerThatGrowsTooLargeAndSaySo) {
    World world;
    Client anna(world, "anna", "home");
    for (int i = 0; i < 4; ++i) {
        anna.call("notes.create", {{"title", "long"}, {"content", std::string(200'000, 'x')}});
    }

    const Json answer = anna.result("notes.search");

    EXPECT_EQ(answer["structuredContent"]["notes"].size(), 2u);
    ASSERT_EQ(answer["content"].size(), 2u);
    EXPECT_THAT(answer["content"][1]["text"].get<std::string>(), HasSubstr("Narrow the request"));
}

}  // namespace
