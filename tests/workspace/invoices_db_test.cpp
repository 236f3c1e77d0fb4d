// What invoices promises, over the wire.
#include "workspace/modules.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
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

Json lines(double price = 100) {
    return {{{"title", "Fotos"}, {"quantity", 1}, {"unitPrice", price}, {"vatRate", 19}}};
}

Json draft(Client& client) {
    return client.call("invoices.create",
                       {{"client", {{"name", "Studio"}}}, {"lines", lines()}})["invoice"];
}

TEST(Invoices, AreDraftedForAContactWithTotals) {
    World world;
    Client anna(world, "anna", "home");
    const Json contact = anna.call("contacts.create", {{"firstName", "Lena"},
                                                       {"lastName", "Berg"},
                                                       {"company", "Berg GmbH"},
                                                       {"postalCode", "04109"}})["contact"];

    const Json invoice =
        anna.call("invoices.create", {{"clientId", contact["id"]},
                                      {"client", {{"name", "Berg GmbH"}, {"city", "Leipzig"}}},
                                      {"lines", lines(89.9)}})["invoice"];

    EXPECT_EQ(invoice["number"], "2026-0001");
    EXPECT_EQ(invoice["status"], "draft");
    EXPECT_EQ(invoice["currency"], "EUR");
    EXPECT_EQ(invoice["issueDate"], "2026-11-20");
    EXPECT_EQ(invoice["dueDate"], "2026-12-04");
    EXPECT_EQ(invoice["clientSnapshot"],
              (Json{{"name", "Berg GmbH"}, {"zip", "04109"}, {"city", "Leipzig"}}));
    EXPECT_EQ(invoice["totals"]["gross"].dump(), "106.98");
    anna.call("contacts.update", {{"id", contact["id"]}, {"company", nullptr}});
    EXPECT_EQ(anna.call("invoices.list")["invoices"][0]["clientSnapshot"]["name"], "Berg GmbH");
    EXPECT_THAT(anna.refusal("invoices.create", {{"lines", lines()}}),
                HasSubstr("client is required"));
    EXPECT_THAT(
        anna.refusal("invoices.create", {{"clientId", "00000000-0000-4000-8000-000000000000"},
                                         {"client", {{"name", "x"}}},
                                         {"lines", lines()}}),
        HasSubstr("contacts.search"));
    EXPECT_THAT(
        anna.refusal("invoices.create", {{"client", {{"name", "x"}}}, {"lines", lines(0.005)}}),
        HasSubstr("lines[0].unitPrice must have at most 2 decimal places"));
    EXPECT_THAT(
        anna.refusal("invoices.create",
                     {{"client", {{"name", "x"}}}, {"lines", lines()}, {"dueDate", "2026-11-19"}}),
        HasSubstr("must not lie before issueDate"));
}

TEST(Invoices, AreSentThenPaidAndNeverChangedAfterwards) {
    World world;
    Client anna(world, "anna", "home");
    const Json id = draft(anna)["id"];
    EXPECT_EQ(anna.call("invoices.update",
                        {{"id", id}, {"lines", lines(10)}})["invoice"]["totals"]["gross"],
              11.9);
    EXPECT_THAT(anna.refusal("invoices.pay", {{"id", id}}), HasSubstr("invoices.send"));

    EXPECT_EQ(anna.call("invoices.send", {{"id", id}})["invoice"]["sentAt"],
              "2026-11-20T09:00:00.000Z");
    EXPECT_THAT(anna.refusal("invoices.update", {{"id", id}, {"lines", lines()}}),
                HasSubstr("stays as it is"));
    world.clock.advance(24h * 15);
    anna.open();
    EXPECT_THAT(pick(anna.call("invoices.list", {{"status", "overdue"}})["invoices"], "status"),
                ElementsAre("overdue"));
    EXPECT_EQ(anna.call("invoices.list", {{"status", "sent"}})["invoices"].size(), 0u);
    EXPECT_EQ(anna.call("invoices.pay", {{"id", id}})["invoice"]["status"], "paid");
    EXPECT_EQ(anna.call("invoices.pay", {{"id", id}})["invoice"]["status"], "paid");
    EXPECT_THAT(anna.refusal("invoices.cancel", {{"id", id}}), HasSubstr("is paid"));
    EXPECT_THAT(anna.refusal("invoices.send", {{"id", id}}), HasSubstr("Only a draft"));
    const Json other = draft(anna)["id"];
    EXPECT_EQ(anna.call("invoices.cancel", {{"id", other}})["invoice"]["status"], "void");
    EXPECT_THAT(anna.refusal("invoices.pay", {{"id", other}}), HasSubstr("cannot be paid"));
    EXPECT_EQ(anna.call("invoices.list", {{"query", "Studio fotos"}})["invoices"].size(), 2u);
    EXPECT_EQ(anna.call("invoices.list", {{"query", "2026-0002"}})["invoices"].size(), 1u);
}

// Numbers are gap-free per space, also when many draft at once and some of them fail.
TEST(Invoices, AreNumberedWithoutGapsUnderARace) {
    World world;
    constexpr int drafters = 4, each = 8;
    std::vector<std::thread> threads;
    for (int drafter = 0; drafter < drafters; ++drafter) {
        threads.emplace_back([&, drafter] {
            Client client(world, drafter % 2 ? "anna" : "ben", "flat");
            for (int i = 0; i < each; ++i) {
                draft(client);
                client.refusal("invoices.create",
                               {{"client", {{"name", "x"}}}, {"lines", lines(0.001)}});
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    Client anna(world, "anna", "flat");
    const Json elsewhere = draft(*std::make_unique<Client>(world, "anna", "home"));

    std::vector<std::string> numbers =
        pick(anna.call("invoices.list", {{"limit", 100}})["invoices"], "number");

    std::sort(numbers.begin(), numbers.end());
    ASSERT_EQ(numbers.size(), drafters * each);
    for (int i = 0; i < drafters * each; ++i) {
        EXPECT_EQ(numbers[static_cast<std::size_t>(i)], fmt::format("2026-{:04}", i + 1));
    }
    EXPECT_EQ(elsewhere["number"], "2026-0001") << "each space counts for itself";
}

}  // namespace
