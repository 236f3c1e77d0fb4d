// What moods promise, over the wire.
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
using std::chrono_literals::operator""h;

TEST(Mood, IsLoggedNowAndReadBackInOrder) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("mood.log", {{"level", 7}, {"emotion", "calm"}});
    anna.call("mood.log", {{"level", 3}, {"emotion", "tired"}, {"time", "07:15"}});
    anna.call("mood.log", {{"level", 5}, {"emotion", "bored"}, {"date", "2026-11-15"}});
    anna.call("mood.log", {{"level", 5}, {"emotion", "sad"}, {"date", "2026-11-10"}});

    EXPECT_THAT(pick(anna.call("mood.today")["entries"], "time"), ElementsAre("07:15", "09:00"));
    EXPECT_THAT(pick(anna.call("mood.recent")["entries"], "emotion"),
                ElementsAre("calm", "tired", "bored"));
    EXPECT_THAT(pick(anna.call("mood.today", {{"date", "2026-11-10"}})["entries"], "emotion"),
                ElementsAre("sad"));
    EXPECT_THAT(anna.refusal("mood.log", {{"level", 11}, {"emotion", "calm"}}),
                HasSubstr("level must be at most 10"));
    EXPECT_THAT(
        anna.refusal("mood.log", {{"level", 5}, {"emotion", "calm"}, {"date", "2026-11-22"}}),
        HasSubstr("today is 2026-11-20"));
}

// mcp-tools 8, row 21.
TEST(Mood, CountsDaysInTheZoneOfTheUser) {
    workspace::Options options;
    options.zone = "Pacific/Auckland";
    World world(options);
    Client anna(world, "anna", "home");
    world.clock.advance(3h);  // 12:00 in UTC, 01:00 of the next day in Auckland.

    const Json entry = anna.call("mood.log", {{"level", 7}, {"emotion", "calm"}})["entry"];

    EXPECT_EQ(entry["date"], "2026-11-21");
    EXPECT_EQ(entry["time"], "01:00");
    EXPECT_EQ(anna.call("mood.today")["entries"].size(), 1u);
}

TEST(Mood, IsCorrectedAndFoundByItsTexts) {
    World world;
    Client anna(world, "anna", "home");
    const Json entry =
        anna.call("mood.log",
                  {{"level", 3}, {"emotion", "tired"}, {"notes", "Langer Tag im Lager"}})["entry"];

    const Json changed =
        anna.call("mood.update", {{"id", entry["id"]}, {"level", 4}, {"withWhom", "Ben"}})["entry"];

    EXPECT_EQ(changed["level"], 4);
    EXPECT_EQ(changed["emotion"], "tired");
    EXPECT_EQ(changed["notes"], "Langer Tag im Lager");
    for (const char* query : {"lagern", "ben", "tired"}) {
        EXPECT_EQ(anna.call("mood.search", {{"query", query}})["entries"].size(), 1u) << query;
    }
    EXPECT_THAT(anna.refusal("mood.update", {{"id", entry["id"]}}), HasSubstr("at least one"));
    EXPECT_THAT(anna.refusal("mood.update", {{"id", entry["id"]}, {"date", "2026-11-22"}}),
                HasSubstr("today is 2026-11-20"));
}

}  // namespace
