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

TEST(Calendar, WarnsOfEventsAtTheSameTime) {
    World world;
    Client anna(world, "anna", "home"), flat(world, "anna", "flat");
    const auto create = [&](const char* title, const char* start, const char* end,
                            bool all_day = false) {
        return anna.call(
            "calendar.create",
            {{"title", title}, {"startTime", start}, {"endTime", end}, {"isAllDay", all_day}});
    };
    create("one", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z");
    const Json two = create("two", "2026-11-20T11:30:00+01:00", "2026-11-20T12:30:00+01:00");
    EXPECT_EQ(two["overlaps"],
              (Json::array({{{"id", anna.call("calendar.today")["events"][0]["id"]},
                             {"title", "one"},
                             {"startTime", "2026-11-20T10:00:00.000Z"},
                             {"endTime", "2026-11-20T11:00:00.000Z"}}})));

    EXPECT_THAT(create("next", "2026-11-20T11:30:00Z", "2026-11-20T12:00:00Z")["overlaps"],
                IsEmpty())
        << "what ends as this begins is over";
    EXPECT_THAT(create("day", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", true)["overlaps"],
                IsEmpty())
        << "an all-day event stands for the day";
    EXPECT_THAT(flat.call("calendar.create",
                          {{"title", "x"}, {"startTime", "2026-11-20T10:00:00Z"}})["overlaps"],
                IsEmpty())
        << "another space";
    const Json id = two["event"]["id"];
    EXPECT_THAT(anna.call("calendar.update", {{"id", id}, {"location", "Flur"}})["overlaps"],
                ElementsAre(two["overlaps"][0]))
        << "not itself";
    EXPECT_THAT(pick(anna.call("calendar.update",
                               {{"id", id}, {"startTime", "2026-11-20T11:15:00Z"}})["overlaps"],
                     "title"),
                ElementsAre("next"));
}

TEST(Calendar, NamesFiveOverlapsAtMostAndNoneThatIsCancelled) {
    World world;
    Client anna(world, "anna", "home");
    std::vector<Json> events;
    for (const char* title : {"a", "b", "c", "d", "e", "f", "g"}) {
        events.push_back(anna.call("calendar.create",
                                   {{"title", title}, {"startTime", "2026-11-20T10:00:00Z"}}));
    }
    EXPECT_EQ(events[5]["overlaps"].size(), 5u);
    EXPECT_EQ(events[6]["overlaps"].size(), 5u);
    for (const Json& event : events) {
        anna.call("calendar.cancel", {{"id", event["event"]["id"]}});
    }
    EXPECT_THAT(anna.call("calendar.create",
                          {{"title", "h"}, {"startTime", "2026-11-20T10:00:00Z"}})["overlaps"],
                IsEmpty());
}

TEST(Calendar, IsSearchedAtAllTimesAndAllDayEventsLastADay) {
    World world;
    Client anna(world, "anna", "home");
    const Json event = anna.call("calendar.create", {{"title", "Umzug"},
                                                     {"startTime", "2025-03-01T00:00:00Z"},
                                                     {"isAllDay", true},
                                                     {"location", "Altbau"}})["event"];
    anna.call("calendar.create", {{"title", "Umzüge"}, {"startTime", "2027-03-01T08:00:00Z"}});

    EXPECT_EQ(event["endTime"], "2025-03-02T00:00:00.000Z");
    EXPECT_THAT(pick(anna.call("calendar.search", {{"query", "umzug"}})["events"], "title"),
                ElementsAre("Umzüge", "Umzug"))
        << "latest first";
    EXPECT_THAT(pick(anna.call("calendar.search", {{"query", "altbau"}})["events"], "title"),
                ElementsAre("Umzug"));
}

}  // namespace
