// What the calendar promises, over the wire.
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

TEST(Calendar, ShowsWhatTouchesTheDays) {
    World world;
    Client anna(world, "anna", "home");
    const auto create = [&](const char* title, const char* start, Json end) {
        return anna.call("calendar.create",
                         {{"title", title}, {"startTime", start}, {"endTime", end}})["event"];
    };
    create("late", "2026-11-20T20:00:00Z", nullptr);
    create("early", "2026-11-20T08:00:00+01:00", nullptr);
    create("over midnight", "2026-11-19T23:00:00Z", "2026-11-20T01:00:00Z");
    create("ends at midnight", "2026-11-19T22:00:00Z", "2026-11-20T00:00:00Z");
    create("tomorrow", "2026-11-21T00:00:00Z", nullptr);
    const auto titles = [&](const char* tool, const Json& arguments) {
        return pick(anna.call(tool, arguments)["events"], "title");
    };

    EXPECT_THAT(titles("calendar.today", Json::object()),
                ElementsAre("over midnight", "early", "late"));
    EXPECT_THAT(titles("calendar.today", {{"date", "2026-11-21"}}), ElementsAre("tomorrow"));
    EXPECT_THAT(titles("calendar.list", {{"from", "2026-11-19"}, {"to", "2026-11-19"}}),
                ElementsAre("ends at midnight", "over midnight"));
    EXPECT_THAT(titles("calendar.list", Json::object()),
                ElementsAre("over midnight", "early", "late", "tomorrow"));
    EXPECT_THAT(anna.refusal("calendar.list", {{"from", "2026-11-20"}, {"to", "2026-11-19"}}),
                HasSubstr("must not lie before"));
    EXPECT_THAT(anna.refusal("calendar.list", {{"from", "2026-11-20"}, {"to", "2028-11-19"}}),
                HasSubstr("one year"));
}

TEST(Calendar, MovesKeepTheLengthAndEndsComeAfterStarts) {
    World world;
    Client anna(world, "anna", "home");
    const Json event = anna.call("calendar.create", {{"title", "Zahnarzt"},
                                                     {"startTime", "2026-11-20T10:00:00Z"},
                                                     {"endTime", "2026-11-20T10:30:00Z"}})["event"];

    const Json moved = anna.call(
        "calendar.update", {{"id", event["id"]}, {"startTime", "2026-11-23T12:00:00Z"}})["event"];

    EXPECT_EQ(moved["endTime"], "2026-11-23T12:30:00.000Z");
    EXPECT_THAT(
        anna.refusal("calendar.update", {{"id", event["id"]}, {"endTime", "2026-11-23T11:00:00Z"}}),
        HasSubstr("endTime must be after startTime"));
    EXPECT_THAT(anna.refusal("calendar.create", {{"title", "x"},
                                                 {"startTime", "2026-11-20T10:00:00Z"},
                                                 {"endTime", "2026-11-20T10:00:00Z"}}),
                HasSubstr("endTime must be after startTime"));
    anna.call("calendar.cancel", {{"id", event["id"]}});
    EXPECT_THAT(anna.call("calendar.list")["events"], IsEmpty());
    EXPECT_THAT(anna.refusal("calendar.cancel", {{"id", event["id"]}}), HasSubstr("no event"));
}

}  // namespace
