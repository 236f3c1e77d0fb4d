// The sync API over the wire, with a real database under the application's role: two users, two
// spaces, devices, tools. The rows are those of the list of doubts (sync.md, section 11).
#include "workspace/sync/sync_api.hpp"

#include <atomic>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "base/loop.hpp"
#include "tests/workspace/world.hpp"
#include "workspace/sync/replica.hpp"

namespace {

using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

// A device of a user.
class Device {
  public:
    Device(World& world, std::string user, std::string name)
        : world_(world), user_(std::move(user)), name_(std::move(name)) {}

    base::HttpHeaders headers() const {
        return {{"Authorization", "Bearer " + world_.auth.token(user_, world_.clock.now())},
                {"X-Client-Id", name_},
                {"Content-Type", "application/json"}};
    }
    base::HttpResponse send(const std::string& method, const std::string& path,
                            const std::string& body = "") const {
        return base::fetch({.method = method,
                            .url = world_.service->url() + path,
                            .headers = headers(),
                            .body = body});
    }
    base::HttpResponse try_push(const Json& changes) const {
        const Json body{{"clientId", name_}, {"since", since}, {"changes", changes}};
        return send("POST", "/sync/todo", body.dump());
    }
    Json push(const Json& changes) {
        const base::HttpResponse response = try_push(changes);
        EXPECT_EQ(response.status, 200) << response.body;
        return take(response);
    }
    // All that is new, page by page.
    std::vector<Json> pull(const std::string& table = "tasks") {
        std::vector<Json> rows;
        for (bool more = true; more;) {
            const base::HttpResponse response = send(
                "GET", "/sync/todo/pull?collection=" + table + "&since=" + base::url_encode(since));
            EXPECT_EQ(response.status, 200) << response.body;
            const Json answer = take(response);
            for (const Json& row : answer["serverChanges"]) rows.push_back(row);
            more = answer.value("hasMore", false);
        }
        return rows;
    }
    std::vector<std::string> pulled_ids() {
        std::vector<std::string> ids;
        for (const Json& row : pull()) ids.push_back(row["id"]);
        return ids;
    }

    std::string since;

  private:
    Json take(const base::HttpResponse& response) {
        Json answer = Json::parse(response.body);
        since = answer.value("syncedUntil", since);
        return answer;
    }

    World& world_;
    const std::string user_, name_;
};

Json insert(const std::string& id, const std::string& title, const std::string& space) {
    return {{"table", "tasks"},
            {"id", id},
            {"op", "insert"},
            {"spaceId", space},
            {"data", {{"title", title}, {"updatedAt", "2020-01-01T00:00:00Z"}}}};
}

Json change(const std::string& id, const std::string& title, const std::string& at,
            const std::string& space) {
    return {{"table", "tasks"},
            {"id", id},
            {"op", "update"},
            {"spaceId", space},
            {"fields", {{"title", {{"value", title}, {"at", at}}}}}};
}

TEST(Sync, WhatOneDevicePushesAnotherPullsOnce) {
    World world;
    Device phone(world, "anna", "phone"), laptop(world, "anna", "laptop");

    const Json answer = phone.push(Json::array({insert("t1", "Milch", "home")}));
    EXPECT_TRUE(answer["serverChanges"].empty()) << "nobody gets her own back";
    EXPECT_TRUE(answer["conflicts"].empty());
    const auto rows = laptop.pull();

    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["data"]["title"], "Milch");
    EXPECT_EQ(rows[0]["fieldMeta"]["title"], "2020-01-01T00:00:00.000Z");
    EXPECT_EQ(rows[0]["spaceId"], "home");
    EXPECT_EQ(rows[0]["origin"], "user");
    EXPECT_EQ(rows[0]["schemaVersion"], 1);
    EXPECT_FALSE(rows[0]["eventId"].get<std::string>().empty());
    EXPECT_TRUE(laptop.pull().empty());
    EXPECT_TRUE(phone.pull().empty());
}

// Rows 8, 9 and 13: members see each other's, strangers nothing, and nobody writes where she is no
// member.
TEST(Sync, MembersOfASpaceSeeEachOtherAndStrangersNothing) {
    World world;
    Device anna(world, "anna", "a"), ben(world, "ben", "b"), eve(world, "eve", "e");
    anna.push(Json::array({insert("shared", "Putzen", "flat"), insert("own", "Tagebuch", "home")}));

    EXPECT_EQ(ben.pulled_ids(), std::vector<std::string>{"shared"});
    EXPECT_TRUE(eve.pull().empty());
    for (const char* space : {"home", "no-such-space"}) {
        const auto refused = ben.try_push(Json::array({insert("x", "x", space)}));
        EXPECT_EQ(refused.status, 403) << refused.body;
    }
    // One foreign change spoils the set: nothing of it is stored.
    EXPECT_EQ(
        ben.try_push(Json::array({insert("y", "y", "flat"), insert("z", "z", "home")})).status,
        403);
    EXPECT_TRUE(anna.pull().empty());
    ben.push(Json::array({change("shared", "Fertig", "2026-01-01T00:00:00Z", "flat")}));
    const auto rows = anna.pull();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["fields"]["title"]["value"], "Fertig");
    EXPECT_EQ(rows[0]["actor"]["principalId"], "ben");
}

TEST(Sync, ToolsAndDevicesWorkOnTheSameRecords) {
    World world;
    Device phone(world, "anna", "phone");
    Client anna(world, "anna", "home");
    const Json made = anna.call("todo.create", {{"title", "Vom Werkzeug"}})["task"];

    const auto rows = phone.pull();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["op"], "insert");
    EXPECT_EQ(rows[0]["data"]["title"], "Vom Werkzeug");
    EXPECT_EQ(rows[0]["origin"], "agent");
    world.clock.advance(1s);
    phone.push(
        Json::array({change(made["id"], "Vom Telefon", base::to_iso(world.clock.now()), "home")}));
    EXPECT_EQ(anna.call("todo.list")["tasks"][0]["title"], "Vom Telefon");
    phone.push(Json::array(
        {Json{{"table", "tasks"}, {"id", made["id"]}, {"op", "delete"}, {"spaceId", "home"}}}));
    EXPECT_TRUE(anna.call("todo.list")["tasks"].empty());
}

TEST(Sync, TheLastWriterOfAFieldWinsWhateverTheOrderOfArrival) {
    World world;
    Device phone(world, "anna", "phone"), laptop(world, "anna", "laptop");
    phone.push(Json::array({insert("t1", "erster", "home")}));
    phone.push(Json::array({change("t1", "spaeter", "2026-01-02T00:00:00Z", "home")}));
    laptop.push(Json::array({change("t1", "frueher", "2026-01-01T00:00:00Z", "home")}));

    const auto record = world.look("select data, field_times from workspace.records")[0];
    EXPECT_EQ(record.json("data")["title"], "spaeter");
    EXPECT_EQ(record.json("field_times")["title"], "2026-01-02T00:00:00.000Z");
    EXPECT_EQ(world.look("select count(*) as n from workspace.changes")[0].integer("n"), 3)
        << "the log has what lost, too";
    // A delete is a field like any other: a later word brings the record back.
    phone.push(Json::array({Json{{"table", "tasks"},
                                 {"id", "t1"},
                                 {"op", "delete"},
                                 {"spaceId", "home"},
                                 {"deletedAt", "2026-01-03T00:00:00Z"}}}));
    EXPECT_FALSE(world.look("select deleted_at from workspace.records")[0].is_null("deleted_at"));
    Json back = change("t1", "wieder", "2026-01-04T00:00:00Z", "home");
    back["fields"]["deletedAt"] = {{"value", nullptr}, {"at", "2026-01-04T00:00:00Z"}};
    phone.push(Json::array({back}));
    EXPECT_TRUE(world.look("select deleted_at from workspace.records")[0].is_null("deleted_at"));
}

// Row 6.
TEST(Sync, AResentPushIsStoredOnceAndAStolenEventIdRefused) {
    World world;
    Device phone(world, "anna", "phone"), other(world, "ben", "b");
    Json named = insert("t2", "b", "flat");
    named["eventId"] = "0b6f2f36-6d0c-4d2f-9c57-000000000001";
    const Json set = Json::array({insert("t1", "a", "home"), named});
    phone.push(set);
    phone.push(set);
    EXPECT_EQ(world.look("select count(*) as n from workspace.changes")[0].integer("n"), 2);

    named["id"] = "t3";
    EXPECT_EQ(phone.try_push(Json::array({named})).status, 409);
    named["spaceId"] = "nest";
    EXPECT_EQ(other.try_push(Json::array({named})).status, 409);
    EXPECT_EQ(world.look("select count(*) as n from workspace.changes")[0].integer("n"), 2);
}

TEST(Sync, ChangesOfOneRecordInOnePushCountInTheirOrder) {
    World world;
    Device phone(world, "anna", "phone");
    phone.push(Json::array({insert("t0", "alt", "home")}));
    Json twice = change("t0", "einmal", "2026-02-03T00:00:00Z", "home");
    twice["eventId"] = "0b6f2f36-6d0c-4d2f-9c57-000000000002";
    phone.push(Json::array({change("t1", "danach", "2026-02-02T00:00:00Z", "home"), twice,
                            insert("t2", "b", "flat"),
                            change("t1", "zuletzt", "2026-02-04T00:00:00Z", "home"),
                            change("t1", "frueher", "2026-02-01T00:00:00Z", "home"), twice}));

    EXPECT_EQ(world.look("select count(*) as n from workspace.changes")[0].integer("n"), 6)
        << "what came twice in one push is logged once";
    const auto t1 = world.look(
        "select data ->> 'title' as title, created_by, updated_at, "
        "created_seq = (select min(seq) from workspace.changes where record_id = 't1') as first, "
        "changed_seq = (select seq from workspace.changes where data ->> 'title' = 'zuletzt') "
        "as last from workspace.records where record_id = 't1'")[0];
    EXPECT_EQ(t1.text("title"), "zuletzt");
    EXPECT_EQ(t1.text("created_by"), "anna");
    EXPECT_EQ(base::to_iso(t1.moment("updated_at")), "2026-02-04T00:00:00.000Z");
    EXPECT_TRUE(t1.flag("first"));
    EXPECT_TRUE(t1.flag("last"));
    EXPECT_EQ(world.look("select data from workspace.records where record_id = 't0'")[0].json(
                  "data")["title"],
              "einmal");

    // An id for two records of one push: nothing of it is kept.
    Json stolen = insert("t9", "c", "home");
    stolen["eventId"] = "0b6f2f36-6d0c-4d2f-9c57-000000000003";
    Json same = insert("t8", "d", "home");
    same["eventId"] = stolen["eventId"];
    EXPECT_EQ(phone.try_push(Json::array({stolen, same})).status, 409);
    EXPECT_EQ(world.look("select count(*) as n from workspace.changes")[0].integer("n"), 6);
}

// Rows 1 to 3: a row that commits late, with an earlier number, still comes.
TEST(Sync, NoRowIsLostWhoeverCommitsFirst) {
    World world;
    Device phone(world, "anna", "phone");
    base::Postgres slow({.url = world.database.app_url(), .connections_max = 1});
    const auto write = [](base::Transaction& transaction, const char* id) {
        transaction.run(
            "select set_config('app.current_user_id', 'anna', true), "
            "set_config('app.current_space', 'home', true)");
        transaction.run(
            "insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, "
            "space_id, op, data, field_meta, actor, origin) values (gen_random_uuid(), 'todo', "
            "'tasks', $1, 'anna', 'anna', 'home', 'insert', '{\"a\":1}', '{}', '{}', 'user')",
            {id});
    };
    std::vector<std::string> while_open;
    slow.transact([&](base::Transaction& transaction) {
        write(transaction, "early");  // It has its number, and is not committed yet.
        world.postgres->transact([&](base::Transaction& other) { write(other, "late"); });
        while_open = phone.pulled_ids();
    });
    std::vector<std::string> after = phone.pulled_ids();
    while_open.insert(while_open.end(), after.begin(), after.end());

    EXPECT_THAT(while_open, testing::UnorderedElementsAre("early", "late"));
    EXPECT_TRUE(phone.pull().empty()) << "and none comes twice";
}

TEST(Sync, ManyWritersAndAReaderThatNeverStops) {
    World world;
    constexpr int writers = 4, each = 15;
    std::atomic<int> running = writers;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&world, &running, writer] {
            Device device(world, writer % 2 == 0 ? "anna" : "ben", "w" + std::to_string(writer));
            for (int i = 0; i < each; ++i) {
                device.push(Json::array(
                    {insert(std::to_string(writer) + "-" + std::to_string(i), "t", "flat")}));
            }
            --running;
        });
    }
    Device reader(world, "ben", "reader");
    std::vector<std::string> seen;
    while (running > 0) {
        for (const std::string& id : reader.pulled_ids()) seen.push_back(id);
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& id : reader.pulled_ids()) seen.push_back(id);

    EXPECT_EQ(seen.size(), std::size_t{writers * each});
    std::sort(seen.begin(), seen.end());
    EXPECT_TRUE(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST(Sync, PagesFollowEachOtherWithoutGap) {
    World world;
    Device phone(world, "anna", "phone"), laptop(world, "anna", "laptop");
    Json changes = Json::array();
    for (int i = 0; i < 1'000; ++i) {
        changes.push_back(insert("a" + std::to_string(i), "x", i % 2 ? "home" : "flat"));
    }
    phone.push(changes);
    phone.push(Json::array({insert("last", "x", "home")}));

    const Json first = Json::parse(laptop.send("GET", "/sync/todo/pull?collection=tasks").body);
    EXPECT_EQ(first["serverChanges"].size(), 1'000U);
    EXPECT_TRUE(first["hasMore"]);
    EXPECT_EQ(laptop.pull().size(), 1'001U);
    EXPECT_TRUE(laptop.pull("notes").empty());
}

TEST(Sync, PagesEndByBytesToo) {
    World world;
    Device phone(world, "anna", "phone");
    Json changes = Json::array();
    for (int i = 0; i < 6; ++i) {
        changes.push_back(
            insert("a" + std::to_string(i), std::string(1'000, 'x'), i % 2 ? "home" : "flat"));
    }
    phone.push(changes);
    workspace::Replica replica(*world.postgres);
    workspace::SyncQuestion question{.user_id = "anna",
                                     .app_id = "todo",
                                     .tables = {},
                                     .client_id = {},
                                     .spaces = {"flat", "home"},
                                     .since = {},
                                     .bytes_max = 1'500};
    std::vector<std::size_t> sizes;
    std::set<std::string> seen;
    for (bool more = true; more && sizes.size() < 10;) {
        workspace::SyncPage page = replica.pull(question);
        for (const Json& row : page.changes) seen.insert(row["id"]);
        sizes.push_back(page.changes.size());
        question.since = std::move(page.until);
        more = page.has_more;
    }
    EXPECT_EQ(seen.size(), 6U);
    EXPECT_THAT(sizes, testing::ElementsAre(2U, 2U, 2U)) << "the row that passes it is the last";
}

TEST(Sync, RefusesRecordsThatAreTooLarge) {
    World world;
    Device phone(world, "anna", "phone");
    const std::string long_text(690'000, 'x');
    const auto put = [&](const char* field, const std::string& text) {
        return phone.try_push(Json::array(
            {Json{{"table", "tasks"},
                  {"id", "t1"},
                  {"op", "update"},
                  {"fields", {{field, {{"value", text}, {"at", "2026-01-01T00:00:00Z"}}}}}}}));
    };
    const auto huge = put("a", long_text + long_text);
    EXPECT_EQ(huge.status, 400);
    EXPECT_THAT(huge.body, HasSubstr("changes[0].fields must be at most 1 MiB"));
    EXPECT_EQ(put("a", long_text).status, 200);
    EXPECT_EQ(put("b", long_text).status, 200);
    EXPECT_EQ(put("c", long_text).status, 200) << "it replaces nothing, and 2 MiB are not reached";
    const auto grown = put("d", long_text);
    EXPECT_EQ(grown.status, 400);
    EXPECT_THAT(grown.body, HasSubstr("record t1 of tasks must not be larger"));
    EXPECT_EQ(put("a", "short").status, 200);
}

// Row 10: a space that is joined later comes whole; one that is left stops, within the cache's
// time.
TEST(Sync, JoiningBringsWhatWasThereAndLeavingEndsIt) {
    World world;
    Device ben(world, "ben", "b"), anna(world, "anna", "a");
    anna.push(Json::array({insert("old", "x", "home")}));
    EXPECT_TRUE(ben.pull().empty());

    world.auth.join("ben", "home");
    world.clock.advance(5min + 1s);
    EXPECT_EQ(ben.pulled_ids(), std::vector<std::string>{"old"});
    world.auth.leave("ben", "home");
    world.clock.advance(6s);
    EXPECT_EQ(ben.try_push(Json::array({insert("mine", "x", "home")})).status, 403) << "at once";
    world.clock.advance(5min);
    anna.push(Json::array({insert("secret", "x", "home")}));
    EXPECT_TRUE(ben.pull().empty());
}

TEST(Sync, AnOutageOfTheAuthServiceStopsWritesAndMovesNoCursorPastWhatItHides) {
    World world;
    Device anna(world, "anna", "a"), phone(world, "anna", "p");
    anna.push(Json::array({insert("one", "x", "home")}));
    EXPECT_EQ(phone.pulled_ids(), std::vector<std::string>{"one"});

    world.auth.down = true;
    world.clock.advance(10min);
    EXPECT_EQ(anna.try_push(Json::array({insert("two", "x", "home")})).status, 503);
    EXPECT_TRUE(phone.pull().empty()) << "reading goes on with what was known";
    Device stranger(world, "eve", "e");
    EXPECT_EQ(stranger.send("GET", "/sync/todo/pull?collection=tasks").status, 503);
    world.auth.down = false;
    anna.push(Json::array({insert("three", "x", "home")}));
    EXPECT_EQ(phone.pulled_ids(), std::vector<std::string>{"three"});
}

TEST(Sync, RefusesWhatIsWrongInOneForm) {
    World world;
    Device anna(world, "anna", "a");
    const std::string pull = "/sync/todo/pull";
    const auto status = [&](const std::string& method, const std::string& path,
                            const std::string& body = "") {
        const auto answer = anna.send(method, path, body);
        EXPECT_TRUE(Json::parse(answer.body).contains("error")) << answer.body;
        return answer.status;
    };
    EXPECT_EQ(status("GET", pull), 400);
    EXPECT_EQ(status("GET", pull + "?collection=a%20b"), 400);
    EXPECT_EQ(status("GET", pull + "?collection=tasks&since=x"), 400);
    EXPECT_EQ(status("GET", pull + "?collection=tasks&more=1"), 400);
    EXPECT_EQ(status("GET", "/sync/todo/stream"), 400);
    EXPECT_EQ(status("POST", "/sync/todo", "{"), 400);
    EXPECT_EQ(status("POST", "/sync/todo", R"({"clientId":"a"})"), 400);
    EXPECT_EQ(status("DELETE", "/sync/todo"), 405);
    EXPECT_EQ(base::fetch({.url = world.service->url() + pull + "?collection=tasks"}).status, 401);
    EXPECT_EQ(anna.send("POST", "/sync/todo", std::string(10 * 1024 * 1024 + 1, ' ')).status, 413);
}

// Directly in SQL, as the application's role: the policies stand behind the checks.
TEST(Sync, TheDatabaseItselfHidesOtherSpacesFromTheApplicationsRole) {
    World world;
    Device anna(world, "anna", "a");
    anna.push(Json::array({insert("t1", "x", "home")}));
    const auto count_as = [&](const std::string& user, const std::string& space) {
        return world.postgres->transact([&](base::Transaction& transaction) {
            transaction.set_local("app.current_user_id", user);
            transaction.set_local("app.current_space", space);
            return transaction.run("select count(*) as n from workspace.changes")[0].integer("n");
        });
    };
    EXPECT_EQ(count_as("anna", "home"), 1);
    EXPECT_EQ(count_as("anna", "flat"), 0);
    EXPECT_EQ(count_as("", ""), 0);
    EXPECT_THROW(world.postgres->transact([&](base::Transaction& transaction) {
        transaction.set_local("app.current_user_id", "ben");
        transaction.set_local("app.current_space", "flat");
        transaction.run(
            "insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, "
            "space_id, op, data, field_meta, actor, origin) values (gen_random_uuid(), 'todo', "
            "'tasks', 'x', 'ben', 'ben', 'home', 'insert', '{}', '{}', '{}', 'user')");
    }),
                 base::Failure);
    EXPECT_THROW(world.postgres->transact([&](base::Transaction& transaction) {
        transaction.run("select workspace.rebase_after_restore()");
    }),
                 base::Failure);
}

// A stream's reader on a loop of its own: events come out as they arrive.
class Listener {
  public:
    Listener(World& world, const Device& device, const std::string& query)
        : thread_([this, url = world.service->url() + "/sync/todo/stream?" + query,
                   headers = device.headers()] { run(url, headers); }) {}
    ~Listener() {
        loop_.stop();
        thread_.join();
    }
    // Waits until the text has come, or time is up.
    bool sees(const std::string& text) {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, 20s, [&] { return text_.find(text) != text_.npos; });
    }
    bool ends() {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, 20s, [&] { return ended_; });
    }
    std::string text() {
        const std::lock_guard lock(mutex_);
        return text_;
    }

  private:
    void run(const std::string& url, const base::HttpHeaders& headers) {
        base::Http http{loop_, {.shards = 1}};
        loop_.run(listen(http, url, headers));
        const std::lock_guard lock(mutex_);
        ended_ = true;
        arrived_.notify_all();
    }
    base::Task<void> listen(base::Http& http, std::string url, base::HttpHeaders headers) {
        auto stream = co_await http.open({.url = url, .headers = headers});
        EXPECT_EQ(stream->status(), 200);
        for (;;) {
            const auto chunk = co_await stream->next();
            if (!chunk) co_return;
            const std::lock_guard lock(mutex_);
            text_ += *chunk;
            arrived_.notify_all();
        }
    }

    base::SystemClock clock_;
    base::Loop loop_{clock_};
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::string text_;
    bool ended_ = false;
    std::thread thread_;
};

TEST(SyncStream, TellsMembersWhatIsThereAndWhatComesAndStrangersNothing) {
    World world;
    Device anna(world, "anna", "a"), ben(world, "ben", "b"), eve(world, "eve", "e");
    anna.push(Json::array({insert("before", "x", "flat")}));
    Listener bens(world, ben, "collections=tasks,notes");
    Listener eves(world, eve, "collections=tasks");
    ASSERT_TRUE(bens.sees("\"before\""));

    anna.push(Json::array({insert("after", "x", "flat"), insert("private", "x", "home")}));
    Client tools(world, "anna", "flat");
    tools.call("todo.create", {{"title", "from a tool"}});

    EXPECT_TRUE(bens.sees("\"after\""));
    EXPECT_TRUE(bens.sees("from a tool"));
    EXPECT_THAT(bens.text(), HasSubstr("event: changes"));
    EXPECT_THAT(bens.text(), testing::Not(HasSubstr("private")));
    world.clock.advance(31s);
    EXPECT_TRUE(eves.sees("event: heartbeat"));
    EXPECT_THAT(eves.text(), testing::Not(HasSubstr("changes")));
}

TEST(SyncStream, GoesOnWhereItStopped) {
    World world;
    Device anna(world, "anna", "a"), ben(world, "ben", "b");
    anna.push(Json::array({insert("one", "x", "flat")}));
    ben.pull();
    anna.push(Json::array({insert("two", "x", "flat")}));

    Listener bens(world, ben, "collections=tasks&since=" + base::url_encode(ben.since));

    ASSERT_TRUE(bens.sees("\"two\""));
    EXPECT_THAT(bens.text(), testing::Not(HasSubstr("\"one\"")));
}

// Rows 9 and 24.
TEST(SyncStream, EndsWithItsTokenAndForgetsWhoHasLeft) {
    World world;
    Device anna(world, "anna", "a"), ben(world, "ben", "b");
    Listener bens(world, ben, "collections=tasks");
    anna.push(Json::array({insert("one", "x", "flat")}));
    ASSERT_TRUE(bens.sees("\"one\""));

    world.auth.leave("ben", "flat");
    world.clock.advance(5min + 1s);
    anna.push(Json::array({insert("secret", "x", "flat")}));
    EXPECT_TRUE(bens.sees("event: heartbeat")) << "it listens on";
    EXPECT_THAT(bens.text(), testing::Not(HasSubstr("secret")));
    world.clock.advance(10min);
    EXPECT_TRUE(bens.ends());
    EXPECT_THAT(bens.text(), testing::Not(HasSubstr("secret")));
}

TEST(SyncStream, AUserHasAFewAtOnce) {
    World world;
    Device anna(world, "anna", "a");
    anna.push(Json::array({insert("one", "x", "home")}));
    std::vector<std::unique_ptr<Listener>> open;
    for (int i = 0; i < 8; ++i) {
        open.push_back(std::make_unique<Listener>(world, Device(world, "anna", std::to_string(i)),
                                                  "collections=tasks"));
        ASSERT_TRUE(open.back()->sees("\"one\""));
    }
    const auto ninth = anna.send("GET", "/sync/todo/stream?collections=tasks");
    EXPECT_EQ(ninth.status, 429);
    EXPECT_FALSE(ninth.header("retry-after").empty());
}

}  // namespace
