// Each verb against a running daemon: what it does, and one wrong input.
#include <fstream>
#include <regex>

#include "base/state_directory.hpp"
#include "sim/faults.hpp"
#include "tests/e2e/world.hpp"

namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

class Verbs : public e2e::World {
  protected:
    static e2e::Outcome asked(std::vector<std::string> words) {
        words.insert(words.end(), {"--url", daemon().ops_url()});
        return daemon().verb(std::move(words));
    }
};

TEST_F(Verbs, TickRunsWhoIsDueAndOnlyThem) {
    EXPECT_EQ(asked({"tick", "--all"}).exit_code, 0);
    ASSERT_TRUE(daemon().await_delivery());
    const e2e::Outcome again = asked({"tick"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("0 due, 0 ran, 0 failed"));
    const e2e::Outcome json = asked({"tick", "--json", "--all"});
    EXPECT_EQ(json.json().at("result").at("ranSuccessfully"), personas);
    EXPECT_THAT(asked({"tick", "--no-wait"}).out, HasSubstr("accepted"));
    const e2e::Outcome at_once = asked({"tick", "--no-wait", "--json"});
    EXPECT_EQ(at_once.exit_code, 0);
    EXPECT_EQ(at_once.json().at("accepted"), true);
}

TEST_F(Verbs, TickTellsWhoFailedAndExitsFive) {
    model()->add_fault({.fault = "status=401", .match = {}, .skip = 0, .times = 0});
    const e2e::Outcome failed = asked({"tick", "--all"});
    EXPECT_EQ(failed.exit_code, 5) << failed.out << failed.err;
    EXPECT_THAT(failed.out, HasSubstr("anna"));
}

TEST_F(Verbs, LoginShowsUserSpaceAndToolsAndNoToken) {
    const e2e::Outcome anna = asked({"login", "persona.anna@mana.test"});
    EXPECT_EQ(anna.exit_code, 0) << anna.err;
    EXPECT_THAT(anna.out, HasSubstr("persona.anna@mana.test"));
    EXPECT_THAT(anna.out, HasSubstr("tools"));
    const Json json = asked({"login", "--json", "persona.anna@mana.test"}).json();
    EXPECT_GT(json.at("tools").get<int>(), 20);
    EXPECT_EQ(json.dump().find("eyJ"), std::string::npos);
    EXPECT_EQ(asked({"login", "persona.nobody@mana.test"}).exit_code, 4);
    EXPECT_EQ(asked({"login", "anna"}).exit_code, 2);
}

TEST_F(Verbs, HealthAndStatusTellHowItIs) {
    const e2e::Outcome health = asked({"health"});
    EXPECT_EQ(health.exit_code, 0) << health.err;
    EXPECT_THAT(health.out, HasSubstr("ok"));
    EXPECT_THAT(health.out, HasSubstr("database"));
    EXPECT_EQ(asked({"health", "--json"}).json().at("ready"), true);
    const e2e::Outcome status = asked({"status"});
    EXPECT_EQ(status.exit_code, 0);
    EXPECT_THAT(status.out, HasSubstr("lease   held"));
    EXPECT_EQ(asked({"status", "--json"}).json().at("paused"), true);
}

TEST_F(Verbs, TopPrintsOnePageWithoutATerminal) {
    const e2e::Outcome top = asked({"top"});
    EXPECT_EQ(top.exit_code, 0) << top.err;
    EXPECT_THAT(top.out, HasSubstr("visits running"));
    EXPECT_THAT(top.out, HasSubstr("WAITING FOR"));
    EXPECT_THAT(top.out, testing::Not(HasSubstr("\x1b"))) << "no terminal, no control sequences";
    const e2e::Outcome wrong = asked({"top", "--interval", "0"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("--interval"));
}

TEST_F(Verbs, AnAbsentDaemonIsExitThree) {
    for (const char* verb : {"tick", "health", "status", "top"}) {
        const e2e::Outcome none = daemon().verb({verb, "--url", "http://127.0.0.1:9"});
        EXPECT_EQ(none.exit_code, 3) << verb << none.err;
        EXPECT_THAT(none.err, HasSubstr("127.0.0.1:9"));
    }
    EXPECT_EQ(daemon().verb({"health", "--url", "no url"}).exit_code, 2);
}

TEST_F(Verbs, SeedingAgainChangesNothing) {
    const std::string token = daemon().admin_token();
    const std::filesystem::path file = daemon().state().parent_path() / "catalog.json";
    const e2e::Outcome again =
        daemon().verb({"seed", "--catalog", file, "--json"}, {{"MANA_ADMIN_JWT", token}});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(again.json().at("created"), 0);
    EXPECT_EQ(again.json().at("updated"), 0);
    EXPECT_EQ(again.json().at("unchanged"), personas);
    EXPECT_THAT(again.err, HasSubstr("[3/3]"));
    EXPECT_THAT(again.err, HasSubstr("up to date"));
    EXPECT_EQ(daemon().count("select count(*) from auth.personas"), personas);
}

TEST_F(Verbs, SeedingAChangedPromptSaysThatItWasUpdated) {
    const e2e::Variables admin = {{"MANA_ADMIN_JWT", daemon().admin_token()}};
    const std::filesystem::path file = daemon().state().parent_path() / "changed.json";
    std::ofstream(file) << R"({"personas":[{"email":"persona.anna@mana.test","name":"Anna",)"
                           R"("archetype":"adhd-student","tickCadence":"daily",)"
                           R"("systemPrompt":"Du bist jetzt eine andere Anna.",)"
                           R"("moduleMix":{"todo":1}}]})";
    const e2e::Outcome first = daemon().verb({"seed", "--catalog", file}, admin);
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("persona.anna@mana.test updated\n"));
    EXPECT_THAT(first.out, HasSubstr("0 created, 1 updated (0 with a new password), 0 up to date"));
    EXPECT_THAT(daemon().verb({"seed", "--catalog", file}, admin).out,
                HasSubstr("0 updated (0 with a new password), 1 up to date"));
}

TEST_F(Verbs, ResumingAModelThatDidNotStopSaysSo) {
    const e2e::Outcome nothing = asked({"resume", "--model"});
    EXPECT_EQ(nothing.exit_code, 1) << nothing.err;
    EXPECT_THAT(nothing.err, HasSubstr("has not stopped"));
}

TEST_F(Verbs, ASpendingCapIsShownAndLiftedByHand) {
    model()->add_fault({.fault = "status=402", .match = {}, .skip = 0, .times = 1});
    EXPECT_EQ(asked({"tick", "--all"}).exit_code, 5);
    const e2e::Outcome stopped = asked({"status"});
    EXPECT_THAT(stopped.out, HasSubstr("spending cap"));
    EXPECT_THAT(stopped.out, HasSubstr("persona-runner resume --model"));
    EXPECT_EQ(asked({"tick", "--all"}).exit_code, 5);  // No visit starts, as it was told.
    const e2e::Outcome lifted = asked({"resume", "--model"});
    EXPECT_EQ(lifted.exit_code, 0) << lifted.err;
    EXPECT_THAT(lifted.out, HasSubstr("spending cap"));
    EXPECT_THAT(asked({"status"}).out, Not(HasSubstr("spending cap")));
    EXPECT_EQ(asked({"tick", "--all"}).exit_code, 0);
}

TEST_F(Verbs, SeedNamesPersonaAndFieldOfABadCatalogAndAsksForAToken) {
    const e2e::Outcome dry = daemon().verb({"seed", "--dry-run"});
    EXPECT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(dry.out, HasSubstr("10 personas and 5 shared spaces would be created or updated"));
    EXPECT_EQ(daemon().count("select count(*) from auth.personas"), personas);
    EXPECT_EQ(daemon().verb({"seed"}).exit_code, 4);
    const e2e::Outcome wrong = daemon().verb({"seed"}, {{"MANA_ADMIN_JWT", "eyJ.no.token"}});
    EXPECT_EQ(wrong.exit_code, 4);
    EXPECT_EQ(wrong.err.find("eyJ.no.token"), std::string::npos);
    const std::filesystem::path file = daemon().state().parent_path() / "bad.json";
    std::ofstream(file)
        << R"({"personas":[{"email":"eve@example.com","name":"Eve","archetype":"x",)"
           R"("tickCadence":"daily","systemPrompt":"zu kurz","moduleMix":{"todo":1}}]})";
    const e2e::Outcome bad =
        daemon().verb({"seed", "--catalog", file}, {{"MANA_ADMIN_JWT", daemon().admin_token()}});
    EXPECT_EQ(bad.exit_code, 2) << bad.err;
    EXPECT_THAT(bad.err, HasSubstr("bad.json"));
    EXPECT_THAT(bad.err, HasSubstr("email"));
}

TEST_F(Verbs, AdminCreatesAVerifiedAdministratorWhoseTokenWorks) {
    const e2e::Outcome made = daemon().verb({"admin", "create", "Boss@Example.com"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("password: "));
    EXPECT_EQ(daemon().count("select count(*) from auth.users where email = 'boss@example.com' and "
                             "email_verified and role = 'admin'"),
              1);
    EXPECT_THAT(made.out, HasSubstr("boss@example.com: created a verified administrator\n"));
    const e2e::Outcome again = daemon().verb({"admin", "create", "boss@example.com"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("was an administrator already: her password was replaced"));
    EXPECT_NE(again.out, made.out);
    const e2e::Outcome token =
        daemon().verb({"admin", "token", "boss@example.com", "--minutes", "1"});
    EXPECT_EQ(token.exit_code, 0) << token.err;
    EXPECT_TRUE(std::regex_match(token.out, std::regex("eyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+\n")));
    // Neither a stranger nor a persona becomes one.
    EXPECT_EQ(daemon().verb({"admin", "token", "nobody@example.com"}).exit_code, 1);
    EXPECT_NE(daemon().verb({"admin", "create", "persona.anna@mana.test"}).exit_code, 0);
    EXPECT_EQ(daemon().verb({"admin", "create", "boss"}).exit_code, 2);
}

TEST_F(Verbs, KeysRotateMakesTheNextKeyOnceAndNobodyIsLoggedOut) {
    const std::string token = daemon().admin_token();
    const auto lines = [](const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    const e2e::Outcome before = daemon().verb({"keys", "list"});
    ASSERT_EQ(before.exit_code, 0) << before.err;
    EXPECT_EQ(lines(before.out), 1) << before.out;

    const e2e::Outcome made = daemon().verb({"keys", "rotate"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr(": made, signs from "));
    const e2e::Outcome again = daemon().verb({"keys", "rotate"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr(made.out.substr(0, made.out.find(':'))));
    EXPECT_THAT(again.out, HasSubstr("was made before and waits for its time"));

    const e2e::Outcome after = daemon().verb({"keys", "list"});
    EXPECT_EQ(lines(after.out), 2) << after.out;
    EXPECT_THAT(after.out, HasSubstr(made.out.substr(0, made.out.find(':'))));
    EXPECT_THAT(after.out + made.out, Not(HasSubstr("private")));
    EXPECT_EQ(base::fetch({.url = daemon().auth_url() + "/api/v1/admin/personas",
                           .headers = {{"Authorization", "Bearer " + token}}})
                  .status,
              200);
    EXPECT_EQ(daemon().verb({"keys", "rotate", "--at-once"}).exit_code, 2);

    const e2e::Outcome revoked = daemon().verb({"keys", "rotate", "--revoke"});
    EXPECT_EQ(revoked.exit_code, 0) << revoked.err;
    EXPECT_THAT(revoked.out, HasSubstr("all access tokens with them"));
    const e2e::Outcome alone = daemon().verb({"keys", "list"});
    EXPECT_EQ(lines(alone.out), 1) << alone.out;
    EXPECT_THAT(alone.out, HasSubstr(revoked.out.substr(0, revoked.out.find(':'))));
    const auto status_of = [&](const std::string& bearer) {
        return base::fetch({.url = daemon().auth_url() + "/api/v1/admin/personas",
                            .headers = {{"Authorization", "Bearer " + bearer}}})
            .status;
    };
    // A token of the new key makes the running service read the keys, and the old ones are gone.
    const std::string fresh = daemon().admin_token();
    EXPECT_TRUE(e2e::eventually([&] { return status_of(fresh) == 200; }));
    EXPECT_EQ(status_of(token), 401);
    EXPECT_EQ(daemon().verb({"keys"}).exit_code, 2);
}

TEST_F(Verbs, PsqlReadsTheOpsViewsAndChangesNothing) {
    const e2e::Outcome read = daemon().verb({"psql", "-Atc", "select personas from ops.health"});
    EXPECT_EQ(read.exit_code, 0) << read.err;
    EXPECT_EQ(read.out, "3\n");
    EXPECT_NE(daemon().verb({"psql", "-c", "select * from auth.users"}).exit_code, 0);
    EXPECT_NE(daemon().verb({"psql", "-c", "create table public.mine (a int)"}).exit_code, 0);
    e2e::TempFolder folder;
    const e2e::Outcome none = daemon().verb({"psql"}, {{"STATE_DIRECTORY", folder.path()}});
    EXPECT_EQ(none.exit_code, 2);
    EXPECT_THAT(none.err, HasSubstr("--state"));
}

TEST_F(Verbs, MigrateLeavesARunningDaemonsDatabaseAlone) {
    const e2e::Outcome busy = daemon().verb({"migrate"});
    EXPECT_EQ(busy.exit_code, 1) << busy.out;
    EXPECT_THAT(busy.err, HasSubstr(std::to_string(daemon().program().pid())));
    EXPECT_TRUE(daemon().is_well());
}

TEST_F(Verbs, ASecondDaemonOnTheSameStateIsRefused) {
    const e2e::Outcome second = daemon().verb({"serve"});
    EXPECT_EQ(second.exit_code, 1) << second.err;
    EXPECT_THAT(second.err, HasSubstr(std::to_string(daemon().program().pid())));
    EXPECT_TRUE(daemon().is_well());
}

TEST(Migrate, PreparesAnEmptyStateAndIsRepeatable) {
    e2e::Daemon daemon;
    const e2e::Outcome first = daemon.verb({"migrate"});
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr("auth "));
    EXPECT_THAT(first.out, HasSubstr("workspace "));
    const e2e::Outcome again = daemon.verb({"migrate"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.out, HasSubstr("up to date"));
}

TEST(SimVerb, AnswersAsTheMessagesApiUntilItIsStopped) {
    e2e::Program sim({{"sim", "--port", "0", "--pacing-ms", "0"}});
    ASSERT_TRUE(e2e::eventually([&] { return sim.out().ends_with("\n"); })) << sim.err();
    const std::string url = sim.out().substr(0, sim.out().size() - 1);
    base::HttpRequest request;
    request.method = "POST";
    request.url = url + "/v1/messages";
    request.headers = {{"x-api-key", "sk-sim-test"},
                       {"anthropic-version", "2023-06-01"},
                       {"content-type", "application/json"}};
    request.body = R"({"model":"claude-haiku-5-5","max_tokens":2048,)"
                   R"("messages":[{"role":"user","content":"Hallo"}]})";
    const base::HttpResponse answer = base::fetch(request);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("\"end_turn\""));
    sim.signal(SIGTERM);
    EXPECT_EQ(sim.wait(), 0);
}

TEST(SimVerb, TeachesItsWholeMenuInItsHelp) {
    const e2e::Outcome help = e2e::run_program({.arguments = {"sim", "--help"}});
    EXPECT_EQ(help.exit_code, 0);
    for (const sim::FaultGroup& group : sim::fault_menu()) {
        for (const sim::FaultEntry& entry : group.entries) {
            EXPECT_THAT(help.out, HasSubstr("\n    " + std::string(entry.name)));
            EXPECT_THAT(help.out, HasSubstr(std::string(entry.meaning)));
        }
    }
    for (const char* word : {"--fault", "--requests-per-minute", "/sim/verdict", "x-sim-fault",
                             "--proxy", "/sim/proxies", "half-open", "garble"}) {
        EXPECT_THAT(help.out, HasSubstr(word));
    }
}

TEST(SimVerb, StrikesAsItsFlagsSay) {
    e2e::Program sim({{"sim", "--port", "0", "--fault", "status=529;retry-after=3", "--fault",
                       "cut=1@0.5", "--requests-per-minute", "100"}});
    ASSERT_TRUE(e2e::eventually([&] { return sim.out().ends_with("\n"); })) << sim.err();
    base::HttpRequest request;
    request.method = "POST";
    request.url = sim.out().substr(0, sim.out().size() - 1) + "/v1/messages";
    request.headers = {{"x-api-key", "sk-sim-test"},
                       {"anthropic-version", "2023-06-01"},
                       {"content-type", "application/json"}};
    request.body = "{}";
    const base::HttpResponse answer = base::fetch(request);
    EXPECT_EQ(answer.status, 529) << answer.body;
    EXPECT_EQ(answer.header("retry-after"), "3");
    EXPECT_EQ(answer.header("anthropic-ratelimit-requests-limit"), "100");
}

TEST(SimVerb, RefusesAFaultThatIsNotOnTheMenu) {
    const e2e::Outcome outcome =
        e2e::run_program({.arguments = {"sim", "--port", "0", "--fault", "explode@0.5"}});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("explode"));
    EXPECT_THAT(outcome.err, HasSubstr("cut-frame"));
}

TEST(Keyless, TheLoopIsDisabledWithAWarningAndTheRestWorks) {
    e2e::Daemon daemon;
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_THAT(daemon.log(), HasSubstr("ANTHROPIC_API_KEY"));
    const base::HttpResponse tick = daemon.ask("POST", "/diag/tick");
    EXPECT_EQ(tick.status, 503);
    EXPECT_THAT(tick.body, HasSubstr("ANTHROPIC_API_KEY"));
    EXPECT_EQ(daemon.status().at("enabled"), false);
    const e2e::Outcome ticked = daemon.verb({"tick"}, {{"PORT", "0"}});
    EXPECT_EQ(ticked.exit_code, 5) << "it was reached";
    EXPECT_THAT(ticked.err, HasSubstr("ANTHROPIC_API_KEY"));
    EXPECT_EQ(daemon.verb({"status", "--url", daemon.ops_url() + "/"}).exit_code, 0);
    EXPECT_EQ(daemon.verb({"health", "--url", daemon.ops_url() + "/"}).exit_code, 0);
    EXPECT_EQ(daemon.verb({"status", "--port", "1"}).exit_code, 3);
    const base::HttpResponse unknown = daemon.ask("POST", "/diag/resume", R"({"x":1})");
    EXPECT_EQ(unknown.status, 400);
    EXPECT_THAT(unknown.body, HasSubstr("valid are none"));
    daemon.seed(1);
    const e2e::Outcome login =
        daemon.verb({"login", "persona.anna@mana.test", "--url", daemon.ops_url()});
    EXPECT_EQ(login.exit_code, 0) << login.err;
    const base::HttpResponse wrong = daemon.ask("POST", "/diag/tick", R"({"due":"some"})");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(wrong.body, HasSubstr("due"));
    EXPECT_EQ(daemon.stop(), 0);
}

TEST(Timer, FiresByItselfForWhoNeverWasThere) {
    e2e::Model model;
    e2e::Daemon daemon(
        e2e::joined(model.variables(), {{"RUNNER_PAUSED", "false"}, {"TICK_INTERVAL_MS", "100"}}));
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(2);
    // Weekdays' personas would wait over a weekend; the first two are daily.
    ASSERT_TRUE(e2e::eventually([&] {
        return daemon.count("select count(*) from ops.visits where status = 'finished'") == 2;
    }));
    EXPECT_EQ(daemon.stop(), 0);
}

// The simulator before itself: what people see of a proxy, and its control port.
TEST(Sim, ProxiesMisbehaveWhenTheControlPortSaysSo) {
    e2e::Model model;
    const std::string target = model->url().substr(std::string("http://").size());
    e2e::Program sim({{"sim", "--port", "0", "--proxy", "model=0:" + target}});
    const auto lines = [&] {
        const std::string out = sim.out();
        return std::count(out.begin(), out.end(), '\n');
    };
    ASSERT_TRUE(e2e::eventually([&] { return lines() == 2; })) << sim.out() << sim.err();
    const std::string out = sim.out();
    const std::string control = out.substr(0, out.find('\n'));
    const std::string prefix = "proxy model at ";
    ASSERT_EQ(out.find(prefix), control.size() + 1) << out;
    const std::size_t at = control.size() + 1 + prefix.size();
    const std::string health = "http://" + out.substr(at, out.size() - 1 - at) + "/health";

    EXPECT_EQ(base::fetch({.url = health}).status, 200);
    const base::HttpResponse set = base::fetch({.method = "POST",
                                                .url = control + "/sim/proxies/model",
                                                .headers = {{"Content-Type", "application/json"}},
                                                .body = R"({"fault":"refuse"})"});
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_THROW(base::fetch({.url = health}), base::Failure);
    const base::HttpResponse wrong = base::fetch({.method = "POST",
                                                  .url = control + "/sim/proxies/model",
                                                  .headers = {{"Content-Type", "application/json"}},
                                                  .body = R"({"fault":"explode"})"});
    EXPECT_EQ(wrong.status, 400) << wrong.body;
    EXPECT_THAT(wrong.body, testing::HasSubstr("explode"));
    EXPECT_EQ(base::fetch({.method = "DELETE", .url = control + "/sim/proxies/model"}).status, 200);
    EXPECT_EQ(base::fetch({.url = health}).status, 200);
    sim.signal(SIGTERM);
    EXPECT_EQ(sim.wait(), 0);

    const e2e::Outcome unclear =
        e2e::run_program({.arguments = {"sim", "--port", "0", "--proxy", "model"}});
    EXPECT_EQ(unclear.exit_code, 2);
    EXPECT_THAT(unclear.err, testing::HasSubstr("NAME=PORT:HOST:PORT"));
}

}  // namespace
