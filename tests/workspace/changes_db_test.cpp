// What the database keeps and whom it shows it: persistence, isolation, order, single recording.
#include "workspace/changes.hpp"

#include <thread>

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "tests/workspace/world.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;

std::int64_t count(World& world, const std::string& statement) {
    return world.look(statement)[0].integer("n");
}

TEST(Changes, PersistAcrossARestartOfTheService) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("notes.create", {{"title", "Yesterday"}, {"content", "was fine"}});

    world.restart();
    Client later(world, "anna", "home");

    EXPECT_THAT(pick(later.call("notes.search")["notes"], "content"), ElementsAre("was fine"));
}

// sync 11, row 8; mcp-tools 8, row 6.
TEST(Changes, ShowOneUserNothingOfAnotherOverTheWire) {
    World world;
    Client anna(world, "anna", "home");
    Client ben(world, "ben", "nest");
    const Json task = anna.call("todo.create", {{"title", "secret"}})["task"];

    EXPECT_THAT(ben.call("todo.list", {{"includeCompleted", true}})["tasks"], IsEmpty());
    EXPECT_THAT(ben.refusal("todo.complete", {{"id", task["id"]}}), HasSubstr("no task"));
    EXPECT_THAT(ben.refusal("todo.update", {{"id", task["id"]}, {"title", "mine"}}),
                HasSubstr("no task"));
    EXPECT_THAT(ben.refusal("todo.delete", {{"id", task["id"]}}), HasSubstr("no task"));
    EXPECT_THAT(pick(anna.call("todo.list")["tasks"], "title"), ElementsAre("secret"));
}

// What PostgreSQL says may have been garbled on the way; dates are reckoned with, so a strange one
// ends the call, not the daemon.
TEST(Changes, BelieveNoDayThatIsNone) {
    World world;
    base::Postgres postgres({.url = world.database.app_url()});
    constexpr base::Moment far = std::chrono::sys_days{std::chrono::year{10'001} / 1 / 1};
    const auto enter = [&](base::Moment now) {
        return postgres.transact([&](base::Transaction& transaction) {
            return workspace::enter(transaction, {.user_id = "anna", .space_id = "home"}, now,
                                    "Europe/Berlin");
        });
    };
    EXPECT_EQ(enter(std::chrono::sys_days{std::chrono::year{2026} / 11 / 26}), "2026-11-26 01:00");
    try {
        enter(far);
        ADD_FAILURE() << "a day of year 10001 was believed";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.code(), "strange_answer") << failure.what();
    }
}

TEST(Changes, KeepTheSpacesOfOneUserApart) {
    World world;
    Client home(world, "anna", "home");
    Client flat(world, "anna", "flat");
    home.call("todo.create", {{"title", "private"}});

    EXPECT_THAT(flat.call("todo.list")["tasks"], IsEmpty());
}

TEST(Changes, AreSharedByTheMembersOfASpace) {
    World world;
    Client anna(world, "anna", "flat");
    Client ben(world, "ben", "flat");
    const Json task = anna.call("todo.create", {{"title", "clean"}})["task"];

    ben.call("todo.complete", {{"id", task["id"]}});

    EXPECT_THAT(anna.call("todo.list")["tasks"], IsEmpty());
    const auto rows =
        world.look("select user_id, owner_id, op from workspace.changes order by seq");
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[1].text("user_id"), "ben");
    EXPECT_EQ(rows[1].text("owner_id"), "anna");
}

// Straight SQL under the daemon's own role: the policies hold without any help of our code.
TEST(Changes, AreGuardedByTheDatabaseItself) {
    World world;
    Client(world, "anna", "home").call("todo.create", {{"title", "secret"}});
    const auto seen = [&](const char* user, const char* space, const char* table) {
        return world.postgres->transact([&](base::Transaction& transaction) {
            transaction.set_local("app.current_user_id", user);
            transaction.set_local("app.current_space", space);
            return transaction.run(std::string("select count(*) as n from workspace.") + table)[0]
                .integer("n");
        });
    };

    for (const char* table : {"records", "changes", "calls"}) {
        EXPECT_EQ(seen("anna", "home", table), 1) << table;
        EXPECT_EQ(seen("ben", "nest", table), 0) << table;
        EXPECT_EQ(seen("", "", table), 0) << table;
        EXPECT_EQ(seen("", "home", table), 0) << table;
    }
    EXPECT_EQ(seen("anna", "flat", "records"), 0);
    world.postgres->transact([&](base::Transaction& transaction) {
        EXPECT_EQ(transaction.run("select count(*) as n from workspace.records")[0].integer("n"), 0)
            << "a transaction that names nobody sees nothing";
    });
}

void expect_refused(World& world, const char* user, const char* space, const char* statement) {
    try {
        world.postgres->transact([&](base::Transaction& transaction) {
            transaction.set_local("app.current_user_id", user);
            transaction.set_local("app.current_space", space);
            transaction.run(statement);
        });
        ADD_FAILURE() << "accepted: " << statement;
    } catch (const base::Failure& failure) {
        SUCCEED() << failure.what();
    }
}

TEST(Changes, CannotBeForgedUnderTheDaemonsRole) {
    World world;
    Client(world, "anna", "home").call("todo.create", {{"title", "secret"}});

    // Another author, another space, a rewritten log, a stolen record.
    expect_refused(world, "ben", "nest", R"sql(
        insert into workspace.calls (user_id, space_id, tool, input_hash, outcome, answer, changes)
        values ('anna', 'nest', 't', '', 'ok', '{}', 0))sql");
    expect_refused(world, "ben", "nest", R"sql(
        insert into workspace.calls (user_id, space_id, tool, input_hash, outcome, answer, changes)
        values ('ben', 'home', 't', '', 'ok', '{}', 0))sql");
    expect_refused(world, "ben", "nest", R"sql(
        insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, space_id,
                                       op, data, field_meta, actor, origin)
        values (gen_random_uuid(), 'todo', 'tasks', 'x', 'ben', 'ben', 'home', 'insert', '{}', '{}',
                '{}', 'agent'))sql");
    expect_refused(world, "ben", "nest", R"sql(
        insert into workspace.records (space_id, app_id, table_name, record_id, created_by, updated_by,
            data, field_times, created_seq, changed_seq, created_at, updated_at)
        values ('nest', 'todo', 'tasks', 'x', 'anna', 'ben', '{}', '{}', 1, 1, now(), now()))sql");
    expect_refused(world, "anna", "home", "update workspace.changes set data = '{}'");
    expect_refused(world, "anna", "home", "update workspace.records set created_by = 'ben'");
    expect_refused(world, "anna", "home", "update workspace.records set space_id = 'flat'");
    world.postgres->transact([&](base::Transaction& transaction) {
        transaction.set_local("app.current_user_id", "anna");
        transaction.set_local("app.current_space", "home");
        for (const char* table : {"records", "changes", "calls"}) {
            EXPECT_EQ(transaction.run(std::string("delete from workspace.") + table).affected(),
                      0u);
        }
    });
}

TEST(Changes, AreNotForTheReadingRole) {
    World world;
    base::Postgres ops({.url = world.database.ops_url(), .connections_max = 1});

    for (const char* table : {"records", "changes", "calls"}) {
        EXPECT_THROW(ops.transact([&](base::Transaction& transaction) {
            transaction.run(std::string("select 1 from workspace.") + table);
        }),
                     base::Failure)
            << table;
    }
}

// mcp-tools 8, row 11 and sync 11, row 19.
TEST(Changes, SayWhoWroteThemAndWhen) {
    World world;
    Client anna(world, "anna", "home");
    const Json task = anna.call("todo.create", {{"title", "t"}})["task"];
    anna.call("todo.update", {{"id", task["id"]}, {"priority", "high"}});
    anna.call("todo.delete", {{"id", task["id"]}});

    const auto rows = world.look("select * from workspace.changes order by seq");

    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0].text("op"), "insert");
    EXPECT_EQ(rows[0].text("origin"), "agent");
    EXPECT_EQ(rows[0].json("actor")["kind"], "ai");
    EXPECT_EQ(rows[0].json("actor")["principalId"], "anna");
    EXPECT_EQ(rows[0].json("field_meta")["title"], "2026-11-20T09:00:00.000Z");
    EXPECT_EQ(rows[1].json("data"), (Json{{"priority", "high"}}));
    EXPECT_TRUE(rows[1].json("field_meta").contains("priority"));
    EXPECT_EQ(rows[2].text("op"), "delete");
    EXPECT_TRUE(rows[2].json("data").contains("deletedAt"));
    EXPECT_FALSE(world.look("select deleted_at from workspace.records")[0].is_null("deleted_at"));
}

// mcp-tools 8, row 20.
TEST(Changes, GiveConcurrentCreationsDifferentPlaces) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; ++thread) {
        threads.emplace_back([&] {
            Client own(world, "anna", "home");
            for (int i = 0; i < 5; ++i) own.call("todo.create", {{"title", "t"}});
        });
    }
    for (std::thread& thread : threads) thread.join();

    const Json tasks = anna.call("todo.list", {{"limit", 500}})["tasks"];

    ASSERT_EQ(tasks.size(), 30u);
    std::vector<int> orders;
    for (const Json& task : tasks) orders.push_back(task["order"].get<int>());
    std::sort(orders.begin(), orders.end());
    for (int i = 0; i < 30; ++i) EXPECT_EQ(orders[static_cast<std::size_t>(i)], i);
}

TEST(Changes, SurviveAClockThatLagsBehindTheLastWriter) {
    World world;
    Client anna(world, "anna", "home");
    const Json note = anna.call("notes.create", {{"title", "one"}})["note"];
    world.clock.set_now(world.clock.now() - std::chrono::seconds{20});

    anna.call("notes.update", {{"id", note["id"]}, {"title", "two"}});

    EXPECT_THAT(pick(anna.call("notes.search")["notes"], "title"), ElementsAre("two"));
}

Json mark(const char* visit, int seq) {
    return {{"persona-runner/visit", visit}, {"persona-runner/seq", seq}};
}

TEST(Calls, AreRecordedOncePerVisitAndNumber) {
    World world;
    Client anna(world, "anna", "home");
    const Json arguments = {{"title", "once"}};

    const Json first = anna.result("todo.create", arguments, mark("v1", 1));
    const Json again = anna.result("todo.create", arguments, mark("v1", 1));
    anna.result("todo.list", Json::object(), mark("v1", 2));
    const Json list = anna.result("todo.list", Json::object(), mark("v1", 2));
    const Json refused = anna.result("todo.complete", {{"id", "x"}}, mark("v1", 3));
    const Json refused_again = anna.result("todo.complete", {{"id", "x"}}, mark("v1", 3));

    EXPECT_EQ(first["structuredContent"]["task"]["id"], again["structuredContent"]["task"]["id"]);
    EXPECT_EQ(list["structuredContent"]["tasks"].size(), 1u);
    EXPECT_EQ(refused, refused_again);
    EXPECT_EQ(count(world, "select count(*) as n from workspace.records"), 1);
    EXPECT_EQ(count(world,
                    "select count(*) as n from workspace.changes where visit_id = 'v1' and "
                    "visit_seq = 1"),
              1);
    const auto calls = world.look("select * from workspace.calls order by visit_seq");
    ASSERT_EQ(calls.size(), 3u);
    EXPECT_EQ(calls[0].text("outcome"), "ok");
    EXPECT_EQ(calls[0].integer("changes"), 1);
    EXPECT_EQ(calls[1].text("tool"), "todo.list");
    EXPECT_EQ(calls[1].integer("changes"), 0);
    EXPECT_EQ(calls[2].text("outcome"), "error");
}

TEST(Calls, AreRecordedOnceWhenDeliveredAtTheSameTime) {
    World world;
    Client(world, "anna", "home").open();
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&] {
            Client own(world, "anna", "home");
            own.result("todo.create", {{"title", "once"}}, mark("v1", 1));
        });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_EQ(count(world, "select count(*) as n from workspace.records"), 1);
    EXPECT_EQ(count(world, "select count(*) as n from workspace.calls"), 1);
}

TEST(Calls, RefuseANumberThatWasAnotherCall) {
    World world;
    Client anna(world, "anna", "home");
    anna.result("todo.create", {{"title", "one"}}, mark("v1", 1));

    const Json answer = anna.request(
        "tools/call",
        {{"name", "todo.create"}, {"arguments", {{"title", "two"}}}, {"_meta", mark("v1", 1)}});

    EXPECT_EQ(answer["error"]["code"], -32602);
    EXPECT_EQ(count(world, "select count(*) as n from workspace.records"), 1);
    EXPECT_EQ(
        anna.request("tools/call", {{"name", "todo.list"},
                                    {"_meta", {{"persona-runner/visit", "v1"}}}})["error"]["code"],
        -32602)
        << "half a mark is none";
}

TEST(Calls, OfDifferentUsersDoNotShareNumbers) {
    World world;
    Client anna(world, "anna", "flat");
    Client ben(world, "ben", "flat");

    anna.result("todo.create", {{"title", "a"}}, mark("v1", 1));
    ben.result("todo.create", {{"title", "b"}}, mark("v1", 1));

    EXPECT_EQ(count(world, "select count(*) as n from workspace.records"), 2);
}

// auth-api-doubts B18: under forced row-level security and a role that it binds, deleting deletes.
TEST(Service, RemovesADepartingUserAndNobodyElse) {
    World world;
    Client anna(world, "anna", "flat");
    Client ben(world, "ben", "flat");
    const Json of_anna = anna.call("todo.create", {{"title", "anna's"}})["task"];
    ben.call("todo.create", {{"title", "ben's"}});
    ben.call("todo.complete", {{"id", of_anna["id"]}});
    const auto remove = [&](const char* key) {
        return base::fetch({.method = "DELETE",
                            .url = world.service->url() + "/internal/users/anna/records",
                            .headers = {{"X-Service-Key", key}}});
    };

    const auto told = [&](const std::string& key) {
        return base::fetch({.url = world.service->url() + "/internal/users/anna/records",
                            .headers = {{"X-Service-Key", key}}});
    };
    EXPECT_EQ(told("wrong").status, 401);
    std::map<std::string, int> kinds;
    std::istringstream lines(told(tests::service_key).body);
    for (std::string line; std::getline(lines, line);) {
        const Json row = Json::parse(line);
        ++kinds[row["kind"]];
        if (row["kind"] == "record") EXPECT_EQ(row["data"]["title"], "anna's");
        if (row["kind"] == "end") EXPECT_EQ(row["rows"], 4);
    }
    EXPECT_EQ(kinds,
              (std::map<std::string, int>{{"record", 1}, {"change", 2}, {"call", 1}, {"end", 1}}));

    EXPECT_EQ(remove("wrong").status, 401);
    for (const char* rows : {"3", "-1", "x", "1.5", ""}) {
        const auto refused =
            base::fetch({.method = "DELETE",
                         .url = world.service->url() + "/internal/users/anna/records?rows=" + rows,
                         .headers = {{"X-Service-Key", tests::service_key}}});
        EXPECT_EQ(refused.status, *rows == '3' ? 409 : 400) << refused.body;
        EXPECT_THAT(refused.body, HasSubstr("rows"));
    }
    EXPECT_EQ(count(world, "select count(*) as n from workspace.records"), 2);
    const auto answer = remove(tests::service_key);

    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["deleted"],
              (Json{{"records", 1}, {"changes", 2}, {"calls", 1}}));
    EXPECT_THAT(pick(ben.call("todo.list")["tasks"], "title"), ElementsAre("ben's"));
    EXPECT_EQ(count(world, "select count(*) as n from workspace.changes"), 1);
    EXPECT_EQ(Json::parse(remove(tests::service_key).body)["deleted"]["records"], 0);
}

// Both are exported, then both are removed: the first takes along what the second wrote to her.
TEST(Changes, OfTwoMembersGoOneAfterTheOther) {
    World world;
    Client anna(world, "anna", "flat"), ben(world, "ben", "flat");
    const Json task = anna.call("todo.create", {{"title", "ours"}})["task"];
    ben.call("todo.complete", {{"id", task["id"]}});
    const auto records_of = [&](const std::string& method, const std::string& path) {
        return base::fetch({.method = method,
                            .url = world.service->url() + "/internal/users/" + path,
                            .headers = {{"X-Service-Key", tests::service_key}}});
    };
    EXPECT_THAT(records_of("GET", "anna/records").body, HasSubstr("\"rows\":4}"));
    EXPECT_THAT(records_of("GET", "ben/records").body, HasSubstr("\"rows\":2}"));

    EXPECT_EQ(records_of("DELETE", "anna/records?rows=4").status, 200);
    const auto second = records_of("DELETE", "ben/records?rows=2");

    EXPECT_EQ(second.status, 200) << second.body;
    EXPECT_EQ(count(world, "select count(*) as n from workspace.calls"), 0);
}

}  // namespace
