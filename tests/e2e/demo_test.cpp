// The demo as a newcomer runs it.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/embedded_postgres.hpp"
#include "base/postgres.hpp"
#include "base/server.hpp"
#include "tests/e2e/program.hpp"

namespace {

using base::Json;
using testing::HasSubstr;

// A demo that stays up behind its report. Its temporary files lie in a folder of ours, so that what
// it leaves can be seen.
class KeptDemo {
  public:
    explicit KeptDemo(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"demo", "--json", "--keep"});
        program_ = std::make_unique<e2e::Program>(
            e2e::ProgramOptions{std::move(arguments), {{"TMPDIR", folder_.path()}}});
        const bool said = e2e::eventually([this] {
            return !program_->is_running() || program_->err().find("Ctrl-C") != std::string::npos;
        });
        EXPECT_TRUE(said && program_->is_running()) << program_->err();
        std::smatch found;
        const std::string text = program_->err();
        EXPECT_TRUE(std::regex_search(text, found, std::regex("--state ([^ ]+)"))) << text;
        state_ = found[1].str();
        EXPECT_TRUE(std::regex_search(text, found, std::regex("ops (http://[^ ]+)"))) << text;
        ops_url_ = found[1].str();
        report_ = base::parse_json(program_->out(), "report");
    }

    ~KeptDemo() {
        program_->signal(SIGINT);
        program_->wait();
    }

    const Json& report() const { return report_; }
    const std::string& ops_url() const { return ops_url_; }
    e2e::Program& program() { return *program_; }
    bool left_nothing() const { return std::filesystem::is_empty(folder_.path()); }
    base::SqlRows query(std::string_view statement) const {
        base::Postgres database({.url = base::embedded_url(state_ / "postgres", "postgres")});
        return database.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement); });
    }
    pid_t daemon() const {
        pid_t pid = 0;
        std::ifstream(state_ / "lock") >> pid;
        return pid;
    }
    std::int64_t rows_of(const std::string& table) const {
        return query("select count(*) from " + table)[0].integer("count");
    }

  private:
    e2e::TempFolder folder_;
    std::unique_ptr<e2e::Program> program_;
    std::filesystem::path state_;
    std::string ops_url_;
    Json report_;
};

std::string masked(const std::string& input) {
    static const std::regex id("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}");
    static const std::regex date("[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z?)?");
    return std::regex_replace(std::regex_replace(input, id, "<id>"), date, "<date>");
}

std::vector<std::string> calls_of(const KeptDemo& demo) {
    std::vector<std::string> calls;
    for (const base::SqlRow row : demo.query(
             "select persona, seq, tool, coalesce(input::text, '') as input from ops.actions "
             "order by persona, seq")) {
        calls.push_back(row.text("persona") + " " + std::to_string(row.integer("seq")) + " " +
                        row.text("tool") + " " + masked(row.text("input")));
    }
    return calls;
}

TEST(Demo, TenPersonasLiveADayAndTheTablesHoldWhatTheReportSays) {
    KeptDemo demo({"--seed", "7"});
    const Json& report = demo.report();
    EXPECT_EQ(report.at("ok"), true) << report.dump(2);
    EXPECT_EQ(report.at("simulated"), true);
    EXPECT_EQ(report.at("ran"), 10);
    EXPECT_TRUE(report.at("failed").empty()) << report.at("failed").dump();
    EXPECT_EQ(report.at("dueAfterwards"), 0);
    EXPECT_GE(report.at("totals").at("toolCalls").get<int>(), 40);
    EXPECT_GE(report.at("totals").at("modules").get<int>(), 7);
    EXPECT_GE(report.at("totals").at("ratings").get<int>(), 20);

    std::int64_t calls = 0, ratings = 0;
    for (const Json& persona : report.at("personas")) {
        EXPECT_EQ(persona.at("status"), "finished") << persona.dump();
        for (const char* kind : {"toolCallsOk", "toolCallsError", "toolCallsUnknown"}) {
            calls += persona.at(kind).get<std::int64_t>();
        }
        ratings += persona.at("ratings").get<std::int64_t>() +
                   persona.at("ratingsWithoutScore").get<std::int64_t>();
    }
    EXPECT_EQ(demo.rows_of("auth.persona_visits"), 10);
    EXPECT_EQ(demo.rows_of("auth.persona_actions"), calls);
    EXPECT_EQ(demo.rows_of("auth.persona_feedback"), ratings);
    EXPECT_EQ(report.at("rows").at("persona_visits"), 10);
    EXPECT_EQ(report.at("rows").at("persona_actions"), calls);
    EXPECT_EQ(report.at("rows").at("persona_feedback"), ratings);

    const e2e::Outcome tick = e2e::run_program({{"tick", "--json", "--url", demo.ops_url()}});
    EXPECT_EQ(tick.exit_code, 0) << tick.err;
    EXPECT_EQ(tick.json().at("result").at("due"), 0);

    demo.program().signal(SIGINT);
    EXPECT_EQ(demo.program().wait(), 0) << demo.program().err();
    EXPECT_TRUE(demo.left_nothing());
}

TEST(Demo, TheSameSeedMakesTheSameToolCalls) {
    KeptDemo once({"--seed", "3", "--personas", "4"});
    const std::vector<std::string> first = calls_of(once);
    KeptDemo again({"--seed", "3", "--personas", "4"});
    const std::vector<std::string> second = calls_of(again);
    KeptDemo other({"--seed", "4", "--personas", "4"});
    EXPECT_GT(first.size(), 10U);
    EXPECT_EQ(first, second);
    EXPECT_NE(first, calls_of(other));
}

// As somebody without rights would: root becomes `games`, who has a copy that she can reach.
e2e::ProgramOptions unprivileged(const e2e::TempFolder& folder, std::vector<std::string> arguments,
                                 e2e::Variables environment) {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(01777));
    environment["TMPDIR"] = folder.path();
    if (::geteuid() != 0) return {std::move(arguments), std::move(environment)};
    const std::filesystem::path copy = folder.path() / "persona-runner";
    std::filesystem::copy_file(PERSONA_RUNNER_BINARY, copy);
    arguments.insert(arguments.begin(),
                     {"--reuid=games", "--regid=games", "--clear-groups", copy.string()});
    return {.arguments = std::move(arguments),
            .environment = std::move(environment),
            .folder = folder.path(),
            .program = "/usr/bin/setpriv"};
}

std::size_t demo_folders(const e2e::TempFolder& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        count += entry.path().filename().string().starts_with("persona-demo-") ? 1 : 0;
    }
    return count;
}

TEST(Demo, WithoutRightsAndJsonItTellsThreePersonasDayToPeople) {
    // A server of tools beside ours, which nobody can use: only that it is asked counts here.
    std::atomic<int> asked{0};
    base::Server other({.name = "other"});
    other.route("POST", "/mcp", [&asked](const base::ServerRequest&) {
        ++asked;
        return base::ServerResponse::json(Json{{"error", "no tools"}}, 404);
    });
    other.start();
    const Json servers{
        {"mcpServers", {{"mana", {{"hosted", true}}}, {"other", {{"url", other.url() + "/mcp"}}}}}};
    e2e::TempFolder folder;
    const e2e::Outcome demo = e2e::run_program(
        unprivileged(folder, {"demo", "--personas", "3"}, {{"MANA_MCP_URL", servers.dump()}}));
    EXPECT_EQ(demo.exit_code, 0) << demo.err;
    EXPECT_EQ(demo_folders(folder), 0U);
    EXPECT_GT(asked, 0) << "MANA_MCP_URL counts in the demo as well";
    EXPECT_THAT(demo.out, HasSubstr("BUILT-IN SIMULATOR"));
    EXPECT_THAT(demo.out, HasSubstr("3 visits finished, 0 failed"));
    EXPECT_THAT(demo.out, HasSubstr("an ordinary tick right after finds 0 due"));
    EXPECT_THAT(demo.out, HasSubstr("mean rating"));
    EXPECT_EQ(demo.out.find("\033["), std::string::npos) << "no terminal, no redrawing";
    const auto times = [&demo](const std::string& words) {
        int count = 0;
        for (std::size_t at = demo.out.find(words); at != std::string::npos;
             at = demo.out.find(words, at + 1)) {
            ++count;
        }
        return count;
    };
    EXPECT_GT(times("comes in"), 0);
    EXPECT_EQ(times("comes in"), times("is done")) << demo.out;
}

TEST(Demo, ToldToStopMidDayItLeavesNothingBehind) {
    e2e::TempFolder folder;
    e2e::Program demo({{"demo", "--json", "--personas", "2"}, {{"TMPDIR", folder.path()}}});
    ASSERT_TRUE(e2e::eventually([&] { return demo.err().find("comes in") != std::string::npos; }))
        << demo.err();
    demo.signal(SIGTERM);
    EXPECT_TRUE(demo.wait());
    EXPECT_EQ(demo.out(), "") << "half a report is none";
    EXPECT_TRUE(e2e::eventually([&] { return std::filesystem::is_empty(folder.path()); }));
}

TEST(Demo, ToldToStopWhileItStartsItSaysSoAndLeavesNothingBehind) {
    e2e::TempFolder folder;
    e2e::Program demo({{"demo", "--personas", "1"}, {{"TMPDIR", folder.path()}}});
    ASSERT_TRUE(e2e::eventually([&] { return demo_folders(folder) == 1; })) << demo.err();
    demo.signal(SIGHUP);  // The terminal was closed.
    EXPECT_EQ(demo.wait(), 1);
    EXPECT_THAT(demo.err(), HasSubstr("stopped by a signal; everything was removed"));
    EXPECT_EQ(demo_folders(folder), 0U);
}

TEST(Demo, KilledItLeavesNoDaemonRunning) {
    KeptDemo demo({"--personas", "1"});
    const pid_t daemon = demo.daemon();
    ASSERT_GT(daemon, 1);
    ASSERT_EQ(::kill(daemon, 0), 0);
    demo.program().signal(SIGKILL);
    EXPECT_EQ(demo.program().wait(), -SIGKILL);
    EXPECT_TRUE(e2e::eventually([&] { return ::kill(daemon, 0) != 0; }));
}

TEST(Demo, WhoseDaemonDiesSaysSoAndLeavesNothingBehind) {
    KeptDemo demo({"--personas", "1"});
    ASSERT_EQ(::kill(demo.daemon(), SIGKILL), 0);
    EXPECT_EQ(demo.program().wait(), 1);
    EXPECT_THAT(demo.program().err(), HasSubstr("the daemon ended"));
    EXPECT_TRUE(demo.left_nothing());
}

TEST(Demo, WhoseDaemonDiesMidDayLeavesNothingBehind) {
    e2e::TempFolder folder;
    e2e::Program demo({{"demo", "--json", "--personas", "2"}, {{"TMPDIR", folder.path()}}});
    ASSERT_TRUE(e2e::eventually([&] { return demo.err().find("comes in") != std::string::npos; }))
        << demo.err();
    pid_t daemon = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        std::ifstream(entry.path() / "state" / "lock") >> daemon;
    }
    ASSERT_GT(daemon, 1);
    ASSERT_EQ(::kill(daemon, SIGKILL), 0);
    EXPECT_NE(demo.wait(), 0);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Demo, TheNextOneRemovesWhatAKilledOneLeft) {
    e2e::TempFolder folder;
    const e2e::Variables here = {{"TMPDIR", folder.path()}};
    e2e::Program killed({{"demo", "--json", "--personas", "1", "--keep"}, here});
    ASSERT_TRUE(e2e::eventually([&] { return killed.err().find("Ctrl-C") != std::string::npos; }))
        << killed.err();
    const auto folders = [&] {
        return std::distance(std::filesystem::directory_iterator(folder.path()), {});
    };
    // Beside one that lives: it is left alone.
    EXPECT_EQ(e2e::run_program({{"demo", "--json", "--personas", "1"}, here}).exit_code, 0);
    EXPECT_EQ(folders(), 1);
    killed.signal(SIGKILL);
    killed.wait();
    ASSERT_EQ(folders(), 1);
    // Its daemon takes a moment to end; whoever comes after that removes the rest.
    EXPECT_TRUE(e2e::eventually([&] {
        EXPECT_EQ(e2e::run_program({{"demo", "--json", "--personas", "1"}, here}).exit_code, 0);
        return folders() == 0;
    }));
}

TEST(Demo, ItsOptionsAreChecked) {
    const e2e::Outcome none = e2e::run_program({{"demo", "--personas", "0"}});
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_THAT(none.err, HasSubstr("--personas"));
    const e2e::Outcome seed = e2e::run_program({{"demo", "--seed", "many"}});
    EXPECT_EQ(seed.exit_code, 2);
    EXPECT_THAT(seed.err, HasSubstr("PERSONA_SEED"));
}

TEST(Demo, WhatItDecidesItselfIsRefusedAndNotIgnored) {
    const std::vector<std::pair<std::string, std::string>> settings{
        {"STATE_DIRECTORY", "/tmp/mine"},
        {"DATABASE_URL", "postgresql://mana_app@db.example.com/mana"},
        {"MANA_AUTH_URL", "http://127.0.0.1:3001"},
        {"BASE_URL", "http://127.0.0.1:3001"},
        {"RUNNER_PAUSED", "false"},
        {"PERSONA_THROWAWAY", "false"},
        {"TMPDIR", "/nonexistent"}};
    for (const auto& [variable, value] : settings) {
        const e2e::Outcome demo = e2e::run_program({{"demo"}, {{variable, value}}});
        EXPECT_EQ(demo.exit_code, 2) << variable;
        EXPECT_THAT(demo.err, HasSubstr(variable));
    }
}

}  // namespace
