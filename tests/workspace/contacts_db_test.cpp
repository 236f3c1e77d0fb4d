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

TEST(Contacts, HaveBirthdaysThatComeAgain) {
    World world;
    Client anna(world, "anna", "home");
    const auto born = [&](const char* name, const char* birthday) {
        return anna.call("contacts.create",
                         {{"firstName", name}, {"birthday", birthday}})["contact"]["id"];
    };
    born("today", "1990-11-20");
    born("yesterday", "1990-11-19");
    born("leap", "2000-02-29");
    born("new year", "1980-01-01");
    born("the thirtieth", "1970-12-20");
    anna.call("contacts.create", {{"firstName", "unknown"}});
    const Json gone = born("archived", "1985-11-21");
    anna.call("contacts.archive", {{"id", gone}});
    const auto coming = [&](int days) {
        return anna.call("contacts.birthdays", {{"days", days}})["birthdays"];
    };

    EXPECT_THAT(pick(coming(30), "name"), ElementsAre("today", "the thirtieth"));
    EXPECT_THAT(pick(coming(0), "name"), ElementsAre("today"));
    EXPECT_EQ(coming(0)[0]["age"], 36);
    const Json year = coming(366);
    EXPECT_THAT(pick(year, "name"),
                ElementsAre("today", "the thirtieth", "new year", "leap", "yesterday"));
    EXPECT_THAT(pick(year, "date"),
                ElementsAre("2026-11-20", "2026-12-20", "2027-01-01", "2027-03-01", "2027-11-19"));
    EXPECT_EQ(year[2]["age"], 47);
    EXPECT_THAT(anna.refusal("contacts.create", {{"firstName", "x"}, {"birthday", "2026-11-22"}}),
                HasSubstr("birthday lies in the future; today is 2026-11-20"));
    EXPECT_THAT(anna.refusal("contacts.update", {{"id", gone}, {"birthday", "2027-01-01"}}),
                HasSubstr("contacts.update was not run: birthday"));
    anna.call("contacts.archive", {{"id", gone}, {"archived", false}});
    EXPECT_THAT(pick(coming(1), "name"), ElementsAre("today", "archived"));
}

}  // namespace
