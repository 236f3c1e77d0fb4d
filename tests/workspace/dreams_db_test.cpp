// What dreams promises, over the wire.
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

TEST(Dreams, AreKeptByNightAndFoundByTheirTexts) {
    World world;
    Client anna(world, "anna", "home");

    const Json one = anna.call("dreams.create", {{"content", "Ich flog über die Stadt"},
                                                 {"mood", "angenehm"},
                                                 {"isLucid", true},
                                                 {"symbols", {"Flügel"}}})["dream"];
    anna.call("dreams.create",
              {{"content", "Zug verpasst"}, {"dreamDate", "2026-11-18"}, {"clarity", 2}});

    EXPECT_EQ(one["dreamDate"], "2026-11-20");
    EXPECT_EQ(one["clarity"], nullptr);
    EXPECT_EQ(one["people"], Json::array());
    EXPECT_EQ(one["isPrivate"], true);
    const auto dates = [&](const Json& arguments) {
        return pick(anna.call("dreams.list", arguments)["dreams"], "dreamDate");
    };
    EXPECT_THAT(dates(Json::object()), ElementsAre("2026-11-20", "2026-11-18"));
    EXPECT_THAT(dates({{"query", "städte"}}), ElementsAre("2026-11-20")) << "a form of Stadt";
    EXPECT_THAT(dates({{"query", "flügel"}}), ElementsAre("2026-11-20")) << "a symbol";
    EXPECT_THAT(dates({{"lucidOnly", true}}), ElementsAre("2026-11-20"));
    EXPECT_THAT(dates({{"to", "2026-11-19"}}), ElementsAre("2026-11-18"));
    EXPECT_THAT(dates({{"from", "2026-11-19"}}), ElementsAre("2026-11-20"));
}

TEST(Dreams, AreInterpretedAndPutAway) {
    World world;
    Client anna(world, "anna", "home");
    const Json dream = anna.call("dreams.create", {{"content", "Wald"}})["dream"];

    const Json read = anna.call(
        "dreams.update", {{"id", dream["id"]}, {"interpretation", "Zu viel Arbeit"}})["dream"];
    EXPECT_EQ(read["content"], "Wald");
    EXPECT_EQ(read["interpretation"], "Zu viel Arbeit");
    EXPECT_EQ(anna.call("dreams.archive", {{"id", dream["id"]}})["dream"]["isArchived"], true);
    EXPECT_EQ(anna.call("dreams.list")["dreams"].size(), 0u);
    EXPECT_EQ(anna.call("dreams.list", {{"includeArchived", true}})["dreams"].size(), 1u);
    anna.call("dreams.archive", {{"id", dream["id"]}, {"archived", false}});
    EXPECT_EQ(anna.call("dreams.list")["dreams"].size(), 1u);
    EXPECT_THAT(anna.refusal("dreams.create", {{"content", "x"}, {"dreamDate", "2026-11-22"}}),
                HasSubstr("today is 2026-11-20"));
    EXPECT_THAT(anna.refusal("dreams.update", {{"id", dream["id"]}, {"dreamDate", "2026-11-22"}}),
                HasSubstr("today is 2026-11-20"));
    EXPECT_THAT(anna.refusal("dreams.update", {{"id", dream["id"]}}), HasSubstr("at least one"));
    EXPECT_THAT(anna.refusal("dreams.archive", {{"id", "00000000-0000-4000-8000-000000000000"}}),
                HasSubstr("Call dreams.list"));
}

}  // namespace
