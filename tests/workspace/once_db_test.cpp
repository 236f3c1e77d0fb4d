// One contact per mail address and one article per web address, also when two are saved at the same
// moment, and with data that an earlier version had doubled.
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "tests/workspace/world.hpp"

namespace {

using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;

// Each thread saves in a session of its own; answers how many were let through.
int saved_at_once(World& world, const std::string& tool, const Json& arguments) {
    constexpr int savers = 8;
    std::atomic<int> ready = 0, saved = 0, refused = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < savers; ++i) {
        threads.emplace_back([&] {
            Client anna(world, "anna", "home");
            anna.open();
            ++ready;
            while (ready < savers) std::this_thread::yield();
            const Json answer = anna.result(tool, arguments);
            const bool no = answer.value("isError", false);
            if (no) EXPECT_THAT(answer.dump(), HasSubstr("its id is "));
            ++(no ? refused : saved);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(saved + refused, savers);
    return saved;
}

TEST(Once, OfManySavesAtOnceOneIsKept) {
    World world;
    for (int round = 0; round < 5; ++round) {
        const std::string number = std::to_string(round);
        EXPECT_EQ(saved_at_once(world, "contacts.create",
                                {{"firstName", "Lena"}, {"email", number + "@example.org"}}),
                  1);
        EXPECT_EQ(saved_at_once(world, "articles.save",
                                {{"title", "A"}, {"url", "https://example.org/" + number}}),
                  1);
    }
    EXPECT_EQ(world.look("select count(*) as n from workspace.records")[0].integer("n"), 10);
}

TEST(Once, TwoContactsCannotTakeOneAddressAtOnce) {
    World world;
    Client anna(world, "anna", "home");
    std::vector<std::string> ids;
    for (const char* name : {"Lena", "Paul"}) {
        const Json made = anna.call("contacts.create", {{"firstName", name}})["contact"];
        ids.push_back(made["id"].get<std::string>());
    }
    std::atomic<int> ready = 0, saved = 0;
    std::vector<std::thread> threads;
    for (const std::string& id : ids) {
        threads.emplace_back([&, id] {
            Client one(world, "anna", "home");
            one.open();
            ++ready;
            while (ready < 2) std::this_thread::yield();
            const Json answer =
                one.result("contacts.update", {{"id", id}, {"email", "we@example.org"}});
            if (!answer.value("isError", false)) ++saved;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(saved, 1);
}

TEST(Once, AFreedAddressIsFreeForOthersAndOtherSpacesHaveTheirOwn) {
    World world;
    Client anna(world, "anna", "home"), flat(world, "anna", "flat");
    const Json lena = {{"firstName", "Lena"}, {"email", "lena@example.org"}};
    const Json first = anna.call("contacts.create", lena)["contact"];
    flat.call("contacts.create", lena);
    anna.refusal("contacts.create", lena);

    anna.call("contacts.update", {{"id", first["id"]}, {"phone", "+49 30 1"}});
    anna.refusal("contacts.create", lena);
    anna.call("contacts.update", {{"id", first["id"]}, {"email", nullptr}});
    anna.call("contacts.create", lena);
}

// A device may do what tools refuse, and what it does is never in the way of a device later.
TEST(Once, ADeviceThatChangesOrRestoresARecordFreesItsValue) {
    World world;
    Client anna(world, "anna", "home");
    const auto push = [&](const Json& id, const char* field, const Json& value, int second) {
        const std::string at = "2026-11-20T09:00:0" + std::to_string(second) + "Z";
        Json change{{"table", "contacts"}, {"id", id}, {"op", "update"}, {"spaceId", "home"}};
        change["fields"][field] = {{"value", value}, {"at", at}};
        return base::fetch(
                   {.method = "POST",
                    .url = world.service->url() + "/sync/contacts",
                    .headers = anna.headers(),
                    .body = Json{{"clientId", "phone"}, {"changes", Json::array({change})}}.dump()})
            .status;
    };
    const Json lena = {{"firstName", "Lena"}, {"email", "lena@example.org"}};
    const Json first = anna.call("contacts.create", lena)["contact"];
    EXPECT_EQ(push(first["id"], "phone", "+49 30 1", 1), 200);
    anna.refusal("contacts.create", lena);
    EXPECT_EQ(push(first["id"], "email", "new@example.org", 2), 200);
    const Json second = anna.call("contacts.create", lena)["contact"];
    EXPECT_EQ(push(second["id"], "deletedAt", "2026-11-20T09:00:03Z", 3), 200);
    anna.call("contacts.create", lena);
    EXPECT_EQ(push(second["id"], "deletedAt", nullptr, 4), 200) << "it comes back beside the third";
    EXPECT_EQ(anna.call("contacts.search")["contacts"].size(), 3U);
}

// The index holds also where a writer forgets to ask.
TEST(Once, TheDatabaseRefusesASecondRecord) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("articles.save", {{"title", "A"}, {"url", "https://example.org/a"}});
    try {
        world.look(
            "insert into workspace.records select space_id, app_id, table_name, 'other', "
            "created_by, updated_by, data, field_times, null, created_seq, changed_seq, "
            "created_at, updated_at, null, once_key from workspace.records");
        FAIL() << "two records hold one value";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.code(), "records_once");
    }
}

TEST(Once, DataDoubledByAnEarlierVersionStaysAndTheOldestHoldsItsValue) {
    test_support::TempDatabase database{
        std::vector<test_support::MigrationSet>{{"workspace", workspace::migrations().first(1)}}};
    base::Postgres root({.url = database.superuser_url(), .connections_max = 1});
    const auto sql = [&](std::string_view statement) {
        return root.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement); });
    };
    sql(R"(insert into workspace.records (space_id, app_id, table_name, record_id, created_by,
                updated_by, data, field_times, created_seq, changed_seq, created_at, updated_at,
                deleted_at)
           select 'home', app, app, app || n, 'anna', 'anna', data::jsonb, '{}', n, n, now(), now(),
                  case when n = 1 then now() end
             from (values ('contacts', '{"email":"a@b.de"}', 1),
                          ('articles', '{"originalUrl":"u"}', 2),
                          ('contacts', '{"email":null}', 3),
                          ('todo', '{"email":"a@b.de"}', 4)) kinds(app, data, kind),
                  lateral (select (kind - 1) * 3 + i as n from generate_series(1, 3) i) numbers)");

    base::migrate(database.owner_url(), "workspace", workspace::migrations());

    std::set<std::string> holders;
    for (const base::SqlRow row :
         sql("select record_id from workspace.records where once_key is not null")) {
        holders.insert(row.text("record_id"));
    }
    EXPECT_EQ(holders, (std::set<std::string>{"contacts2", "articles4"}));
    EXPECT_EQ(sql("select count(*) as n from workspace.records")[0].integer("n"), 12);
    EXPECT_EQ(sql("select relforcerowsecurity as forced from pg_class where oid = "
                  "'workspace.records'::regclass")[0]
                  .flag("forced"),
              true);
}

}  // namespace
