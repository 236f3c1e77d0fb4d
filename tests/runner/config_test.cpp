// Where a setting's value comes from, what is refused, and that no secret is ever repeated.
#include "runner/config.hpp"

#include <cstring>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalog/password.hpp"
#include "runner/daemon_verbs.hpp"

namespace {

using runner::Config;
using runner::Verb;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
  protected:
    ConfigTest() {
        folder_ = std::filesystem::path(testing::TempDir()) /
                  fmt::format("config-{}-{}", ::getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::create_directories(folder_);
    }
    ~ConfigTest() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return (folder_ / name).string();
    }
    Config parse(std::vector<std::string> words) {
        words.insert(words.begin(), "persona-runner");
        words_ = std::move(words);
        std::vector<char*> argv;
        for (std::string& word : words_) argv.push_back(word.data());
        argv.push_back(nullptr);
        return runner::parse_command_line(
            static_cast<int>(words_.size()), argv.data(), [this](const std::string& name) {
                const auto found = environment_.find(name);
                return found == environment_.end() ? std::nullopt : std::optional(found->second);
            });
    }
    std::string complaint(const std::vector<std::string>& words) {
        try {
            parse(words);
        } catch (const base::Failure& failure) {
            EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
            return failure.what();
        } catch (const runner::Usage& usage) {
            ADD_FAILURE() << "usage: " << usage.text;
        }
        return "no failure";
    }
    runner::Usage usage(const std::vector<std::string>& words) {
        try {
            parse(words);
        } catch (const runner::Usage& usage) {
            return usage;
        }
        ADD_FAILURE() << "no usage";
        return {};
    }
    // Everything that production insists on.
    void make_production() {
        environment_["PERSONA_ENV"] = "production";
        for (const char* name : {"MANA_SERVICE_KEY", "BETTER_AUTH_SECRET", "PERSONA_SEED_SECRET"}) {
            environment_[name] = "a secret of our own, long enough";
        }
        environment_["MANA_NOTIFY_URL"] = "http://127.0.0.1:3013";
    }

    std::filesystem::path folder_;
    std::map<std::string, std::string> environment_;
    std::vector<std::string> words_;  // argv, as parsing left it.
};

TEST_F(ConfigTest, DefaultsAreThoseOfTheTable) {
    const Config config = parse({"serve"});
    EXPECT_EQ(config.verb, Verb::serve);
    EXPECT_EQ(config.ops_port, 3070);
    EXPECT_EQ(config.auth_port, 3001);
    EXPECT_EQ(config.mcp_port, 3069);
    EXPECT_EQ(config.bind_address, "127.0.0.1");
    EXPECT_EQ(config.model, "claude-sonnet-5-5");
    EXPECT_EQ(config.rating_model, "claude-haiku-5-5");
    EXPECT_EQ(config.tick_interval, std::chrono::minutes{1});
    EXPECT_EQ(config.visit_deadline, std::chrono::minutes{10});
    EXPECT_EQ(config.lease, std::chrono::seconds{60});
    EXPECT_EQ(config.concurrency, 2);
    EXPECT_EQ(config.turns_max, 15);
    EXPECT_FALSE(config.paused);
    EXPECT_FALSE(config.production);
    EXPECT_TRUE(config.api_key.empty());
    EXPECT_FALSE(config.keep_inputs);
    EXPECT_EQ(config.seed_secret.reveal(), catalog::development_seed_secret);
    EXPECT_EQ(config.daemon_url, "");
}

TEST_F(ConfigTest, FlagWinsOverEnvironmentOverFileOverDefault) {
    const std::string path =
        file("config", "# comment\n\nPORT = \"4001\"\nPERSONA_MODEL=file-model\n");
    EXPECT_EQ(parse({"serve"}).ops_port, 3070);
    EXPECT_EQ(parse({"serve", "--config", path}).ops_port, 4001);
    environment_["PORT"] = "4002";
    EXPECT_EQ(parse({"serve", "--config", path}).ops_port, 4002);
    const Config config = parse({"serve", "--config", path, "--port", "4003"});
    EXPECT_EQ(config.ops_port, 4003);
    EXPECT_EQ(config.model, "file-model");
    EXPECT_EQ(config.ops_port, 4003);
}

TEST_F(ConfigTest, SecretsComeFromEnvironmentThenFileThenCredentialThenConfigFile) {
    const std::string path = file("config", "MANA_SERVICE_KEY=from-config\n");
    EXPECT_EQ(parse({"serve", "--config", path}).service_key.reveal(), "from-config");
    file("mana_service_key", "from-credential\n");
    environment_["CREDENTIALS_DIRECTORY"] = folder_.string();
    EXPECT_EQ(parse({"serve", "--config", path}).service_key.reveal(), "from-credential");
    environment_["MANA_SERVICE_KEY_FILE"] = file("key", "  from-file \n\n");
    EXPECT_EQ(parse({"serve", "--config", path}).service_key.reveal(), "from-file");
    environment_["MANA_SERVICE_KEY"] = "from-environment";
    EXPECT_EQ(parse({"serve", "--config", path}).service_key.reveal(), "from-environment");
}

TEST_F(ConfigTest, SecretFilesThatCannotBeReadNameVariableAndFile) {
    environment_["ANTHROPIC_API_KEY_FILE"] = (folder_ / "absent").string();
    EXPECT_THAT(complaint({"serve"}), AllOf(HasSubstr("ANTHROPIC_API_KEY"), HasSubstr("absent")));
    environment_["ANTHROPIC_API_KEY_FILE"] = file("huge", std::string(70'000, 'k'));
    EXPECT_THAT(complaint({"serve"}), HasSubstr("64 KiB"));
}

TEST_F(ConfigTest, OnlySecretsAreReadFromFiles) {
    environment_["PERSONA_MODEL_FILE"] = file("model", "other");
    EXPECT_EQ(parse({"serve"}).model, "claude-sonnet-5-5");
}

TEST_F(ConfigTest, ConfigFilesNameTheLineThatIsWrong) {
    const std::string path = file("config", "PORT=4001\nPROT=4002\n");
    EXPECT_THAT(complaint({"serve", "--config", path}), HasSubstr(path + ":2"));
    const std::string bare = file("bare", "PORT\n");
    EXPECT_THAT(complaint({"serve", "--config", bare}), HasSubstr("VARIABLE=value"));
    EXPECT_THAT(complaint({"serve", "--config", "/nowhere/at/all"}), HasSubstr("/nowhere/at/all"));
}

TEST_F(ConfigTest, ConfigFilesQuoteAsSystemdsDo) {
    const std::string path =
        file("config", "PORT='4001'\nMANA_AUTH_PORT=\"4002\"\nWEBAUTHN_RP_NAME='\"Mana\"'\n");
    const Config config = parse({"serve", "--config", path});
    EXPECT_EQ(config.ops_port, 4001);
    EXPECT_EQ(config.auth_port, 4002);
    EXPECT_EQ(config.webauthn_rp_name, "\"Mana\"");
    const std::string torn = file("torn", "PORT='4001\"\n");
    EXPECT_THAT(complaint({"serve", "--config", torn}), HasSubstr("PORT"));
}

TEST_F(ConfigTest, FoldersAreNotFilesOfSettings) {
    EXPECT_THAT(complaint({"serve", "--config", folder_}),
                AllOf(HasSubstr("--config: cannot read"), HasSubstr("directory")));
    environment_["MANA_SERVICE_KEY_FILE"] = folder_;
    EXPECT_THAT(complaint({"serve"}),
                AllOf(HasSubstr("MANA_SERVICE_KEY: cannot read"), HasSubstr(folder_.string())));
}

TEST_F(ConfigTest, ListenersOfOneDaemonNeedPortsOfTheirOwn) {
    EXPECT_THAT(complaint({"serve", "--port", "4000", "--mcp-port", "4000"}),
                AllOf(HasSubstr("PORT (--port)"), HasSubstr("MANA_MCP_PORT (--mcp-port)")));
    EXPECT_NO_THROW(parse({"serve", "--port=0", "--auth-port=0", "--mcp-port=0"}));
    // The remote service's port is not ours.
    EXPECT_NO_THROW(
        parse({"serve", "--port=3001", "--auth", "http://127.0.0.1:9", "--auth-port=3001"}));
    EXPECT_NO_THROW(parse({"status", "--port=3001"}));
}

TEST_F(ConfigTest, APortThatWasGivenCountsMoreThanWhereTheDaemonSaidItListens) {
    file("urls",
         "PERSONA_URL=http://127.0.0.1:4070\nMANA_AUTH_URL=http://127.0.0.1:4001\n"
         "MANA_MCP_URL=http://127.0.0.1:4069/mcp\n");
    environment_["STATE_DIRECTORY"] = folder_;
    const Config told = parse({"status"});
    EXPECT_EQ(runner::daemon_url_of(told), "http://127.0.0.1:4070");
    EXPECT_EQ(runner::auth_url_of(told), "http://127.0.0.1:4001");
    EXPECT_EQ(runner::workspace_url_of(told), "http://127.0.0.1:4069/mcp");
    environment_["MANA_MCP_PORT"] = "3";
    const Config given = parse({"status", "--port", "1", "--auth-port", "2"});
    EXPECT_EQ(runner::daemon_url_of(given), "http://127.0.0.1:1");
    EXPECT_EQ(runner::auth_url_of(given), "http://127.0.0.1:2");
    EXPECT_EQ(runner::workspace_url_of(given), "http://127.0.0.1:3/mcp");
    EXPECT_EQ(runner::daemon_url_of(parse({"status", "--port", "0"})), "http://127.0.0.1:4070");
    EXPECT_EQ(runner::daemon_url_of(parse({"status", "--url", "http://h:1/"})), "http://h:1");
}

TEST_F(ConfigTest, PasswordsInUrlsAreTheFaultAndNotRepeated) {
    for (const char* url :
         {"http://user:s3cretpw@mail.example.com", "https://s3cretpw@h/x",
          "http://user:a/s3cretpw@h", "http://user:a s3cretpw@h", "http://a@s3cretpw@h"}) {
        for (const char* variable :
             {"MANA_NOTIFY_URL", "MANA_AUTH_URL", "MANA_MCP_URL", "NEWS_FEEDS", "CORS_ORIGINS"}) {
            environment_ = {{variable, url}};
            EXPECT_THAT(complaint({"serve"}), AllOf(HasSubstr(variable), Not(HasSubstr("s3cret"))));
        }
        environment_.clear();
        EXPECT_THAT(complaint({"serve", "--auth", url}), Not(HasSubstr("s3cret")));
        EXPECT_THAT(usage({"status", "--url", url}).text,
                    AllOf(HasSubstr("--url"), Not(HasSubstr("s3cret"))));
    }
    EXPECT_THAT(complaint({"serve", "--auth", "http://user:pw@h"}),
                HasSubstr("must be a URL without user name and password"));
    EXPECT_NO_THROW(parse({"serve", "--auth", "http://127.0.0.1/a@b"}));
}

TEST_F(ConfigTest, AnIntervalIsANumberInItsRange) {
    for (const char* wrong : {"nan", "0.05", "inf", "3601", "1s", ""}) {
        EXPECT_EQ(usage({"top", "--interval", wrong}).exit_code, 2) << wrong;
    }
    EXPECT_EQ(parse({"top", "--interval", "0.5"}).top_interval, std::chrono::milliseconds{500});
}

TEST_F(ConfigTest, NodeEnvIsAnAliasOfPersonaEnv) {
    make_production();
    environment_.erase("PERSONA_ENV");
    EXPECT_FALSE(parse({"serve"}).production);
    environment_["NODE_ENV"] = "production";
    EXPECT_TRUE(parse({"serve"}).production);
    environment_["PERSONA_ENV"] = "development";
    EXPECT_FALSE(parse({"serve"}).production);
}

TEST_F(ConfigTest, SecretsAreNeitherEmptyNorHoldControlCharacters) {
    for (const char* variable : {"MANA_SERVICE_KEY", "BETTER_AUTH_SECRET", "PERSONA_SEED_SECRET"}) {
        environment_ = {{variable, ""}};
        EXPECT_THAT(complaint({"serve"}), HasSubstr(std::string(variable) + " must be a secret"));
    }
    environment_ = {{"ANTHROPIC_API_KEY", "key\nX-Forged: yes"}};
    const std::string text = complaint({"serve"});
    EXPECT_THAT(text, HasSubstr("ANTHROPIC_API_KEY must not hold control characters"));
    EXPECT_THAT(text, Not(HasSubstr("Forged")));
}

TEST_F(ConfigTest, ProductionVerbsRefuseTheDevelopmentSecretsTheyUse) {
    environment_ = {{"PERSONA_ENV", "production"}};
    EXPECT_THAT(complaint({"seed"}), HasSubstr("PERSONA_SEED_SECRET"));
    EXPECT_THAT(complaint({"admin", "token", "a@example.com"}), HasSubstr("BETTER_AUTH_SECRET"));
    EXPECT_THAT(complaint({"admin", "create", "a@example.com"}), HasSubstr("BETTER_AUTH_SECRET"));
    EXPECT_THAT(complaint({"keys", "rotate"}), HasSubstr("BETTER_AUTH_SECRET"));
    for (const char* verb : {"tick", "status", "cleanup"}) {
        EXPECT_THAT(complaint({verb}), HasSubstr("MANA_SERVICE_KEY")) << verb;
    }
}

TEST_F(ConfigTest, WhatWasGivenIsKeptForHandingOn) {
    environment_ = {{"PERSONA_TURNS_MAX", "3"}};
    const Config config = parse({"demo", "--claude=http://127.0.0.1:9"});
    EXPECT_EQ(config.given.at("PERSONA_TURNS_MAX").reveal(), "3");
    EXPECT_EQ(config.given.at("ANTHROPIC_BASE_URL").reveal(), "http://127.0.0.1:9");
    EXPECT_FALSE(config.given.contains("PERSONA_MODEL"));
}

TEST_F(ConfigTest, BadValuesNameTheVariableTheValueAndWhatIsValid) {
    struct Case {
        const char *variable, *value, *valid;
    };
    const Case cases[] = {
        {"PORT", "65536", "from 0 to 65535"},
        {"PORT", "-1", "from 0 to 65535"},
        {"PORT", "http", "whole number"},
        {"MANA_AUTH_PORT", "1e3", "whole number"},
        {"MANA_MCP_PORT", " 80", "whole number"},
        {"TICK_INTERVAL_MS", "99", "from 100 to"},
        {"VISIT_DEADLINE_MS", "999", "from 1000 to"},
        {"LEASE_SECONDS", "44", "from 45 to"},
        {"SHUTDOWN_GRACE_MS", "99999999999999999999", "whole number"},
        {"PERSONA_SPREAD", "25h", "at most 24h"},
        {"PERSONA_SPREAD", "10d", "a duration such as 90s, 10m or 2h"},
        {"PERSONA_SPREAD", "-1", "a duration"},
        {"PERSONA_SPREAD", "soon", "a duration"},
        {"PERSONA_CONCURRENCY", "0", "from 1 to"},
        {"PERSONA_CONNECTIONS", "0", "from 1 to"},
        {"PERSONA_TURNS_MAX", "201", "to 200"},
        {"MAX_DAILY_SIGNUPS", "many", "whole number"},
        {"PERSONA_SEED", "-5", "whole number"},
        {"RUNNER_PAUSED", "maybe", "true or false"},
        {"PERSONA_KEEP_INPUTS", "2", "true or false"},
        {"PERSONA_THROWAWAY", "ja", "true or false"},
        {"COOKIE_DOMAIN", "a b;c", "a domain such as"},
        {"CORS_ORIGINS", "foo,bar", "http:// or https://"},
        {"CORS_ORIGINS", "https://app.example/path", "list of origins"},
        {"TRUSTED_PROXIES", "zzz", "IP addresses or ranges"},
        {"TRUSTED_PROXIES", "10.0.0.1/8", "IP addresses or ranges"},
        {"JWT_AUDIENCE", "", "one word"},
        {"STATE_DIRECTORY", "", "a directory"},
        {"PERSONA_EFFORT", "hard", "low, medium, high"},
        {"BIND_ADDRESS", "everywhere", "an IP address"},
        {"PERSONA_ENV", "prod", "production or development"},
        {"LOG_LEVEL", "verbose", "debug, info, warning or error"},
        {"MANA_AUTH_URL", "localhost:3001", "http:// or https://"},
        {"MANA_MCP_URL", "ftp://x", "http:// or https://"},
        {"ANTHROPIC_BASE_URL", "claude", "http:// or https://"},
        {"BASE_URL", "//x", "http:// or https://"},
        {"PERSONA_MODEL", "", "model id"},
        {"PERSONA_RATING_MODEL", "", "model id"},
        {"PERSONA_TIMEZONE", "Mars/Olympus", ""},
    };
    for (const Case& one : cases) {
        environment_ = {{one.variable, one.value}};
        EXPECT_THAT(complaint({"serve"}), AllOf(testing::StartsWith(std::string(one.variable) +
                                                                    " \"" + one.value + "\" "),
                                                HasSubstr(one.valid)))
            << one.variable << "=" << one.value;
    }
    environment_.clear();
    EXPECT_THAT(complaint({"serve", "--port=99999"}), HasSubstr("PORT \"99999\" must be"));
}

TEST_F(ConfigTest, SecretsAreNotRepeatedInErrorTexts) {
    environment_["DATABASE_URL"] = "mysql://user:hunter2@db";
    const std::string text = complaint({"serve"});
    EXPECT_THAT(text, AllOf(HasSubstr("DATABASE_URL must be"), Not(HasSubstr("hunter2"))));
    make_production();
    environment_.erase("DATABASE_URL");
    environment_["MANA_SERVICE_KEY"] = "tooshort";
    EXPECT_THAT(complaint({"serve"}),
                AllOf(HasSubstr("MANA_SERVICE_KEY"), HasSubstr("16"), Not(HasSubstr("tooshort"))));
}

TEST_F(ConfigTest, LongValuesAreCutInErrorTexts) {
    environment_["PORT"] = std::string(10'000, '9');
    EXPECT_LT(complaint({"serve"}).size(), 300U);
}

TEST_F(ConfigTest, ProductionRefusesEachDevelopmentDefault) {
    make_production();
    EXPECT_TRUE(parse({"serve"}).production);
    for (const char* name : {"MANA_SERVICE_KEY", "BETTER_AUTH_SECRET", "PERSONA_SEED_SECRET"}) {
        const std::string own = environment_[name];
        environment_.erase(name);
        EXPECT_THAT(complaint({"serve"}), AllOf(HasSubstr(name), HasSubstr("development default")));
        environment_[name] = "";
        EXPECT_THAT(complaint({"serve"}), HasSubstr(name));
        environment_[name] = own;
    }
    environment_["PERSONA_THROWAWAY"] = "true";
    EXPECT_THAT(complaint({"serve"}), HasSubstr("PERSONA_THROWAWAY"));
}

TEST_F(ConfigTest, ProductionNeedsAWayToSendMails) {
    make_production();
    environment_.erase("MANA_NOTIFY_URL");
    EXPECT_THAT(complaint({"serve"}), AllOf(HasSubstr("MANA_NOTIFY_URL"), HasSubstr("http://")));
}

TEST_F(ConfigTest, ARemoteAuthServiceNeedsNoCookieSecretHere) {
    make_production();
    environment_.erase("BETTER_AUTH_SECRET");
    environment_.erase("MANA_NOTIFY_URL");
    environment_["MANA_AUTH_URL"] = "https://auth.example.org/";
    EXPECT_EQ(parse({"serve"}).auth_url, "https://auth.example.org");
}

TEST_F(ConfigTest, OtherAddressesThanLoopbackNeedProduction) {
    EXPECT_THAT(complaint({"serve", "--bind", "0.0.0.0"}),
                AllOf(HasSubstr("BIND_ADDRESS 0.0.0.0"), HasSubstr("PERSONA_ENV=production")));
    for (const char* loopback : {"127.0.0.1", "::1", "localhost"}) {
        EXPECT_EQ(parse({"serve", "--bind", loopback}).bind_address, loopback);
    }
    EXPECT_EQ(parse({"serve"}).cors_origins.size(), 1U);
    make_production();
    EXPECT_TRUE(parse({"serve"}).cors_origins.empty()) << "a visitor's own machine";
    EXPECT_EQ(parse({"serve", "--cors-origins", "http://localhost:5173"}).cors_origins.size(), 1U);
    EXPECT_EQ(parse({"serve", "--bind", "192.0.2.7"}).bind_address, "192.0.2.7");
    for (const char* everywhere : {"0.0.0.0", "::"}) {
        EXPECT_THAT(complaint({"serve", "--bind", everywhere}),
                    AllOf(HasSubstr("BASE_URL must be"), HasSubstr(everywhere)));
        EXPECT_EQ(parse({"serve", "--bind", everywhere, "--base-url", "https://auth.example.org"})
                      .bind_address,
                  everywhere);
    }
}

TEST_F(ConfigTest, ASpreadHasAUnitOrIsInSeconds) {
    EXPECT_EQ(parse({"serve"}).spread, std::chrono::seconds(0));
    EXPECT_EQ(parse({"serve", "--spread", "90"}).spread, std::chrono::seconds(90));
    EXPECT_EQ(parse({"serve", "--spread", "90s"}).spread, std::chrono::seconds(90));
    EXPECT_EQ(parse({"serve", "--spread", "10m"}).spread, std::chrono::minutes(10));
    EXPECT_EQ(parse({"serve", "--spread", "24h"}).spread, std::chrono::hours(24));
}

TEST_F(ConfigTest, PausingAndResumingHaveVerbs) {
    const Config pause = parse({"pause", "persona.anna@mana.test"});
    EXPECT_EQ(pause.verb, Verb::pause);
    EXPECT_EQ(pause.email, "persona.anna@mana.test");
    EXPECT_EQ(parse({"pause", "--archetype", "student"}).archetype, "student");
    EXPECT_TRUE(parse({"resume", "--all"}).everybody);
    EXPECT_EQ(parse({"persona", "resume", "anna@mana.test"}).verb, Verb::persona_resume);
    EXPECT_THAT(usage({"persona", "resume"}).text, HasSubstr("email is required"));
    environment_["PERSONA_ENV"] = "production";
    EXPECT_THAT(complaint({"pause", "--all"}), HasSubstr("MANA_SERVICE_KEY"));
}

TEST_F(ConfigTest, VerbsThatOnlyAskDoNotNeedProductionSecrets) {
    environment_["PERSONA_ENV"] = "production";
    EXPECT_EQ(parse({"health"}).verb, Verb::health);
    EXPECT_EQ(parse({"settings"}).verb, Verb::settings);
}

TEST_F(ConfigTest, TheAdminTokenIsWipedFromTheCommandLineAndWarnedAbout) {
    testing::internal::CaptureStderr();
    const Config config = parse({"seed", "--jwt=eyJhbGciOi"});
    EXPECT_EQ(config.admin_jwt.reveal(), "eyJhbGciOi");
    EXPECT_EQ(words_[2], "--jwt=xxxxxxxxxx");
    EXPECT_EQ(parse({"cleanup", "--jwt", "eyJhbGciOi", "--yes"}).admin_jwt.reveal(), "eyJhbGciOi");
    EXPECT_EQ(words_[3], "xxxxxxxxxx");
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("--jwt is visible"), HasSubstr("MANA_ADMIN_JWT_FILE"),
                           Not(HasSubstr("eyJhbGciOi"))));
}

TEST_F(ConfigTest, TheAdminTokenIsWipedAndNotRepeatedWhenTheCommandLineIsWrong) {
    const runner::Usage nonsense = usage({"seed", "--jwt=eyJhbGciOi", "--nonsense"});
    EXPECT_EQ(nonsense.exit_code, 2);
    EXPECT_EQ(words_[2], "--jwt=xxxxxxxxxx");
    EXPECT_THAT(nonsense.text, AllOf(HasSubstr("--nonsense"), Not(HasSubstr("eyJhbGciOi"))));
    // Verbs that take no token must not print one either.
    EXPECT_THAT(usage({"serve", "--jwt=eyJhbGciOi"}).text, Not(HasSubstr("eyJhbGciOi")));
    EXPECT_THAT(usage({"serve", "--jwt", "eyJhbGciOi"}).text, Not(HasSubstr("eyJhbGciOi")));
}

TEST_F(ConfigTest, TheAdminTokenComesFromItsVariableOrFile) {
    environment_["MANA_ADMIN_JWT_FILE"] = file("jwt", "from-file\n");
    EXPECT_EQ(parse({"seed"}).admin_jwt.reveal(), "from-file");
    environment_["MANA_ADMIN_JWT"] = "from-environment";
    EXPECT_EQ(parse({"seed"}).admin_jwt.reveal(), "from-environment");
}

TEST_F(ConfigTest, WrongUsageExitsWithTwoAndQuestionsWithZero) {
    EXPECT_EQ(usage({"fly"}).exit_code, 2);
    EXPECT_THAT(usage({"fly"}).text, HasSubstr("--help"));
    EXPECT_EQ(usage({}).exit_code, 2);
    EXPECT_EQ(usage({"serve", "--unknown-flag"}).exit_code, 2);
    EXPECT_EQ(usage({"login"}).exit_code, 2);
    EXPECT_EQ(usage({"demo", "--personas", "0"}).exit_code, 2);
    EXPECT_EQ(usage({"sim", "--listen", "70000"}).exit_code, 2);
    EXPECT_EQ(usage({"admin", "token", "a@b.c", "--minutes", "61"}).exit_code, 2);
    EXPECT_EQ(usage({"--help"}).exit_code, 0);
    EXPECT_THAT(usage({"--help"}).text, AllOf(HasSubstr("demo"), HasSubstr("Exit codes")));
    EXPECT_EQ(usage({"demo", "--help"}).exit_code, 0);
    EXPECT_EQ(usage({"--version"}).exit_code, 0);
    EXPECT_THAT(usage({"--version"}).text, HasSubstr("persona-runner "));
}

TEST_F(ConfigTest, VerbsTakeTheirOptions) {
    EXPECT_TRUE(parse({"tick"}).wait);
    const Config tick = parse({"tick", "--all", "--no-wait", "--url", "http://127.0.0.1:9"});
    EXPECT_TRUE(tick.everybody);
    EXPECT_FALSE(tick.wait);
    EXPECT_EQ(tick.daemon_url, "http://127.0.0.1:9");
    const Config demo = parse({"demo", "--personas", "3", "--json", "--keep"});
    EXPECT_EQ(demo.personas_max, 3);
    EXPECT_TRUE(demo.json && demo.keep);
    const Config token = parse({"admin", "token", "a@b.c", "--minutes", "5"});
    EXPECT_EQ(token.verb, Verb::admin_token);
    EXPECT_EQ(token.email, "a@b.c");
    EXPECT_EQ(token.token_life, std::chrono::minutes{5});
    EXPECT_EQ(parse({"keys", "list"}).verb, Verb::keys_list);
    EXPECT_EQ(parse({"keys", "rotate"}).verb, Verb::keys_rotate);
    EXPECT_FALSE(parse({"keys", "rotate"}).revoke);
    EXPECT_TRUE(parse({"keys", "rotate", "--revoke"}).revoke);
    EXPECT_EQ(parse({"sim", "--listen", "0", "--pacing-ms", "9"}).sim_pacing,
              std::chrono::milliseconds{9});
}

TEST_F(ConfigTest, APortBehindSimIsTheSimulators) {
    EXPECT_EQ(parse({"sim", "--port", "4001"}).sim_port, 4001);
    EXPECT_EQ(parse({"sim", "--listen", "4002"}).sim_port, 4002);
    EXPECT_EQ(parse({"serve", "--port", "4003"}).ops_port, 4003);
    EXPECT_THAT(complaint({"--port", "4004", "sim"}), HasSubstr("sim --port"));
}

TEST_F(ConfigTest, PsqlGetsItsArgumentsAsTheyAre) {
    EXPECT_EQ(parse({"psql", "-c", "select 1", "-A"}).psql_arguments,
              (std::vector<std::string>{"-c", "select 1", "-A"}));
    EXPECT_TRUE(parse({"psql"}).psql_arguments.empty());
}

TEST_F(ConfigTest, ListsAndUrlsAreTidied) {
    environment_["CORS_ORIGINS"] = " https://a.example , ,http://b.example";
    environment_["MANA_MCP_URL"] = "http://127.0.0.1:3069/mcp/";
    const Config config = parse({"serve"});
    EXPECT_THAT(config.cors_origins, testing::ElementsAre("https://a.example", "http://b.example"));
    ASSERT_EQ(config.servers.size(), 1U);
    EXPECT_EQ(config.servers[0].url, "http://127.0.0.1:3069/mcp/") << "an endpoint stays as it is";
}

TEST_F(ConfigTest, EverySettingHasHelpAndNoSecretAFlag) {
    const std::string table = runner::settings_table();
    for (const runner::Setting& setting : runner::settings()) {
        EXPECT_FALSE(setting.help.empty()) << setting.variable;
        EXPECT_TRUE(setting.flag.starts_with("--") != setting.secret) << setting.variable;
        EXPECT_THAT(table, HasSubstr("| `" + std::string(setting.variable) + "` |"));
    }
}

}  // namespace
