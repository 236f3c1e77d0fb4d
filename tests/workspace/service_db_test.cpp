// What other services of ours ask of the workspace: the records that exist once, counts of a user's
// records, the end of a space.
#include <gmock/gmock.h>

#include "base/crypto.hpp"
#include "tests/workspace/world.hpp"
#include "workspace/singletons.hpp"
#include "workspace/sync/replica.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

base::HttpResponse ask_service(World& world, const std::string& method, const std::string& path,
                               const std::string& body = "") {
    return base::fetch({.method = method,
                        .url = world.service->url() + "/internal" + path,
                        .headers = {{"X-Service-Key", tests::service_key}},
                        .body = body});
}

std::int64_t rows_of(World& world, const std::string& from) {
    return world.look("select count(*) as n from workspace." + from)[0].integer("n");
}

TEST(Singletons, AreMadeOnceAndSeenByTheirUser) {
    World world;
    const std::string wish = R"({"personalSpace":"home","spaces":["home","flat"]})";
    const auto made = ask_service(world, "POST", "/users/anna/singletons", wish);
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(Json::parse(made.body), Json::parse(R"({"userContext":"written",
                              "spaces":{"home":"written","flat":"written"}})"));
    EXPECT_EQ(Json::parse(ask_service(world, "POST", "/users/anna/singletons", wish).body),
              Json::parse(R"({"userContext":"existed",
                              "spaces":{"home":"existed","flat":"existed"}})"));
    // A space has one document, whoever of its members comes first.
    const auto of_ben = ask_service(world, "POST", "/users/ben/singletons",
                                    R"({"personalSpace":"nest","spaces":["nest","flat"]})");
    EXPECT_EQ(Json::parse(of_ben.body)["spaces"]["flat"], "existed");
    EXPECT_EQ(rows_of(world, "records"), 5);

    const auto change = world.look(
        "select * from workspace.changes where space_id = 'home' and table_name = 'userContext'")
                            [0];
    EXPECT_EQ(change.text("app_id"), "profile");
    EXPECT_EQ(change.text("record_id"), "singleton");
    EXPECT_EQ(change.text("user_id"), "anna");
    EXPECT_EQ(change.text("origin"), "system");
    EXPECT_EQ(change.text("client_id"), "system:bootstrap");
    EXPECT_EQ(change.json("actor")["principalId"], "system:bootstrap");
    EXPECT_EQ(change.json("data")["userId"], "anna");
    EXPECT_EQ(change.json("data")["interview"]["answeredIds"], Json::array());
    EXPECT_EQ(change.json("field_meta").size(), 10u);
    EXPECT_EQ(rows_of(world,
                      "changes where table_name = 'kontextDoc' and data = "
                      "'{\"content\":\"\"}'"),
              3);
}

// Who removed it does not want it back.
TEST(Singletons, ThatAreDeletedStayDeleted) {
    World world;
    const std::string wish = R"({"personalSpace":"home","spaces":["home"]})";
    ask_service(world, "POST", "/users/anna/singletons", wish);
    world.look("update workspace.records set deleted_at = now()");
    EXPECT_EQ(Json::parse(ask_service(world, "POST", "/users/anna/singletons", wish).body),
              Json::parse(R"({"userContext":"existed","spaces":{"home":"existed"}})"));
}

TEST(Singletons, CallersAtTheSameTimeMakeOne) {
    World world;
    std::vector<std::thread> threads;
    std::atomic<int> ready{0}, written{0};
    for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&, i] {
            ++ready;
            while (ready < 6) std::this_thread::yield();
            const Json made = workspace::ensure_singletons(*world.postgres,
                                                           {.user_id = i % 2 == 0 ? "anna" : "ben",
                                                            .personal_space = "flat",
                                                            .spaces = {"flat"}},
                                                           world.clock.now());
            if (made["spaces"]["flat"] == "written") ++written;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(written, 1);
    EXPECT_EQ(rows_of(world, "records where table_name = 'kontextDoc'"), 1);
}

// What two callers do when both found nothing made.
TEST(Singletons, WhoComesSecondFindsItMade) {
    World world;
    workspace::Replica replica(*world.postgres);
    const auto make = [&](const std::string& user, const std::string& content) {
        workspace::PushedChange change;
        change.event_id = base::random_uuid();
        change.table = "kontextDoc";
        change.record_id = "one";
        change.op = "insert";
        change.space_id = "flat";
        change.values = {{"content", content}};
        change.times = {{"content", base::to_iso(world.clock.now())}};
        change.actor = Json::object();
        change.origin = "system";
        return replica.push({.user_id = user,
                             .client_id = "bootstrap",
                             .app_id = "kontext",
                             .now = world.clock.now(),
                             .only_new = true},
                            {change});
    };
    EXPECT_EQ(make("anna", "first"), 1U);
    EXPECT_EQ(make("ben", "second"), 0U);
    EXPECT_EQ(rows_of(world, "records where data ->> 'content' = 'first'"), 1);
    EXPECT_EQ(rows_of(world, "changes"), 1);
}

TEST(Singletons, AreRefusedByName) {
    World world;
    for (const auto& [body, named] : std::vector<std::pair<std::string, std::string>>{
             {"", "body"},
             {"[]", "body"},
             {R"({"spaces":[]})", "personalSpace"},
             {R"({"personalSpace":"","spaces":[]})", "personalSpace"},
             {R"({"personalSpace":"home"})", "spaces"},
             {R"({"personalSpace":"home","spaces":[7]})", "spaces"},
             {R"({"personalSpace":"home","spaces":[""]})", "spaces"},
             {R"({"personalSpace":"home","spaces":[],"more":1})", "more"}}) {
        const auto refused = ask_service(world, "POST", "/users/anna/singletons", body);
        EXPECT_EQ(refused.status, 400) << body;
        EXPECT_THAT(refused.body, HasSubstr(named)) << body;
    }
    EXPECT_EQ(rows_of(world, "records"), 0);
}

TEST(Service, CountsWhatAUserHas) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("todo.create", {{"title", "one"}});
    const Json gone = anna.call("todo.create", {{"title", "two"}})["task"];
    anna.call("todo.delete", {{"id", gone["id"]}});
    const Json told = Json::parse(ask_service(world, "GET", "/users/anna/summary").body);
    ASSERT_EQ(told["tables"].size(), 1u);
    EXPECT_EQ(told["tables"][0]["app"], "todo");
    EXPECT_EQ(told["tables"][0]["count"], 1);
    EXPECT_EQ(ask_service(world, "GET", "/users/anna/summary?rows=1").status, 400);
}

// A space that is gone takes everybody's rows along and nobody's of another space.
TEST(Service, RemovesADepartedSpaceAndNoOther) {
    World world;
    Client flat_anna(world, "anna", "flat"), flat_ben(world, "ben", "flat");
    Client home(world, "anna", "home");
    flat_anna.call("todo.create", {{"title", "anna's"}});
    flat_ben.call("todo.create", {{"title", "ben's"}});
    home.call("todo.create", {{"title", "stays"}});

    const auto gone = ask_service(world, "DELETE", "/spaces/flat/records");
    ASSERT_EQ(gone.status, 200) << gone.body;
    EXPECT_EQ(Json::parse(gone.body)["deleted"],
              (Json{{"records", 2}, {"changes", 2}, {"calls", 2}}));
    for (const char* table : {"records", "changes", "calls"}) {
        EXPECT_EQ(rows_of(world, std::string(table) + " where space_id = 'flat'"), 0) << table;
        EXPECT_EQ(rows_of(world, std::string(table) + " where space_id = 'home'"), 1) << table;
    }
    EXPECT_EQ(rows_of(world, "record_words where space_id = 'flat'"), 0);
    EXPECT_EQ(Json::parse(
                  ask_service(world, "DELETE", "/spaces/flat/records").body)["deleted"]["records"],
              0);
    EXPECT_EQ(ask_service(world, "DELETE", "/spaces/flat/records?rows=1").status, 400);
}

}  // namespace
}  // namespace tests
