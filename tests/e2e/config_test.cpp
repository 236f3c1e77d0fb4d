// Wrong settings, for every verb: exit 2, the variable named, nothing written.
#include <fstream>
#include <sstream>

#include "base/state_directory.hpp"
#include "runner/config.hpp"
#include "tests/e2e/world.hpp"

namespace {

using testing::HasSubstr;

const std::vector<std::vector<std::string>> verbs{{"serve"},
                                                  {"demo"},
                                                  {"tick"},
                                                  {"login", "persona.anna@mana.test"},
                                                  {"health"},
                                                  {"status"},
                                                  {"seed"},
                                                  {"cleanup"},
                                                  {"migrate"},
                                                  {"admin", "create", "a@example.com"},
                                                  {"admin", "token", "a@example.com"},
                                                  {"psql"},
                                                  {"sim"},
                                                  {"settings"}};

std::string text_of(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

TEST(BadConfig, IsNamedByEveryVerbAndNothingIsWritten) {
    for (const std::vector<std::string>& verb : verbs) {
        e2e::TempFolder folder;
        const std::filesystem::path state = folder.path() / "state";
        const e2e::Outcome outcome = e2e::run_program(
            {verb,
             {{"STATE_DIRECTORY", state}, {"TMPDIR", folder.path()}, {"TICK_INTERVAL_MS", "soon"}},
             folder.path()});
        EXPECT_EQ(outcome.exit_code, 2) << text_of(verb);
        EXPECT_THAT(outcome.err, HasSubstr("TICK_INTERVAL_MS")) << text_of(verb);
        EXPECT_THAT(outcome.err, HasSubstr("whole number from 100")) << text_of(verb);
        EXPECT_EQ(outcome.out, "") << text_of(verb);
        EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << text_of(verb);
    }
}

TEST(BadConfig, EachSettingSaysWhatWouldBeValid) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"PERSONA_ENV", "prod"},
        {"LOG_LEVEL", "loud"},
        {"PORT", "70000"},
        {"MANA_AUTH_PORT", "-1"},
        {"MANA_MCP_PORT", "x"},
        {"DATABASE_URL", "mysql"},
        {"MANA_AUTH_URL", "localhost"},
        {"MANA_MCP_URL", "ftp://x"},
        {"ANTHROPIC_BASE_URL", "claude"},
        {"PERSONA_MODEL", ""},
        {"PERSONA_CONCURRENCY", "0"},
        {"PERSONA_TURNS_MAX", "0"},
        {"VISIT_DEADLINE_MS", "1"},
        {"LEASE_SECONDS", "10"},
        {"SHUTDOWN_GRACE_MS", "-5"},
        {"RUNNER_PAUSED", "perhaps"},
        {"PERSONA_TIMEZONE", "Mars/Base"},
        {"PERSONA_SEED", "-1"},
        {"MAX_DAILY_SIGNUPS", "many"},
        {"BIND_ADDRESS", "0.0.0.0"},
        {"PERSONA_PRICES", "/nowhere"},
    };
    for (const auto& [name, value] : wrong) {
        e2e::TempFolder folder;
        const std::filesystem::path state = folder.path() / "state";
        const e2e::Outcome outcome = e2e::run_program(
            {{"serve"}, {{"STATE_DIRECTORY", state}, {name, value}}, folder.path()});
        EXPECT_EQ(outcome.exit_code, 2) << name << ": " << outcome.err;
        EXPECT_THAT(outcome.err, HasSubstr(name));
        EXPECT_FALSE(std::filesystem::exists(state)) << name << " left state behind";
    }
}

TEST(BadConfig, ProductionRefusesEachDevelopmentSecret) {
    e2e::Variables good{{"PERSONA_ENV", "production"},
                        {"MANA_NOTIFY_URL", "http://127.0.0.1:9"},
                        {"MANA_SERVICE_KEY", "a-service-key-of-our-own"},
                        {"BETTER_AUTH_SECRET", "an-auth-secret-of-our-own"},
                        {"PERSONA_SEED_SECRET", "a-seed-secret-of-our-own"}};
    for (const char* name : {"MANA_SERVICE_KEY", "BETTER_AUTH_SECRET", "PERSONA_SEED_SECRET"}) {
        e2e::TempFolder folder;
        e2e::Variables variables = good;
        variables["STATE_DIRECTORY"] = folder.path() / "state";
        variables.erase(name);
        const e2e::Outcome missing = e2e::run_program({{"serve"}, variables});
        EXPECT_EQ(missing.exit_code, 2);
        EXPECT_THAT(missing.err, HasSubstr(name));
        variables[name] = "short";
        const e2e::Outcome weak = e2e::run_program({{"serve"}, variables});
        EXPECT_EQ(weak.exit_code, 2);
        EXPECT_THAT(weak.err, HasSubstr(name));
        EXPECT_EQ(weak.err.find("short"), std::string::npos) << "secrets are not repeated";
        EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    }
}

TEST(BadConfig, FilesAreReadAndTheirMistakesNamed) {
    e2e::TempFolder folder;
    const std::filesystem::path file = folder.path() / "runner.env";
    std::ofstream(file) << "# comment\nPORT=3333\nPROT=1\n";
    const e2e::Outcome unknown = e2e::run_program({{"--config", file, "settings"}});
    EXPECT_EQ(unknown.exit_code, 2);
    EXPECT_THAT(unknown.err, HasSubstr("runner.env:3"));
    const e2e::Outcome secret =
        e2e::run_program({{"settings"}, {{"ANTHROPIC_API_KEY_FILE", folder.path() / "none"}}});
    EXPECT_EQ(secret.exit_code, 2);
    EXPECT_THAT(secret.err, HasSubstr("ANTHROPIC_API_KEY"));
}

TEST(Usage, EveryVerbExplainsItself) {
    const e2e::Outcome top = e2e::run_program({{"--help"}});
    EXPECT_EQ(top.exit_code, 0);
    EXPECT_THAT(top.out, HasSubstr("Exit codes"));
    for (std::vector<std::string> verb : verbs) {
        EXPECT_THAT(top.out, HasSubstr(verb[0]));
        verb.resize(verb[0] == "admin" ? 2 : 1);
        verb.push_back("--help");
        const e2e::Outcome help = e2e::run_program({verb});
        EXPECT_EQ(help.exit_code, 0) << text_of(verb);
        EXPECT_GT(help.out.size(), 100U) << text_of(verb);
        EXPECT_EQ(help.err, "") << text_of(verb);
    }
}

TEST(Usage, WrongWordsExitTwo) {
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"dance"},
        {"serve", "--dance"},
        {"login"},
        {"admin"},
        {"admin", "create"},
        {"admin", "token", "a@example.com", "--minutes", "0"},
        {"sim", "--port", "99999"},
        {"cleanup", "now"},
        {"seed", "--catalog", "/nowhere.json"}};
    for (const std::vector<std::string>& words : wrong) {
        e2e::TempFolder folder;
        const e2e::Outcome outcome = e2e::run_program(
            {words, {{"STATE_DIRECTORY", folder.path() / "state"}}, folder.path()});
        EXPECT_EQ(outcome.exit_code, 2) << text_of(words) << outcome.out << outcome.err;
        EXPECT_NE(outcome.err, "") << text_of(words);
        EXPECT_EQ(outcome.out, "") << text_of(words);
        EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << text_of(words);
    }
}

TEST(Usage, TheReadmeListsEverySetting) {
    const std::string readme = base::read_small_file(SOURCE_DIR "/README.md", 1'000'000);
    const std::string begin = "<!-- settings -->\n", end = "<!-- /settings -->";
    const std::size_t from = readme.find(begin), to = readme.find(end);
    ASSERT_NE(from, std::string::npos) << "README.md needs the markers around its settings table";
    ASSERT_NE(to, std::string::npos);
    const e2e::Outcome printed = e2e::run_program({{"settings"}});
    EXPECT_EQ(printed.exit_code, 0);
    EXPECT_EQ(lines_of(readme.substr(from + begin.size(), to - from - begin.size())),
              lines_of(printed.out))
        << "paste the output of `persona-runner settings` between the markers";
}

}  // namespace
