// What contacts promise, over the wire.
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

TEST(Contacts, BelongToOneMailAddress) {
    World world;
    Client anna(world, "anna", "home");
    const Json contact = anna.call("contacts.create", {{"firstName", "Lena"},
                                                       {"company", "Müller GmbH"},
                                                       {"email", "Lena@Example.org"}})["contact"];
    const Json other = anna.call("contacts.create", {{"firstName", "Paul"}})["contact"];

    EXPECT_EQ(contact["email"], "lena@example.org");
    EXPECT_THAT(
        anna.refusal("contacts.create", {{"firstName", "L."}, {"email", "lena@example.ORG"}}),
        HasSubstr(contact["id"].get<std::string>()));
    EXPECT_THAT(
        anna.refusal("contacts.update", {{"id", other["id"]}, {"email", "lena@example.org"}}),
        HasSubstr("Nothing was changed"));
    anna.call("contacts.update", {{"id", contact["id"]}, {"email", "LENA@example.org"}});
    EXPECT_THAT(anna.refusal("contacts.create", {{"firstName", "x"}, {"email", "nobody"}}),
                HasSubstr("email must be a mail address"));
}

TEST(Contacts, AreFoundByAnyFieldAndChanged) {
    World world;
    Client anna(world, "anna", "home");
    const Json lena = anna.call(
        "contacts.create",
        {{"firstName", "Lena"}, {"company", "Müller GmbH"}, {"tags", {"kunde"}}})["contact"];
    anna.call("contacts.create", {{"firstName", "Paul"}, {"isFavorite", true}});
    const auto found = [&](const Json& arguments) {
        return pick(anna.call("contacts.search", arguments)["contacts"], "firstName");
    };

    EXPECT_THAT(found({{"query", "müller"}}), ElementsAre("Lena"));
    EXPECT_THAT(found({{"query", "kunde"}}), ElementsAre("Lena"));
    EXPECT_THAT(found({{"favoritesOnly", true}}), ElementsAre("Paul"));
    EXPECT_THAT(found(Json::object()), ElementsAre("Paul", "Lena"));
    const Json changed =
        anna.call("contacts.update",
                  {{"id", lena["id"]}, {"company", nullptr}, {"phone", "+49 30 1"}})["contact"];
    EXPECT_EQ(changed["company"], nullptr);
    EXPECT_EQ(changed["phone"], "+49 30 1");
    anna.call("contacts.update", {{"id", lena["id"]}, {"isArchived", true}});
    EXPECT_THAT(found(Json::object()), ElementsAre("Paul"));
    EXPECT_THAT(found({{"includeArchived", true}}), ElementsAre("Paul", "Lena"));
}

}  // namespace
