// Full-text search: what is found, by whom, and that the database uses its index for it.
#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"
#include "workspace/changes.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;

std::vector<std::string> found(Client& client, const std::string& query) {
    return pick(client.call("notes.search", {{"query", query}})["notes"], "title");
}

TEST(Search, KnowsGermanAndEnglishForms) {
    World world;
    Client anna(world, "anna", "home");
    anna.call("notes.create", {{"title", "a"}, {"content", "Die Häuser am See"}});
    anna.call("notes.create", {{"title", "b"}, {"content", "She was running through cities"}});
    anna.call("notes.create",
              {{"title", "c"}, {"content", "Mail an paul@example.org, Haus-Nr. 7"}});

    EXPECT_THAT(found(anna, "haus"), ElementsAre("c", "a"));
    EXPECT_THAT(found(anna, "run city"), ElementsAre("b"));
    EXPECT_THAT(found(anna, "HÄUSER"), ElementsAre("c", "a"));
    EXPECT_THAT(found(anna, "paul@example.org"), ElementsAre("c"));
    EXPECT_THAT(found(anna, "die"), ElementsAre("a")) << "also words that are frequent";
    EXPECT_THAT(found(anna, "it's & | ! :* \\ ( '"), IsEmpty());
    EXPECT_THAT(found(anna, "haus | city"), IsEmpty()) << "operators are punctuation";
}

TEST(Search, FollowsEveryChange) {
    World world;
    Client anna(world, "anna", "home");
    const Json id = anna.call("notes.create", {{"title", "Garten"}})["note"]["id"];

    anna.call("notes.update", {{"id", id}, {"title", "Balkon"}});
    EXPECT_THAT(found(anna, "garten"), IsEmpty());
    EXPECT_THAT(found(anna, "balkon"), ElementsAre("Balkon"));
    anna.call("notes.delete", {{"id", id}});
    EXPECT_THAT(found(anna, "balkon"), IsEmpty());
    EXPECT_EQ(world.look("select count(*) as n from workspace.record_words")[0].integer("n"), 0);
}

TEST(Search, HoldsTextsOfAnySize) {
    World world;
    Client anna(world, "anna", "home");
    std::string many;
    for (int i = 0; many.size() < 199'900; ++i)
        many += "w" + std::to_string(i * 7919 % 1'000'003) + " ";
    anna.call("notes.create", {{"title", "many words"}, {"content", many}});
    anna.call("notes.create", {{"title", "one word"}, {"content", std::string(200'000, 'x')}});

    EXPECT_THAT(found(anna, "w7919"), ElementsAre("many words"));
    EXPECT_THAT(found(anna, "one"), ElementsAre("one word"));
}

TEST(Search, StaysWithinTheSpace) {
    World world;
    Client anna(world, "anna", "home"), shared(world, "anna", "flat"), ben(world, "ben", "flat");
    anna.call("notes.create", {{"title", "Geheim eins"}});
    shared.call("notes.create", {{"title", "Geheim zwei"}});

    EXPECT_THAT(found(anna, "geheim"), ElementsAre("Geheim eins"));
    EXPECT_THAT(found(ben, "geheim"), ElementsAre("Geheim zwei"));
    // In SQL as the application's role: no space, no answer; and the words themselves never.
    const auto hits = [&](const char* user, const char* space) {
        return world.postgres->transact([&](base::Transaction& transaction) {
            transaction.set_local("app.current_user_id", user);
            transaction.set_local("app.current_space", space);
            return transaction.run("select * from workspace.found('notes', 'notes', 'geheim', 10)")
                .size();
        });
    };
    EXPECT_EQ(hits("ben", "flat"), 1u);
    EXPECT_EQ(hits("ben", ""), 0u);
    EXPECT_EQ(hits("", "flat"), 0u);
    EXPECT_THROW(world.postgres->transact([](base::Transaction& transaction) {
        transaction.run("select * from workspace.record_words");
    }),
                 base::Failure);
}

// Two million words of others do not slow anybody down: the index answers.
TEST(Search, UsesTheIndex) {
    World world;
    world.look("set local session_replication_role = replica");
    world.look(
        "insert into workspace.record_words select 's' || i % 3, 'notes', 'notes', i::text, i, "
        "workspace.words_of('wort' || i || ' gemeinsam', workspace.place_lexeme('s' || i % 3, "
        "'notes', 'notes')) from generate_series(1, 30000) i");
    world.look("analyze workspace.record_words");

    std::string plan;
    for (const base::SqlRow row : world.look(
             "explain select record_id from workspace.record_words where space_id = 's1' and "
             "app_id = 'notes' and table_name = 'notes' and words @@ "
             "(quote_literal(workspace.place_lexeme('s1', 'notes', 'notes'))::tsquery && "
             "workspace.query_of('wort1234')) order by created_seq desc limit 100")) {
        plan += row.text("QUERY PLAN") + "\n";
    }

    EXPECT_THAT(plan, HasSubstr("record_words_found")) << plan;
}

// Before there are statistics nothing but the primary key may fit, or a push reads all of a table
// for each of its records.
TEST(Search, OfOneRecordByItsIdNeedsNoStatistics) {
    World world;
    world.look("set local session_replication_role = replica");
    world.look(
        "insert into workspace.records (space_id, app_id, table_name, record_id, created_by, "
        "updated_by, data, field_times, position, created_seq, changed_seq, created_at, "
        "updated_at) select 'home', 'todo', 'tasks', i::text, 'anna', 'anna', '{}', '{}', i, i, i, "
        "now(), now() from generate_series(1, 300) i");
    std::string plan;
    for (const base::SqlRow row : world.look(
             "explain select data from workspace.records where space_id = 'home' and app_id = "
             "'todo' and table_name = 'tasks' and record_id = '7' for update")) {
        plan += row.text("QUERY PLAN") + "\n";
    }
    EXPECT_THAT(plan, HasSubstr("records_pkey")) << plan;
}

TEST(Search, FindsWhatLiesBehindManyNewerHitsThatAreLeftOut) {
    World world;
    Client anna(world, "anna", "home");
    world.look(
        "insert into workspace.records (space_id, app_id, table_name, record_id, created_by, "
        "updated_by, data, field_times, created_seq, changed_seq, created_at, updated_at) "
        "select 'home', 'notes', 'notes', md5(i::text)::uuid::text, 'anna', 'anna', "
        "jsonb_build_object('title', 'n' || i, 'content', 'gemeinsam', 'color', null, 'tags', "
        "'[]'::jsonb, 'isPinned', false, 'isArchived', i > 30), '{}', i, i, now(), now() "
        "from generate_series(1, 330) i");

    EXPECT_THAT(
        pick(anna.call("notes.search", {{"query", "gemeinsam"}, {"limit", 2}})["notes"], "title"),
        ElementsAre("n30", "n29"));
    EXPECT_THAT(
        pick(anna.call("notes.search",
                       {{"query", "gemeinsam"}, {"includeArchived", true}, {"limit", 2}})["notes"],
             "title"),
        ElementsAre("n330", "n329"));
}

// Every searched field of the schema belongs to a table that a tool searches, and is one of its
// fields: a list that nobody reads would be a list that nobody keeps.
TEST(Search, ListsOnlyKnownFields) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    std::map<std::string, Json> outputs;
    const Json listing = anna.request("tools/list");
    for (const Json& tool : listing["result"]["tools"]) {
        outputs[tool["name"].get<std::string>()] = tool["outputSchema"]["properties"];
    }
    const std::map<std::string, std::pair<std::string, std::string>> tools = {
        {"tasks", {"todo.search", "tasks"}},
        {"events", {"calendar.search", "events"}},
        {"journalEntries", {"journal.search", "entries"}},
        {"notes", {"notes.search", "notes"}},
        {"moodEntries", {"mood.search", "entries"}},
        {"contacts", {"contacts.search", "contacts"}},
        {"articles", {"articles.list", "articles"}},
        {"highlights", {"articles.listHighlights", "highlights"}},
        {"dreams", {"dreams.list", "dreams"}},
        {"libraryEntries", {"library.list", "entries"}},
        {"invoices", {"invoices.list", "invoices"}}};

    for (const base::SqlRow row :
         world.look("select table_name, unnest(fields) as field from workspace.searched")) {
        const auto tool = tools.find(row.text("table_name"));
        ASSERT_NE(tool, tools.end()) << row.text("table_name");
        ASSERT_TRUE(outputs.contains(tool->second.first)) << tool->second.first;
        const Json& record =
            outputs.at(tool->second.first)[tool->second.second]["items"]["properties"];
        EXPECT_TRUE(record.contains(row.text("field")))
            << row.text("table_name") << "." << row.text("field");
    }
}

}  // namespace
