// Two users: what a co-member may see is seen, nothing else, by every module and in SQL.
#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;

// One record of each module: how it is made, and where it is read.
struct Shared {
    std::string make;
    Json arguments;
    std::string read, list;
};

std::vector<Shared> shared_things(const std::string& mark) {
    const Json target = {{"value", 1}, {"period", "day"}, {"comparison", "gte"}};
    const Json lines =
        Json::array({{{"title", mark}, {"quantity", 1}, {"unitPrice", 1}, {"vatRate", 19}}});
    return {
        {"todo.create", {{"title", mark}}, "todo.list", "tasks"},
        {"calendar.create",
         {{"title", mark}, {"startTime", "2026-11-20T10:00:00Z"}},
         "calendar.today",
         "events"},
        {"journal.add", {{"content", mark}}, "journal.list", "entries"},
        {"notes.create", {{"title", mark}}, "notes.search", "notes"},
        {"mood.log", {{"level", 5}, {"emotion", "calm"}, {"notes", mark}}, "mood.today", "entries"},
        {"habits.create", {{"title", mark}}, "habits.list", "habits"},
        {"contacts.create", {{"firstName", mark}}, "contacts.search", "contacts"},
        {"articles.save",
         {{"url", "https://a.org/" + mark}, {"title", mark}},
         "articles.list",
         "articles"},
        {"dreams.create", {{"content", mark}}, "dreams.list", "dreams"},
        {"library.create", {{"kind", "book"}, {"title", mark}}, "library.list", "entries"},
        {"goals.create", {{"title", mark}, {"target", target}}, "goals.list", "goals"},
        {"invoices.create",
         {{"client", {{"name", mark}}}, {"lines", lines}},
         "invoices.list",
         "invoices"},
    };
}

TEST(Shared, IsWhatEveryModuleKeepsInTheSpaceAndNothingElse) {
    World world;
    world.auth.join("cara", "cave");
    Client at_home(world, "anna", "home"), anna(world, "anna", "flat"), ben(world, "ben", "flat"),
        cara(world, "cara", "cave");
    for (const Shared& one : shared_things("private")) at_home.call(one.make, one.arguments);

    for (const Shared& one : shared_things("shared")) {
        anna.call(one.make, one.arguments);

        const Json seen = ben.call(one.read)[one.list];
        ASSERT_EQ(seen.size(), 1u) << one.make;
        EXPECT_THAT(seen.dump(), HasSubstr("shared")) << one.make;
        EXPECT_EQ(cara.call(one.read)[one.list].size(), 0u) << one.make;
        EXPECT_EQ(at_home.call(one.read)[one.list].size(), 1u) << one.make;
    }
    Client stranger(world, "cara", "flat");
    EXPECT_EQ(
        stranger.send(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", stranger.headers()).status,
        403);
}

TEST(Shared, RecordsAreChangedByEveryMember) {
    World world;
    Client anna(world, "anna", "flat"), ben(world, "ben", "flat");
    const Json id = anna.call("todo.create", {{"title", "Müll"}})["task"]["id"];

    ben.call("todo.complete", {{"id", id}});

    EXPECT_EQ(anna.call("todo.list")["tasks"].size(), 0u);
    EXPECT_EQ(world.look("select updated_by from workspace.records")[0].text("updated_by"), "ben");
    Client nest(world, "ben", "nest");
    EXPECT_THAT(nest.refusal("todo.complete", {{"id", id}}), HasSubstr("no task"));
}

TEST(Shared, SpaceTellsWhoIsThere) {
    World world;
    Client anna(world, "anna", "flat");

    const Json members = anna.call("spaces.members");

    EXPECT_EQ(members["spaceId"], "flat");
    ASSERT_EQ(members["members"].size(), 2u);
    EXPECT_EQ(
        members["members"][0],
        (Json{{"userId", "anna"}, {"name", "Name of anna"}, {"role", "owner"}, {"isYou", true}}));
    EXPECT_EQ(members["members"][1]["isYou"], false);
}

// Under the application's own role: the space that the transaction names, and no other row.
TEST(Shared, IsGuardedInSqlAsWell) {
    World world;
    Client at_home(world, "anna", "home"), anna(world, "anna", "flat");
    for (const Shared& one : shared_things("private")) at_home.call(one.make, one.arguments);
    for (const Shared& one : shared_things("shared")) anna.call(one.make, one.arguments);
    const auto rows = [&](const char* user, const char* space, const std::string& table) {
        return world.postgres->transact([&](base::Transaction& transaction) {
            transaction.set_local("app.current_user_id", user);
            transaction.set_local("app.current_space", space);
            return transaction.run("select count(*) as n from workspace." + table)[0].integer("n");
        });
    };

    for (const char* table : {"records", "changes"}) {
        EXPECT_EQ(rows("ben", "flat", table), 12) << table;
        EXPECT_EQ(rows("ben", "nest", table), 0) << table;
        EXPECT_EQ(rows("ben", "", table), 0) << table;
        EXPECT_EQ(rows("", "flat", table), 0) << table;
    }
    EXPECT_EQ(rows("ben", "flat", "calls"), 0) << "what anna called is hers alone";
    EXPECT_EQ(rows("anna", "flat", "calls"), 24);
    EXPECT_EQ(rows("anna", "flat", "policy_events"), 0);
    // Nobody writes under another's name, or into a space that is not named.
    EXPECT_THROW(world.postgres->transact([](base::Transaction& transaction) {
        transaction.set_local("app.current_user_id", "ben");
        transaction.set_local("app.current_space", "flat");
        transaction.run(
            "insert into workspace.policy_events (user_id, space_id, tool, decision, reason, mode) "
            "values ('anna', 'flat', 't', 'deny', 'r', 'enforce')");
    }),
                 base::Failure);
    EXPECT_THROW(world.postgres->transact([](base::Transaction& transaction) {
        transaction.set_local("app.current_user_id", "ben");
        transaction.run("insert into workspace.permissions values ('anna', '{*}')");
    }),
                 base::Failure);
}

TEST(Shared, EndsAtOnceForWritesAndWithinFiveMinutesForReads) {
    World world;
    Client anna(world, "anna", "flat"), ben(world, "ben", "flat");
    anna.call("todo.create", {{"title", "shared"}});
    EXPECT_EQ(ben.call("todo.list")["tasks"].size(), 1u);

    world.auth.leave("ben", "flat");

    const Json write = {{"jsonrpc", "2.0"},
                        {"id", 5},
                        {"method", "tools/call"},
                        {"params", {{"name", "todo.create"}, {"arguments", {{"title", "x"}}}}}};
    EXPECT_EQ(ben.send(write).status, 403) << "at once";
    const Json read = {{"jsonrpc", "2.0"},
                       {"id", 6},
                       {"method", "tools/call"},
                       {"params", {{"name", "todo.list"}}}};
    EXPECT_EQ(ben.send(read).status, 403) << "the write has asked anew";

    world.auth.join("ben", "flat", "member");
    world.clock.advance(6s);
    EXPECT_EQ(ben.send(read).status, 200);
    world.auth.leave("ben", "flat");
    world.clock.advance(299s);
    EXPECT_EQ(ben.send(read).status, 200) << "within the cache's time";
    world.clock.advance(2s);
    EXPECT_EQ(ben.send(read).status, 403);
}

}  // namespace
