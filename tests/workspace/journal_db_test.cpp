// What the journal promises, over the wire.
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

TEST(Journal, CountsWordsAndDatesEntriesToday) {
    World world;
    Client anna(world, "anna", "home");

    const Json entry = anna.call(
        "journal.add", {{"content", "Heute  war\nes schön."}, {"mood", "glücklich"}})["entry"];

    EXPECT_EQ(entry["wordCount"], 4);
    EXPECT_EQ(entry["entryDate"], "2026-11-20");
    EXPECT_EQ(entry["tags"], Json::array());
    EXPECT_THAT(anna.refusal("journal.add", {{"content", "x"}, {"mood", "super"}}),
                HasSubstr("mood must be one of"));
}

TEST(Journal, IsReadBackByDayAndByText) {
    World world;
    Client anna(world, "anna", "home");
    for (const char* date : {"2026-11-18", "2026-11-20", "2026-11-19"}) {
        anna.call(
            "journal.add",
            {{"content", std::string("Tag ") + date}, {"entryDate", date}, {"tags", {"alltag"}}});
    }
    const auto dates = [&](const Json& arguments) {
        return pick(anna.call("journal.list", arguments)["entries"], "entryDate");
    };

    EXPECT_THAT(dates(Json::object()), ElementsAre("2026-11-20", "2026-11-19", "2026-11-18"));
    EXPECT_THAT(dates({{"from", "2026-11-19"}, {"to", "2026-11-19"}}), ElementsAre("2026-11-19"));
    EXPECT_THAT(dates({{"limit", 1}}), ElementsAre("2026-11-20"));
    const Json found = anna.call("journal.search", {{"query", "ALLTAG"}, {"limit", 2}})["entries"];
    EXPECT_EQ(found.size(), 2u);
    anna.call("journal.update", {{"id", found[0]["id"]}, {"isArchived", true}});
    EXPECT_THAT(dates(Json::object()), ElementsAre("2026-11-19", "2026-11-18"));
    const Json changed =
        anna.call("journal.update", {{"id", found[1]["id"]}, {"content", "zwei Worte"}})["entry"];
    EXPECT_EQ(changed["wordCount"], 2);
}

TEST(Journal, IsPutAwayAndTakenBack) {
    World world;
    Client anna(world, "anna", "home");
    const Json id = anna.call("journal.add", {{"content", "x"}})["entry"]["id"];

    EXPECT_EQ(anna.call("journal.archive", {{"id", id}})["entry"]["isArchived"], true);
    EXPECT_EQ(anna.call("journal.list")["entries"].size(), 0u);
    EXPECT_EQ(anna.call("journal.search", {{"query", "x"}})["entries"].size(), 0u);
    anna.call("journal.archive", {{"id", id}, {"archived", false}});
    EXPECT_EQ(anna.call("journal.list")["entries"].size(), 1u);
    EXPECT_THAT(anna.refusal("journal.update", {{"id", id}}), HasSubstr("at least one field"));
    EXPECT_THAT(anna.refusal("journal.archive", {{"id", "00000000-0000-4000-8000-000000000000"}}),
                HasSubstr("Call journal.list"));
}

}  // namespace
