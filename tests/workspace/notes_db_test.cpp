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

TEST(Notes, AreFoundByWordsFormsAndBeginningsInAnyCase) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("notes.create", {{"title", "Übungen"}, {"content", "100% fertig"}});
    anna.call("notes.create", {{"title", "Other"}, {"content", "nothing"}, {"tags", {"Reise"}}});
    const auto found = [&](const char* query) {
        return pick(anna.call("notes.search", {{"query", query}})["notes"], "title");
    };

    EXPECT_THAT(found("übUNG"), ElementsAre("Übungen"));
    EXPECT_THAT(found("100 ferti"), ElementsAre("Übungen"));
    EXPECT_THAT(found("reisen"), ElementsAre("Other")) << "a form of the word, in a tag";
    EXPECT_THAT(found("fertig nothing"), IsEmpty()) << "every word must be there";
    EXPECT_THAT(found("%"), IsEmpty()) << "no word";
    EXPECT_THAT(found("'; drop table"), IsEmpty());
    EXPECT_THAT(found(""), ElementsAre("Other", "Übungen"));
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

TEST(Notes, ComeBackFromTheArchive) {
    World world;
    Client anna(world, "anna", "home");
    const Json id = anna.call("notes.create", {{"title", "one"}})["note"]["id"];

    EXPECT_EQ(anna.call("notes.archive", {{"id", id}})["note"]["isArchived"], true);
    EXPECT_THAT(anna.call("notes.search")["notes"], IsEmpty());
    anna.call("notes.archive", {{"id", id}, {"archived", false}});
    EXPECT_THAT(pick(anna.call("notes.search")["notes"], "title"), ElementsAre("one"));
}

}  // namespace
