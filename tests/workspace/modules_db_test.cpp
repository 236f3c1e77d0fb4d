// What each module promises to its user, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;
using namespace std::chrono_literals;

constexpr const char* nowhere = "00000000-0000-4000-8000-000000000000";

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

    for (const Json& id : {Json(nowhere), task["id"], note["id"]}) {
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

TEST(Notes, AreFoundByTheirTextInAnyCase) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("notes.create", {{"title", "Übung"}, {"content", "100% fertig_"}});
    anna.call("notes.create", {{"title", "Other"}, {"content", "nothing"}});
    const auto found = [&](const char* query) {
        return pick(anna.call("notes.search", {{"query", query}})["notes"], "title");
    };

    EXPECT_THAT(found("übUNG"), ElementsAre("Übung"));
    EXPECT_THAT(found("0%"), ElementsAre("Übung"));
    EXPECT_THAT(found("g_"), ElementsAre("Übung"));
    EXPECT_THAT(found("%"), ElementsAre("Übung")) << "a per cent sign is itself";
    EXPECT_THAT(found("'; drop table"), IsEmpty());
    EXPECT_THAT(found(""), ElementsAre("Other", "Übung"));
}

TEST(Notes, VanishWhenArchivedOrDeleted) {
    World world;
    Client anna(world, "anna", "home");
    const Json one = anna.call("notes.create", {{"title", "one"}})["note"];
    const Json two = anna.call("notes.create", {{"title", "two"}, {"color", "#a1B2c3"}})["note"];

    anna.call("notes.update", {{"id", one["id"]}, {"isArchived", true}});
    anna.call("notes.delete", {{"id", two["id"]}});

    EXPECT_THAT(anna.call("notes.search")["notes"], IsEmpty());
    EXPECT_THAT(pick(anna.call("notes.search", {{"includeArchived", true}})["notes"], "title"),
                ElementsAre("one"));
    EXPECT_THAT(anna.refusal("notes.update", {{"id", two["id"]}, {"title", "x"}}),
                HasSubstr("no note"));
}

TEST(Notes, CutAnAnswerThatGrowsTooLargeAndSaySo) {
    World world;
    Client anna(world, "anna", "home");
    for (int i = 0; i < 4; ++i) {
        anna.call("notes.create", {{"title", "long"}, {"content", std::string(200'000, 'x')}});
    }

    const Json answer = anna.result("notes.search");

    EXPECT_EQ(answer["structuredContent"]["notes"].size(), 2u);
    ASSERT_EQ(answer["content"].size(), 2u);
    EXPECT_THAT(answer["content"][1]["text"].get<std::string>(), HasSubstr("Narrow the request"));
}

TEST(Journal, CountsWordsAndDatesEntriesToday) {
    World world;
    Client anna(world, "anna", "home");

    const Json entry = anna.call(
        "journal.add", {{"content", "Heute  war\nes schön."}, {"mood", "glücklich"}})["entry"];

    EXPECT_EQ(entry["wordCount"], 4);
    EXPECT_EQ(entry["entryDate"], "2026-11-20");
    EXPECT_EQ(entry["tags"], Json::array());
    EXPECT_THAT(anna.refusal("journal.add", {{"content", "x"}, {"mood", "super"}}),
                HasSubstr("mood must be one of"));
}

TEST(Journal, IsReadBackByDayAndByText) {
    World world;
    Client anna(world, "anna", "home");
    for (const char* date : {"2026-11-18", "2026-11-20", "2026-11-19"}) {
        anna.call(
            "journal.add",
            {{"content", std::string("Tag ") + date}, {"entryDate", date}, {"tags", {"alltag"}}});
    }
    const auto dates = [&](const Json& arguments) {
        return pick(anna.call("journal.list", arguments)["entries"], "entryDate");
    };

    EXPECT_THAT(dates(Json::object()), ElementsAre("2026-11-20", "2026-11-19", "2026-11-18"));
    EXPECT_THAT(dates({{"from", "2026-11-19"}, {"to", "2026-11-19"}}), ElementsAre("2026-11-19"));
    EXPECT_THAT(dates({{"limit", 1}}), ElementsAre("2026-11-20"));
    const Json found = anna.call("journal.search", {{"query", "ALLTAG"}, {"limit", 2}})["entries"];
    EXPECT_EQ(found.size(), 2u);
    anna.call("journal.update", {{"id", found[0]["id"]}, {"isArchived", true}});
    EXPECT_THAT(dates(Json::object()), ElementsAre("2026-11-19", "2026-11-18"));
    const Json changed =
        anna.call("journal.update", {{"id", found[1]["id"]}, {"content", "zwei Worte"}})["entry"];
    EXPECT_EQ(changed["wordCount"], 2);
}

TEST(Mood, IsLoggedNowAndReadBackInOrder) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("mood.log", {{"level", 7}, {"emotion", "calm"}});
    anna.call("mood.log", {{"level", 3}, {"emotion", "tired"}, {"time", "07:15"}});
    anna.call("mood.log", {{"level", 5}, {"emotion", "bored"}, {"date", "2026-11-15"}});
    anna.call("mood.log", {{"level", 5}, {"emotion", "sad"}, {"date", "2026-11-10"}});

    EXPECT_THAT(pick(anna.call("mood.today")["entries"], "time"), ElementsAre("07:15", "09:00"));
    EXPECT_THAT(pick(anna.call("mood.recent")["entries"], "emotion"),
                ElementsAre("calm", "tired", "bored"));
    EXPECT_THAT(pick(anna.call("mood.today", {{"date", "2026-11-10"}})["entries"], "emotion"),
                ElementsAre("sad"));
    EXPECT_THAT(anna.refusal("mood.log", {{"level", 11}, {"emotion", "calm"}}),
                HasSubstr("level must be at most 10"));
    EXPECT_THAT(
        anna.refusal("mood.log", {{"level", 5}, {"emotion", "calm"}, {"date", "2026-11-22"}}),
        HasSubstr("today is 2026-11-20"));
}

// mcp-tools 8, row 21.
TEST(Mood, CountsDaysInTheZoneOfTheUser) {
    workspace::Options options;
    options.zone = "Pacific/Auckland";
    World world(options);
    Client anna(world, "anna", "home");
    world.clock.advance(3h);  // 12:00 in UTC, 01:00 of the next day in Auckland.

    const Json entry = anna.call("mood.log", {{"level", 7}, {"emotion", "calm"}})["entry"];

    EXPECT_EQ(entry["date"], "2026-11-21");
    EXPECT_EQ(entry["time"], "01:00");
    EXPECT_EQ(anna.call("mood.today")["entries"].size(), 1u);
}

TEST(Habits, AreKeptInOrderAndPutAway) {
    World world;
    Client anna(world, "anna", "home");
    const Json one = anna.call("habits.create", {{"title", "Laufen"}})["habit"];
    const Json two = anna.call("habits.create", {{"title", "Lesen"}, {"targetPerDay", 2}})["habit"];

    EXPECT_EQ(one["icon"], "star");
    EXPECT_EQ(one["color"], "#6366f1");
    EXPECT_EQ(one["targetPerDay"], nullptr);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"), ElementsAre("Laufen", "Lesen"));
    EXPECT_EQ(anna.call("habits.archive", {{"id", one["id"]}})["ok"], true);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"), ElementsAre("Lesen"));
    EXPECT_EQ(anna.call("habits.list", {{"includeArchived", true}})["habits"].size(), 2u);
    EXPECT_THAT(anna.refusal("habits.log", {{"id", one["id"]}}), HasSubstr("archived"));
    anna.call("habits.archive", {{"id", one["id"]}, {"archived", false}});
    EXPECT_EQ(anna.call("habits.update", {{"id", two["id"]}, {"title", "Viel lesen"}})["ok"], true);
    EXPECT_THAT(pick(anna.call("habits.list")["habits"], "title"),
                ElementsAre("Laufen", "Viel lesen"));
    EXPECT_THAT(anna.refusal("habits.create", {{"title", "x"}, {"targetPerDay", 0}}),
                HasSubstr("greater than 0"));
}

// mcp-tools 7: habits can be logged.
TEST(Habits, AreLoggedAndCountedByDay) {
    World world;
    Client anna(world, "anna", "home");
    const Json habit =
        anna.call("habits.create",
                  {{"title", "Wasser"}, {"targetPerDay", 2}, {"defaultDuration", 60}})["habit"];

    const Json first = anna.call("habits.log", {{"id", habit["id"]}});
    const Json second = anna.call("habits.log", {{"id", habit["id"]}, {"duration", 30}});
    anna.call("habits.log", {{"id", habit["id"]}, {"date", "2026-11-19"}});

    EXPECT_EQ(first["log"]["duration"], 60);
    EXPECT_EQ(first["log"]["time"], "09:00");
    EXPECT_EQ(second["log"]["duration"], 30);
    EXPECT_EQ(second["doneThatDay"], 2);
    EXPECT_EQ(second["targetPerDay"], 2);
    const Json today = anna.call("habits.today")["habits"][0];
    EXPECT_EQ(today["done"], 2);
    EXPECT_EQ(today["isReached"], true);
    const Json yesterday = anna.call("habits.today", {{"date", "2026-11-19"}})["habits"][0];
    EXPECT_EQ(yesterday["done"], 1);
    EXPECT_EQ(yesterday["isReached"], false);
    EXPECT_THAT(anna.refusal("habits.log", {{"id", nowhere}}), HasSubstr("Call habits.list"));
}

TEST(Calendar, ShowsWhatTouchesTheDays) {
    World world;
    Client anna(world, "anna", "home");
    const auto create = [&](const char* title, const char* start, Json end) {
        return anna.call("calendar.create",
                         {{"title", title}, {"startTime", start}, {"endTime", end}})["event"];
    };
    create("late", "2026-11-20T20:00:00Z", nullptr);
    create("early", "2026-11-20T08:00:00+01:00", nullptr);
    create("over midnight", "2026-11-19T23:00:00Z", "2026-11-20T01:00:00Z");
    create("ends at midnight", "2026-11-19T22:00:00Z", "2026-11-20T00:00:00Z");
    create("tomorrow", "2026-11-21T00:00:00Z", nullptr);
    const auto titles = [&](const char* tool, const Json& arguments) {
        return pick(anna.call(tool, arguments)["events"], "title");
    };

    EXPECT_THAT(titles("calendar.today", Json::object()),
                ElementsAre("over midnight", "early", "late"));
    EXPECT_THAT(titles("calendar.today", {{"date", "2026-11-21"}}), ElementsAre("tomorrow"));
    EXPECT_THAT(titles("calendar.list", {{"from", "2026-11-19"}, {"to", "2026-11-19"}}),
                ElementsAre("ends at midnight", "over midnight"));
    EXPECT_THAT(titles("calendar.list", Json::object()),
                ElementsAre("over midnight", "early", "late", "tomorrow"));
    EXPECT_THAT(anna.refusal("calendar.list", {{"from", "2026-11-20"}, {"to", "2026-11-19"}}),
                HasSubstr("must not lie before"));
    EXPECT_THAT(anna.refusal("calendar.list", {{"from", "2026-11-20"}, {"to", "2028-11-19"}}),
                HasSubstr("one year"));
}

TEST(Calendar, MovesKeepTheLengthAndEndsComeAfterStarts) {
    World world;
    Client anna(world, "anna", "home");
    const Json event = anna.call("calendar.create", {{"title", "Zahnarzt"},
                                                     {"startTime", "2026-11-20T10:00:00Z"},
                                                     {"endTime", "2026-11-20T10:30:00Z"}})["event"];

    const Json moved = anna.call(
        "calendar.update", {{"id", event["id"]}, {"startTime", "2026-11-23T12:00:00Z"}})["event"];

    EXPECT_EQ(moved["endTime"], "2026-11-23T12:30:00.000Z");
    EXPECT_THAT(
        anna.refusal("calendar.update", {{"id", event["id"]}, {"endTime", "2026-11-23T11:00:00Z"}}),
        HasSubstr("endTime must be after startTime"));
    EXPECT_THAT(anna.refusal("calendar.create", {{"title", "x"},
                                                 {"startTime", "2026-11-20T10:00:00Z"},
                                                 {"endTime", "2026-11-20T10:00:00Z"}}),
                HasSubstr("endTime must be after startTime"));
    anna.call("calendar.cancel", {{"id", event["id"]}});
    EXPECT_THAT(anna.call("calendar.list")["events"], IsEmpty());
    EXPECT_THAT(anna.refusal("calendar.cancel", {{"id", event["id"]}}), HasSubstr("no event"));
}

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

TEST(Articles, AreSavedOncePerAddress) {
    World world;
    Client anna(world, "anna", "home");

    const Json article = anna.call("articles.save", {{"url", "https://www.Example.org/a#top"},
                                                     {"title", "A"},
                                                     {"content", "drei kurze Worte"}})["article"];

    EXPECT_EQ(article["originalUrl"], "https://www.Example.org/a");
    EXPECT_EQ(article["siteName"], "example.org");
    EXPECT_EQ(article["wordCount"], 3);
    EXPECT_EQ(article["readingTimeMinutes"], 1);
    EXPECT_EQ(article["status"], "unread");
    EXPECT_THAT(
        anna.refusal("articles.save", {{"url", "https://www.Example.org/a#end"}, {"title", "B"}}),
        HasSubstr(article["id"].get<std::string>()));
    EXPECT_THAT(anna.refusal("articles.save", {{"url", "example.org"}, {"title", "B"}}),
                HasSubstr("url must be a web address"));
}

TEST(Articles, AreMarkedAnnotatedAndListedByStatus) {
    World world;
    Client anna(world, "anna", "home");
    const Json one =
        anna.call("articles.save", {{"url", "https://a.org/1"}, {"title", "Eins"}})["article"];
    anna.call("articles.save", {{"url", "https://a.org/2"}, {"title", "Zwei"}});

    const Json read =
        anna.call("articles.mark", {{"id", one["id"]}, {"status", "finished"}})["article"];
    const Json noted =
        anna.call("articles.note", {{"id", one["id"]}, {"note", "Lesenswert"}})["article"];

    EXPECT_EQ(read["readAt"], "2026-11-20T09:00:00.000Z");
    EXPECT_EQ(read["readingProgress"], 1);
    EXPECT_EQ(noted["userNote"], "Lesenswert");
    EXPECT_EQ(noted["status"], "finished");
    EXPECT_THAT(pick(anna.call("articles.list", {{"status", "unread"}})["articles"], "title"),
                ElementsAre("Zwei"));
    EXPECT_THAT(pick(anna.call("articles.list", {{"query", "lesens"}})["articles"], "title"),
                ElementsAre("Eins"));
    const Json unread =
        anna.call("articles.mark", {{"id", one["id"]}, {"status", "unread"}})["article"];
    EXPECT_EQ(unread["readAt"], nullptr);
    EXPECT_THAT(anna.refusal("articles.mark", {{"id", one["id"]}}), HasSubstr("needs status"));
}

TEST(Spaces, AreThoseOfTheCallerWithTypeAndRole) {
    World world;
    Client anna(world, "anna", "flat");

    const Json answer = anna.call("spaces.list");

    EXPECT_EQ(answer["activeSpaceId"], "flat");
    ASSERT_EQ(answer["spaces"].size(), 2u);
    EXPECT_EQ(answer["spaces"][0], (Json{{"id", "home"},
                                         {"name", "Anna"},
                                         {"slug", "anna"},
                                         {"type", "personal"},
                                         {"role", "owner"}}));
    EXPECT_EQ(answer["spaces"][1]["type"], "family") << "metadata may be a text";
}

// mcp-tools 8, rows 1 and 17: every answer is structured as its schema says, as text alike.
TEST(Modules, AnswerAsTheirOutputSchemasSay) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    std::map<std::string, Json> outputs;
    const Json listing = anna.request("tools/list");
    for (const Json& tool : listing["result"]["tools"]) {
        outputs[tool["name"].get<std::string>()] = tool["outputSchema"];
    }
    const std::vector<std::pair<std::string, Json>> calls = {
        {"todo.create", {{"title", "t"}}},
        {"todo.list", Json::object()},
        {"calendar.create", {{"title", "t"}, {"startTime", "2026-11-20T10:00:00Z"}}},
        {"calendar.today", Json::object()},
        {"journal.add", {{"content", "c"}}},
        {"journal.list", Json::object()},
        {"notes.create", {{"title", "n"}}},
        {"notes.search", Json::object()},
        {"mood.log", {{"level", 5}, {"emotion", "calm"}}},
        {"mood.recent", Json::object()},
        {"habits.create", {{"title", "h"}}},
        {"habits.today", Json::object()},
        {"contacts.create", {{"firstName", "f"}}},
        {"contacts.search", Json::object()},
        {"articles.save", {{"url", "https://a.org"}, {"title", "t"}}},
        {"articles.list", Json::object()},
        {"spaces.list", Json::object()}};

    for (const auto& [tool, arguments] : calls) {
        const Json answer = anna.result(tool, arguments);
        ASSERT_TRUE(answer.contains("structuredContent")) << tool << answer.dump();
        EXPECT_THAT(workspace::check(outputs.at(tool), answer["structuredContent"]), IsEmpty())
            << tool;
        EXPECT_EQ(Json::parse(answer["content"][0]["text"].get<std::string>()),
                  answer["structuredContent"])
            << tool;
    }
}

}  // namespace
