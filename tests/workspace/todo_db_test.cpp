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

}  // namespace
