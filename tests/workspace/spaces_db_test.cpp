// What the list of spaces promises, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using tests::Client;
using tests::Json;
using tests::World;

TEST(Spaces, AreThoseOfTheCallerWithTypeAndRole) {
    World world;
    Client anna(world, "anna", "flat");

    const Json answer = anna.call("spaces.list");

    EXPECT_EQ(answer["activeSpaceId"], "flat");
    ASSERT_EQ(answer["spaces"].size(), 2u);
    EXPECT_EQ(answer["spaces"][0], (Json{{"id", "home"},
                                         {"name", "Anna"},
                                         {"slug", "anna"},
                                         {"type", "personal"},
                                         {"role", "owner"}}));
    EXPECT_EQ(answer["spaces"][1]["type"], "family") << "metadata may be a text";
}

}  // namespace
