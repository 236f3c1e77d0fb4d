// What tasks promise, over the wire.
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
using std::chrono_literals::operator""min;

TEST(Todo, CreatesWithDefaultsAndUniversalTime) {
    World world;
    Client anna(world, "anna", "home");

    const Json task = anna.call("todo.create", {{"title", "Müll"},
                                                {"dueDate", "2026-11-21T18:00:00+01:00"},
                                                {"description", nullptr}})["task"];

    EXPECT_EQ(task["priority"], "medium");
    EXPECT_EQ(task["isCompleted"], false);
    EXPECT_EQ(task["completedAt"], nullptr);
    EXPECT_EQ(task["subtasks"], nullptr);
    EXPECT_EQ(task["order"], 0);
    EXPECT_EQ(task["dueDate"], "2026-11-21T17:00:00.000Z");
    EXPECT_EQ(task["createdAt"], "2026-11-20T09:00:00.000Z");
    EXPECT_FALSE(task.contains("description"));
}

// mcp-tools 8, rows 3 and 5.
TEST(Todo, ListsTheNewestOpenTasks) {
    World world;
    Client anna(world, "anna", "home");
    std::vector<Json> tasks;
    for (const char* title : {"one", "two", "three", "four"}) {
        tasks.push_back(anna.call("todo.create", {{"title", title}})["task"]);
    }

    anna.call("todo.complete", {{"id", tasks[2]["id"]}});
    anna.call("todo.delete", {{"id", tasks[1]["id"]}});

    EXPECT_THAT(pick(anna.call("todo.list")["tasks"], "title"), ElementsAre("four", "one"));
    EXPECT_THAT(pick(anna.call("todo.list", {{"includeCompleted", true}})["tasks"], "title"),
                ElementsAre("four", "three", "one"));
    EXPECT_THAT(pick(anna.call("todo.list", {{"limit", 1}})["tasks"], "title"),
                ElementsAre("four"));
}

// mcp-tools 8, row 19: no ghost records.
TEST(Todo, RefusesIdsThatAreNotThere) {
    World world;
    Client anna(world, "anna", "home");
    const Json task = anna.call("todo.create", {{"title", "t"}})["task"];
    anna.call("todo.delete", {{"id", task["id"]}});
    const Json note = anna.call("notes.create", {{"title", "n"}})["note"];

    for (const Json& id : {Json("00000000-0000-4000-8000-000000000000"), task["id"], note["id"]}) {
        EXPECT_THAT(anna.refusal("todo.complete", {{"id", id}}), HasSubstr("Call todo.list"));
        EXPECT_THAT(anna.refusal("todo.delete", {{"id", id}}), HasSubstr("Call todo.list"));
        EXPECT_THAT(anna.refusal("todo.update", {{"id", id}, {"title", "x"}}),
                    HasSubstr("Call todo.list"));
    }
    EXPECT_THAT(anna.refusal("todo.complete", {{"id", "1"}}), HasSubstr("id must be an id"));
    EXPECT_EQ(world.look("select count(*) as n from workspace.records")[0].integer("n"), 2);
}

TEST(Todo, CompletesOnceAndOpensAgain) {
    World world;
    Client anna(world, "anna", "home");
    const Json id = anna.call("todo.create", {{"title", "t"}})["task"]["id"];

    anna.call("todo.complete", {{"id", id}});
    world.clock.advance(20min);
    anna.call("todo.complete", {{"id", id}});
    const Json done = anna.call("todo.list", {{"includeCompleted", true}})["tasks"][0];
    const Json open = anna.call("todo.update", {{"id", id}, {"isCompleted", false}})["task"];

    EXPECT_EQ(done["completedAt"], "2026-11-20T09:00:00.000Z");
    EXPECT_EQ(open["completedAt"], nullptr);
    EXPECT_EQ(anna.call("todo.list")["tasks"].size(), 1u);
}

TEST(Todo, ChangesOnlyWhatIsGiven) {
    World world;
    Client anna(world, "anna", "home");
    const Json task = anna.call(
        "todo.create",
        {{"title", "t"}, {"description", "d"}, {"dueDate", "2026-11-21T18:00:00Z"}})["task"];

    const Json changed = anna.call(
        "todo.update", {{"id", task["id"]}, {"dueDate", nullptr}, {"title", nullptr}})["task"];

    EXPECT_EQ(changed["title"], "t");
    EXPECT_EQ(changed["description"], "d");
    EXPECT_EQ(changed["dueDate"], nullptr);
    EXPECT_THAT(anna.refusal("todo.update", {{"id", task["id"]}}), HasSubstr("at least one field"));
}

TEST(Todo, TellsWhatIsWrongWithArguments) {
    World world;
    Client anna(world, "anna", "home");

    EXPECT_THAT(anna.refusal("todo.create"), HasSubstr("title is required"));
    EXPECT_THAT(anna.refusal("todo.create", {{"title", std::string(501, 'x')}}),
                HasSubstr("1 to 500 characters long, got 501"));
    anna.call("todo.create", {{"title", std::string(500, 'x')}});
    EXPECT_THAT(anna.refusal("todo.create", {{"title", "t"}, {"priority", "asap"}}),
                HasSubstr("priority must be one of"));
    EXPECT_THAT(anna.refusal("todo.create", {{"title", "t"}, {"due", "x"}}),
                HasSubstr("due is not known; known are title"));
    EXPECT_THAT(anna.refusal("todo.list", {{"limit", 501}}), HasSubstr("at most 500"));
}

TEST(Todo, TellsWhatIsDueInTheZoneOfTheUser) {
    workspace::Options options = tests::open_options();
    options.zone = "Europe/Berlin";
    World world(options);  // 10:00 there.
    Client anna(world, "anna", "home");
    const auto create = [&](const char* title, Json due) {
        return anna.call("todo.create", {{"title", title}, {"dueDate", due}})["task"]["id"];
    };
    create("some day", nullptr);
    create("a week on", "2026-11-27T22:59:00Z");
    create("past the week", "2026-11-27T23:00:00Z");
    create("tonight", "2026-11-20T22:59:00Z");
    create("after midnight", "2026-11-20T23:00:00Z");
    create("just now", "2026-11-20T08:59:59Z");
    create("yesterday", "2026-11-19T12:00:00Z");
    const Json done = create("done", "2026-11-19T12:00:00Z");
    anna.call("todo.complete", {{"id", done}});
    const auto titles = [&](const Json& arguments, const char* group) {
        return pick(anna.call("todo.due", arguments)[group], "title");
    };

    EXPECT_THAT(titles(Json::object(), "overdue"), ElementsAre("yesterday", "just now"));
    EXPECT_THAT(titles(Json::object(), "today"), ElementsAre("tonight"));
    EXPECT_THAT(titles(Json::object(), "later"), ElementsAre("after midnight", "a week on"));
    EXPECT_THAT(titles({{"days", 8}}, "later"),
                ElementsAre("after midnight", "a week on", "past the week"));
    EXPECT_THAT(titles({{"days", 0}}, "later"), testing::IsEmpty());
    EXPECT_THAT(titles({{"days", 0}}, "today"), ElementsAre("tonight"));
    EXPECT_THAT(titles({{"limit", 1}}, "overdue"), ElementsAre("yesterday")) << "earliest first";
}

TEST(Todo, AreFoundByTheirTextsDoneOrNot) {
    World world;
    Client anna(world, "anna", "home");
    const Json done = anna.call("todo.create", {{"title", "Steuer 2025"}})["task"];
    anna.call("todo.create", {{"title", "x"}, {"description", "Belege der Steuern"}});
    anna.call("todo.complete", {{"id", done["id"]}});
    const auto found = [&](const Json& arguments) {
        return pick(anna.call("todo.search", arguments)["tasks"], "title");
    };

    EXPECT_THAT(found({{"query", "steuer"}}), ElementsAre("x", "Steuer 2025"));
    EXPECT_THAT(found({{"query", "steuer"}, {"includeCompleted", false}}), ElementsAre("x"));
}

}  // namespace
