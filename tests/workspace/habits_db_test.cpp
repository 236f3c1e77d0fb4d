// What habits promise, over the wire.
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

TEST(Habits, AreKeptInOrderAndPutAway) {
    World world;
    Client anna(world, "anna", "home");
    const Json one = anna.call("habits.create", {{"title", "Laufen"}})["habit"];
    const Json two = anna.call("habits.create", {{"title", "Lesen"}, {"targetPerDay", 2}})["habit"];

    EXPECT_EQ(one["icon"], "star");
    EXPECT_EQ(one["color"], "#6366f1");
    EXPECT_EQ(one["targetPerDay"], nullptr);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"), ElementsAre("Laufen", "Lesen"));
    EXPECT_EQ(anna.call("habits.archive", {{"id", one["id"]}})["ok"], true);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"), ElementsAre("Lesen"));
    EXPECT_EQ(anna.call("habits.list", {{"includeArchived", true}})["habits"].size(), 2u);
    EXPECT_THAT(anna.refusal("habits.log", {{"id", one["id"]}}), HasSubstr("archived"));
    anna.call("habits.archive", {{"id", one["id"]}, {"archived", false}});
    EXPECT_EQ(anna.call("habits.update", {{"id", two["id"]}, {"title", "Viel lesen"}})["ok"], true);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"),
                ElementsAre("Laufen", "Viel lesen"));
    EXPECT_THAT(anna.refusal("habits.create", {{"title", "x"}, {"targetPerDay", 0}}),
                HasSubstr("greater than 0"));
}

// mcp-tools 7: habits can be logged.
TEST(Habits, AreLoggedAndCountedByDay) {
    World world;
    Client anna(world, "anna", "home");
    const Json habit =
        anna.call("habits.create",
                  {{"title", "Wasser"}, {"targetPerDay", 2}, {"defaultDuration", 60}})["habit"];

    const Json first = anna.call("habits.log", {{"id", habit["id"]}});
    const Json second = anna.call("habits.log", {{"id", habit["id"]}, {"duration", 30}});
    anna.call("habits.log", {{"id", habit["id"]}, {"date", "2026-11-19"}});

    EXPECT_EQ(first["log"]["duration"], 60);
    EXPECT_EQ(first["log"]["time"], "09:00");
    EXPECT_EQ(second["log"]["duration"], 30);
    EXPECT_EQ(second["doneThatDay"], 2);
    EXPECT_EQ(second["targetPerDay"], 2);
    const Json today = anna.call("habits.today")["habits"][0];
    EXPECT_EQ(today["done"], 2);
    EXPECT_EQ(today["isReached"], true);
    const Json yesterday = anna.call("habits.today", {{"date", "2026-11-19"}})["habits"][0];
    EXPECT_EQ(yesterday["done"], 1);
    EXPECT_EQ(yesterday["isReached"], false);
    EXPECT_THAT(anna.refusal("habits.log", {{"id", "00000000-0000-4000-8000-000000000000"}}),
                HasSubstr("Call habits.list"));
}

TEST(Habits, RecurOnTheirWeekdays) {
    World world;  // A Friday.
    Client anna(world, "anna", "home");
    const Json habit = anna.call(
        "habits.create", {{"title", "Laufen"}, {"weekdays", {"mon", "wed", "fri"}}})["habit"];
    const Json daily = anna.call("habits.create", {{"title", "Lesen"}})["habit"];
    for (const char* day : {"2026-11-13", "2026-11-16", "2026-11-18"}) {
        anna.call("habits.log", {{"id", habit["id"]}, {"date", day}});
    }
    const auto on = [&](const Json& arguments) {
        return anna.call("habits.today", arguments)["habits"];
    };

    EXPECT_EQ(on(Json::object())[0]["isDue"], true);
    EXPECT_EQ(on(Json::object())[0]["streak"], 3) << "this day is not over";
    EXPECT_EQ(on({{"date", "2026-11-19"}})[0]["isDue"], false);
    EXPECT_EQ(on({{"date", "2026-11-19"}})[0]["streak"], 3);
    EXPECT_THAT(pick(on({{"dueOnly", true}}), "title"), ElementsAre("Laufen", "Lesen"));
    anna.call("habits.log", {{"id", habit["id"]}});
    EXPECT_EQ(on(Json::object())[0]["streak"], 4);
    EXPECT_THAT(pick(on({{"dueOnly", true}}), "title"), ElementsAre("Lesen")) << "done for today";
    EXPECT_THAT(pick(on({{"dueOnly", true}, {"date", "2026-11-21"}}), "title"),
                ElementsAre("Lesen"))
        << "no day for running";
    const Json missed = on({{"date", "2026-11-27"}})[0];
    EXPECT_EQ(missed["streak"], 0) << "Monday and Wednesday went by";
    EXPECT_EQ(missed["longestStreak"], 4);
    EXPECT_EQ(anna.call("habits.update", {{"id", daily["id"]}, {"weekdays", {"sun"}}})["ok"], true);
    EXPECT_THAT(pick(on({{"dueOnly", true}, {"date", "2026-11-22"}}), "title"),
                ElementsAre("Lesen"));
    EXPECT_THAT(anna.refusal("habits.log", {{"id", habit["id"]}, {"date", "2026-11-22"}}),
                HasSubstr("today is 2026-11-20"));
}

}  // namespace
