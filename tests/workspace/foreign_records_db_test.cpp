// Devices push what they like: records with values of any kind, or without some. No such record
// breaks a tool for the members of its space; what a tool can show is shown.
#include <gmock/gmock.h>

#include "base/crypto.hpp"
#include "tests/workspace/world.hpp"

namespace {

using testing::HasSubstr;
using tests::Client;
using tests::Json;
using tests::World;

// A table: a call that makes a good record of it, and the calls that read it.
struct Kept {
    std::string app, table, make;
    Json arguments;
    std::vector<std::pair<std::string, Json>> reads;
};

std::vector<Kept> kept_tables(const Json& habit, const Json& article) {
    const Json none = Json::object();
    const Json target = {{"value", 1}, {"period", "day"}, {"comparison", "gte"}};
    const Json lines =
        Json::array({{{"title", "l"}, {"quantity", 1}, {"unitPrice", 1}, {"vatRate", 19}}});
    const Json query = {{"query", "x"}};
    return {
        {"todo",
         "tasks",
         "todo.create",
         {{"title", "x"}, {"dueDate", "2026-11-20T10:00:00Z"}},
         {{"todo.list", {{"includeCompleted", true}}}, {"todo.search", query}, {"todo.due", none}}},
        {"calendar",
         "events",
         "calendar.create",
         {{"title", "x"}, {"startTime", "2026-11-20T10:00:00Z"}},
         {{"calendar.list", none}, {"calendar.today", none}, {"calendar.search", query}}},
        {"journal",
         "journalEntries",
         "journal.add",
         {{"content", "x"}},
         {{"journal.list", none}, {"journal.search", query}}},
        {"notes", "notes", "notes.create", {{"title", "x"}}, {{"notes.search", none}}},
        {"mood",
         "moodEntries",
         "mood.log",
         {{"level", 5}, {"emotion", "calm"}, {"notes", "x"}},
         {{"mood.today", none}, {"mood.recent", none}, {"mood.search", query}}},
        {"habits",
         "habits",
         "habits.create",
         {{"title", "x"}},
         {{"habits.list", {{"includeArchived", true}}}, {"habits.today", none}}},
        {"habits", "habitLogs", "habits.log", {{"id", habit}}, {{"habits.today", none}}},
        {"contacts",
         "contacts",
         "contacts.create",
         {{"firstName", "x"}, {"birthday", "1990-11-20"}},
         {{"contacts.search", {{"includeArchived", true}}}, {"contacts.birthdays", none}}},
        {"articles",
         "articles",
         "articles.save",
         {{"url", "https://a.org/x"}, {"title", "x"}},
         {{"articles.list", none}}},
        {"articles",
         "highlights",
         "articles.highlight",
         {{"id", article}, {"text", "x"}},
         {{"articles.listHighlights", {{"id", article}}}}},
        {"dreams", "dreams", "dreams.create", {{"content", "x"}}, {{"dreams.list", none}}},
        {"library",
         "libraryEntries",
         "library.create",
         {{"kind", "book"}, {"title", "x"}},
         {{"library.list", {{"includeArchived", true}}}}},
        {"goals",
         "companionGoals",
         "goals.create",
         {{"title", "x"}, {"target", target}},
         {{"goals.list", none}}},
        {"invoices",
         "invoices",
         "invoices.create",
         {{"client", {{"name", "x"}}}, {"lines", lines}},
         {{"invoices.list", none}, {"invoices.list", {{"status", "overdue"}}}}},
    };
}

void push_records(World& world, const Kept& kept, const std::vector<Json>& records) {
    Json changes = Json::array();
    for (const Json& record : records) {
        changes.push_back({{"table", kept.table},
                           {"id", base::random_uuid()},
                           {"op", "insert"},
                           {"spaceId", "flat"},
                           {"data", record}});
    }
    const base::HttpResponse answer = base::fetch(
        {.method = "POST",
         .url = world.service->url() + "/sync/" + kept.app,
         .headers = {{"Authorization", "Bearer " + world.auth.token("ben", world.clock.now())},
                     {"Content-Type", "application/json"}},
         .body = Json{{"clientId", "phone"}, {"changes", changes}}.dump()});
    EXPECT_EQ(answer.status, 200) << answer.body;
}

// The record as it is kept, and each of its values spoilt in each way.
std::vector<Json> spoilt_records(const Json& good) {
    std::vector<Json> records = {{{"only", "this"}}};
    for (const auto& [name, value] : good.items()) {
        for (const Json& wrong :
             {Json(7), Json("zzzz"), Json("1"), Json(true), Json(nullptr), Json{{"a", 1}}}) {
            Json record = good;
            record[name] = wrong;
            records.push_back(std::move(record));
        }
        Json record = good;
        record.erase(name);
        if (!record.empty()) records.push_back(std::move(record));
    }
    return records;
}

TEST(ForeignRecords, BreakNoToolAndTakeNobodysPlace) {
    World world;
    Client anna(world, "anna", "flat");
    const Json habit = anna.call("habits.create", {{"title", "h"}})["habit"]["id"];
    const Json article =
        anna.call("articles.save", {{"url", "https://a.org/h"}, {"title", "h"}})["article"]["id"];
    for (const Kept& kept : kept_tables(habit, article)) {
        const Json answer = anna.call(kept.make, kept.arguments);
        const std::string id = (*answer.begin())["id"];
        const Json good =
            world.look("select data from workspace.records where record_id = $1", {id})[0].json(
                "data");

        push_records(world, kept, spoilt_records(good));

        for (const auto& [tool, arguments] : kept.reads) {
            Json result = anna.result(tool, arguments);
            EXPECT_FALSE(result.value("isError", false)) << kept.table << " " << result.dump();
        }
    }
    const Json tasks = anna.result("todo.list", {{"limit", 1}, {"includeCompleted", true}});
    EXPECT_EQ(tasks["structuredContent"]["tasks"].size(), 1u) << "a place for what can be shown";
    const Json goals = anna.result("goals.list");
    EXPECT_THAT(goals["content"].dump(), HasSubstr("another app wrote"));
}

TEST(ForeignRecords, AreShownWithWhatIsMerelyAbsentFilledIn) {
    World world;
    Client anna(world, "anna", "flat");
    push_records(world, {.app = "todo", .table = "tasks", .make = {}, .arguments = {}, .reads = {}},
                 {{{"title", "Vom Telefon"}, {"description", nullptr}, {"isCompleted", false}},
                  {{"title", 7}, {"isCompleted", false}}});

    const Json tasks = anna.call("todo.list")["tasks"];

    ASSERT_EQ(tasks.size(), 1u);
    EXPECT_EQ(tasks[0]["title"], "Vom Telefon");
    EXPECT_EQ(tasks[0]["priority"], "medium");
    EXPECT_EQ(tasks[0]["dueDate"], nullptr);
    EXPECT_FALSE(tasks[0].contains("description"));
    anna.call("todo.complete", {{"id", tasks[0]["id"]}});
    const std::string unseen =
        world.look("select record_id from workspace.records where data ->> 'title' = '7'")[0].text(
            "record_id");
    EXPECT_THAT(anna.refusal("todo.complete", {{"id", unseen}}), HasSubstr("Call todo.list"));
    EXPECT_THAT(anna.refusal("todo.update", {{"id", unseen}, {"title", "x"}}),
                HasSubstr("Call todo.list"));
    EXPECT_EQ(anna.call("todo.delete", {{"id", unseen}})["ok"], true) << "away with it";
}

// As the apps of the devices keep them: what is not set is left out.
TEST(ForeignRecords, WithoutTheirFlagsAreSeenAllTheSame) {
    World world;
    Client anna(world, "anna", "flat");
    const Json contact = {{"firstName", "Max"}, {"email", "max@example.org"}};
    const Json book = {{"kind", "book"}, {"status", "planned"},
                       {"title", "B"},   {"creators", Json::array({"A"})},
                       {"times", 0},     {"details", Json::object()}};
    push_records(world, {.app = "contacts", .table = "contacts"}, {contact});
    push_records(world, {.app = "library", .table = "libraryEntries"}, {book});
    push_records(world, {.app = "todo", .table = "tasks"},
                 {{{"title", "t"}, {"priority", "low"}, {"order", 0}}});

    const Json found = anna.call("contacts.search")["contacts"];
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0]["isArchived"], false);
    EXPECT_EQ(anna.call("library.list")["entries"].size(), 1U);
    EXPECT_EQ(anna.call("todo.list")["tasks"].size(), 1U);
    anna.call("contacts.archive", {{"id", found[0]["id"]}});
    EXPECT_TRUE(anna.call("contacts.search")["contacts"].empty());
}

// Ten megabytes that no tool can show, and a task behind them.
TEST(ForeignRecords, OfAnySizeAreNotReadWithoutEnd) {
    World world;
    Client anna(world, "anna", "flat");
    anna.call("todo.create", {{"title", "t"}});
    world.look(
        "insert into workspace.records (space_id, app_id, table_name, record_id, created_by, "
        "updated_by, data, field_times, created_seq, changed_seq, created_at, updated_at) "
        "select 'flat', 'todo', 'tasks', 'x' || n, 'ben', 'ben', "
        "jsonb_build_object('x', repeat('y', 1000000)), '{}', 100 + n, 100 + n, now(), now() "
        "from generate_series(1, 10) n");

    const Json answer = anna.result("todo.list", Json::object());

    EXPECT_TRUE(answer["structuredContent"]["tasks"].empty());
    EXPECT_THAT(answer["content"].dump(), HasSubstr("More was found"));
}

}  // namespace
