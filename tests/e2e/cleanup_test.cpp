// cleanup: says what it would do, exports first, and leaves nothing of a persona behind.
#include <fstream>
#include <set>

#include "tests/e2e/world.hpp"

namespace {

using base::Json;
using testing::HasSubstr;

class Cleanup : public e2e::World {
  protected:
    static e2e::Outcome clean(std::vector<std::string> words) {
        words.insert(words.begin(), "cleanup");
        return daemon().verb(std::move(words), {{"MANA_ADMIN_JWT", daemon().admin_token()}});
    }
    // Rows of every table of ours, by name.
    static std::map<std::string, std::int64_t> rows_of_all_tables() {
        std::map<std::string, std::int64_t> rows;
        for (const base::SqlRow table :
             daemon().query("select schemaname || '.' || tablename as name from pg_tables "
                            "where schemaname in ('auth', 'workspace')")) {
            const std::string name = table.text("name");
            rows[name] = daemon().count("select count(*) from " + name);
        }
        return rows;
    }
    static std::filesystem::path export_file(const std::string& name) {
        return daemon().state().parent_path() / name;
    }
};

TEST_F(Cleanup, IsRefusedWhileAVisitRunsAndWithoutConsent) {
    model().fall_silent(1);
    daemon().start_tick_all();
    daemon().await_visit([](const Json& visit) { return visit.at("toolCalls").get<int>() >= 1; });
    const e2e::Outcome busy = clean({"--yes", "--export", export_file("busy.jsonl")});
    EXPECT_EQ(busy.exit_code, 1) << busy.out << busy.err;
    EXPECT_THAT(busy.err, HasSubstr("@mana.test"));
    EXPECT_THAT(busy.err, HasSubstr("nothing was deleted"));
    EXPECT_FALSE(std::filesystem::exists(export_file("busy.jsonl"))) << "no half export";
    EXPECT_EQ(daemon().stop(), 0);
    model()->clear_faults();
    daemon().start();
    ASSERT_FALSE(HasFatalFailure());

    const e2e::Outcome asked = clean({"--export", export_file("asked.jsonl")});
    EXPECT_EQ(asked.exit_code, 2);
    EXPECT_THAT(asked.err, HasSubstr("--yes"));
    EXPECT_FALSE(std::filesystem::exists(export_file("asked.jsonl")));
    EXPECT_EQ(daemon().count("select count(*) from auth.personas"), personas);
}

TEST_F(Cleanup, OfOthersThanAdminsIsRefused) {
    EXPECT_EQ(daemon().verb({"cleanup", "--yes"}).exit_code, 4);
    EXPECT_EQ(daemon().verb({"cleanup", "--yes"}, {{"MANA_ADMIN_JWT", "nonsense"}}).exit_code, 4);
    EXPECT_EQ(daemon().count("select count(*) from auth.personas"), personas);
}

TEST_F(Cleanup, ExportsEveryRowAndLeavesNothingBehind) {
    daemon().admin_token();
    // What an administrator and the service itself leave; sessions and the like of hers may come
    // and go.
    ASSERT_EQ(daemon().tick_all().at("ranSuccessfully"), personas);
    ASSERT_TRUE(daemon().await_delivery());
    const std::int64_t visits = daemon().count("select count(*) from auth.persona_visits");
    const std::int64_t actions = daemon().count("select count(*) from auth.persona_actions");
    const std::int64_t ratings = daemon().count("select count(*) from auth.persona_feedback");
    const std::int64_t records = daemon().count("select count(*) from workspace.records");
    ASSERT_GT(records, 0);

    const std::int64_t changes = daemon().count("select count(*) from workspace.changes");
    const std::int64_t calls = daemon().count("select count(*) from workspace.calls");

    const auto before = rows_of_all_tables();
    const e2e::Outcome dry = clean({"--dry-run"});
    EXPECT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(dry.out, HasSubstr("3 personas, " + std::to_string(visits) + " visits, " +
                                   std::to_string(actions) + " actions, " +
                                   std::to_string(ratings) + " ratings"));
    const e2e::Outcome remote = clean({"--dry-run", "--mcp", "http://127.0.0.1:9/mcp"});
    EXPECT_THAT(remote.err, HasSubstr("left at http://127.0.0.1:9/mcp stay"));
    EXPECT_THAT(dry.err, testing::Not(HasSubstr("stay")));
    const auto after_dry = rows_of_all_tables();
    for (const char* table :
         {"auth.users", "auth.personas", "auth.persona_visits", "auth.persona_actions",
          "auth.persona_feedback", "workspace.records", "workspace.changes", "workspace.calls"}) {
        EXPECT_EQ(before.at(table), after_dry.at(table)) << table;
    }

    const e2e::Outcome done = clean({"--yes", "--json", "--export", export_file("all.jsonl")});
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
    EXPECT_EQ(done.json().at("deleted"), personas);
    EXPECT_EQ(done.json().at("visits"), visits);
    EXPECT_EQ(done.json().at("workspaceRecords"), records);

    std::map<std::string, std::int64_t> kinds;
    std::ifstream in(export_file("all.jsonl"));
    for (std::string line; std::getline(in, line);) {
        const Json row = base::parse_json(line, "export");
        EXPECT_THAT(row.at("email").get<std::string>(), HasSubstr("@mana.test"));
        ++kinds[row.at("kind").get<std::string>()];
        EXPECT_EQ(line.find("scrypt"), std::string::npos);
    }
    EXPECT_EQ(kinds["end"], static_cast<std::int64_t>(personas));
    EXPECT_EQ(kinds["visit"], visits);
    EXPECT_EQ(kinds["action"], actions);
    EXPECT_EQ(kinds["rating"] + kinds["feedback"], ratings);
    EXPECT_EQ(kinds["workspace_end"], static_cast<std::int64_t>(personas));
    EXPECT_EQ(kinds["workspace_record"], records);
    EXPECT_EQ(kinds["workspace_change"], changes);
    EXPECT_EQ(kinds["workspace_call"], calls);
    EXPECT_EQ(std::filesystem::status(export_file("all.jsonl")).permissions() &
                  std::filesystem::perms(077),
              std::filesystem::perms::none);

    const auto after = rows_of_all_tables();
    // What is left belongs to the administrator and to the service.
    const std::set<std::string> may_stay{
        "auth.users",           "auth.accounts",      "auth.organizations", "auth.members",
        "auth.sessions",        "auth.jwks",          "auth.runners",       "auth.claims",
        "auth.security_events", "workspace.searched", "auth.outbound"};
    for (const auto& [table, rows] : after) {
        if (!may_stay.contains(table)) EXPECT_EQ(rows, 0) << table << " still holds rows";
    }
    // An invitation's mail is known to have been sent, not to whom.
    EXPECT_EQ(daemon().count("select count(*) from auth.outbound where ended_at is not null and "
                             "body <> ''"),
              0);
    EXPECT_EQ(after.at("auth.users"), 1);
    EXPECT_EQ(after.at("auth.accounts"), 1);
    EXPECT_EQ(after.at("auth.organizations"), 1);
    EXPECT_EQ(after.at("auth.members"), 1);
    EXPECT_EQ(daemon().count("select count(*) from auth.sessions s where not exists "
                             "(select from auth.users u where u.id = s.user_id)"),
              0);
    EXPECT_EQ(daemon().count("select count(*) from auth.security_events where "
                             "metadata::text like '%@mana.test%'"),
              0);
    const e2e::Outcome again = clean({"--yes", "--export", export_file("again.jsonl")});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("nothing to delete"));
    daemon().seed(personas);  // And the same personas can come again.
    EXPECT_EQ(daemon().tick_all().at("ranSuccessfully"), personas);
}

TEST_F(Cleanup, WarnsAboutPersonasThatTheCatalogDoesNotKnow) {
    const std::filesystem::path catalog = export_file("one.json");
    e2e::write_catalog(catalog, 1);
    const e2e::Outcome dry = clean({"--dry-run", "--catalog", catalog});
    EXPECT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(dry.err, HasSubstr("persona.ben@mana.test is not in the catalog"));
    EXPECT_THAT(dry.err, testing::Not(HasSubstr("persona.anna@mana.test is not")));
    const e2e::Outcome there = clean({"--yes", "--export", catalog});
    EXPECT_EQ(there.exit_code, 2) << "an export never overwrites a file";
}

}  // namespace
