// What goals promises, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;

using std::chrono_literals::operator""h;

Json target(double value, const char* period, const char* comparison) {
    return {{"value", value}, {"period", period}, {"comparison", comparison}};
}

TEST(Goals, CountWithinTheirPeriod) {
    World world;
    Client anna(world, "anna", "home");
    const Json goal = anna.call(
        "goals.create", {{"title", "Laufen"}, {"target", target(2, "week", "gte")}})["goal"];
    EXPECT_EQ(goal["currentPeriodStart"], "2026-11-16") << "the Monday";
    EXPECT_EQ(goal["metric"], (Json{{"source", "event_count"}, {"eventType", "Laufen"}}));
    EXPECT_EQ(goal["isReached"], false);

    anna.call("goals.progress", {{"id", goal["id"]}});
    const Json reached = anna.call("goals.progress", {{"id", goal["id"]}, {"amount", 1.5}})["goal"];
    EXPECT_EQ(reached["currentValue"], 2.5);
    EXPECT_EQ(reached["isReached"], true);

    world.clock.advance(72h);  // Monday.
    anna.open();
    const Json later = anna.call("goals.list")["goals"][0];
    EXPECT_EQ(later["currentValue"], 0);
    EXPECT_EQ(later["currentPeriodStart"], "2026-11-23");
    EXPECT_EQ(later["isReached"], false);
    EXPECT_EQ(anna.call("goals.progress", {{"id", goal["id"]}})["goal"]["currentValue"], 1.0);
}

TEST(Goals, WithALongTitleCountIt) {
    World world;
    Client anna(world, "anna", "home");
    const std::string title(200, 'x');
    const Json goal =
        anna.call("goals.create", {{"title", title}, {"target", target(1, "day", "gte")}})["goal"];
    EXPECT_EQ(goal["metric"]["eventType"], title);
}

TEST(Goals, MayBeLimits) {
    World world;
    Client anna(world, "anna", "home");
    const Json goal = anna.call("goals.create",
                                {{"title", "Kaffee"}, {"target", target(1, "day", "lte")}})["goal"];
    EXPECT_EQ(goal["isReached"], true);
    anna.call("goals.progress", {{"id", goal["id"]}});
    EXPECT_EQ(anna.call("goals.list")["goals"][0]["isReached"], true);
    EXPECT_EQ(anna.call("goals.progress", {{"id", goal["id"]}})["goal"]["isReached"], false);
}

TEST(Goals, ArePausedChangedAndCompleted) {
    World world;
    Client anna(world, "anna", "home");
    const Json goal = anna.call(
        "goals.create", {{"title", "Lesen"}, {"target", target(9, "month", "gte")}})["goal"];
    EXPECT_EQ(goal["currentPeriodStart"], "2026-11-01");

    anna.call("goals.update", {{"id", goal["id"]}, {"status", "paused"}});
    EXPECT_THAT(anna.refusal("goals.progress", {{"id", goal["id"]}}), HasSubstr("is paused"));
    const Json changed = anna.call(
        "goals.update",
        {{"id", goal["id"]}, {"status", "active"}, {"target", target(1, "day", "gte")}})["goal"];
    EXPECT_EQ(changed["currentPeriodStart"], "2026-11-20");
    const Json done = anna.call("goals.complete", {{"id", goal["id"]}})["goal"];
    EXPECT_EQ(done["status"], "completed");
    EXPECT_EQ(done["completedAt"], "2026-11-20T09:00:00.000Z");
    world.clock.advance(1h);
    anna.open();
    EXPECT_EQ(anna.call("goals.complete", {{"id", goal["id"]}})["goal"]["completedAt"],
              done["completedAt"]);
    EXPECT_EQ(anna.call("goals.list", {{"status", "active"}})["goals"].size(), 0u);
    EXPECT_EQ(anna.call("goals.list", {{"status", "completed"}})["goals"].size(), 1u);
    EXPECT_THAT(anna.refusal("goals.update", {{"id", goal["id"]}}), HasSubstr("at least one"));
}

}  // namespace
