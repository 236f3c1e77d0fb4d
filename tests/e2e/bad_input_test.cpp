// Every verb with wrong words: exit code 2, one message that names the flag and what is valid, no
// trace of the program's insides, and nothing left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/program.hpp"

namespace {

using testing::HasSubstr;
using testing::Not;

struct Case {
    std::vector<std::string> words;
    std::string named, valid;
    e2e::Variables environment = {};
    int exit_code = 2;
};

std::string shown(const Case& one) {
    std::string text = "persona-runner";
    for (const std::string& word : one.words) text += " " + word.substr(0, 60);
    return text;
}

void expect_refused(const Case& one) {
    e2e::TempFolder folder;
    const std::filesystem::path state = folder.path() / "state";
    e2e::Variables environment = one.environment;
    environment["STATE_DIRECTORY"] = state;
    const e2e::Outcome outcome =
        e2e::run_program({.arguments = one.words, .environment = environment});
    EXPECT_EQ(outcome.exit_code, one.exit_code) << shown(one) << "\n" << outcome.err;
    EXPECT_EQ(outcome.out, "") << shown(one);
    EXPECT_THAT(outcome.err, HasSubstr(one.named)) << shown(one);
    EXPECT_THAT(outcome.err, HasSubstr(one.valid)) << shown(one);
    for (const char* inside : {"terminate called", "what():", "std::", ".cpp", "Failure"}) {
        EXPECT_THAT(outcome.err, Not(HasSubstr(inside))) << shown(one);
    }
    EXPECT_FALSE(std::filesystem::exists(state)) << shown(one) << " left a state directory";
}

const char* const every_verb[] = {"serve",    "demo",    "tick",    "login",  "health", "status",
                                  "seed",     "cleanup", "migrate", "admin",  "psql",   "sim",
                                  "settings", "top",     "pause",   "resume", "persona"};

TEST(BadWords, UnknownVerbsFlagsAndSurplusWordsAreNamed) {
    expect_refused({{}, "a verb is needed", "verbs are: serve"});
    expect_refused({{"serf"}, "\"serf\" is no verb or flag", "verbs are: serve"});
    expect_refused({{"--no-such"}, "--no-such", "verbs are: serve"});
    for (const std::string verb : every_verb) {
        if (verb == "psql") continue;  // Its words are psql's.
        std::vector<std::string> words = {verb};
        if (verb == "admin") words.emplace_back("token");
        if (verb == "persona") words.emplace_back("resume");
        const bool of_somebody = verb == "login" || verb == "admin" || verb == "persona" ||
                                 verb == "pause" || verb == "resume";
        if (of_somebody) words.emplace_back("anna@mana.test");
        words.emplace_back("--no-such");
        expect_refused({words, "--no-such", "--help"});
        words.back() = "surplus";
        expect_refused({words, "surplus", "--help"});
    }
}

TEST(BadWords, OptionsOfVerbsNameTheirRange) {
    const auto out_of_range = [](std::vector<std::string> words, const std::string& valid) {
        const std::string option = words.back();
        words.emplace_back("");
        for (const char* value : {"x", "-1", "99999999", "", "1.5", "99999999999999999999"}) {
            words.back() = value;
            if (words[words.size() - 2] != option) words.insert(words.end() - 1, option);
            expect_refused({words, option, valid});
        }
    };
    out_of_range({"demo", "--personas"}, "1 to 1000");
    out_of_range({"admin", "token", "a@b.de", "--minutes"}, "1 to 60");
    out_of_range({"sim", "--port"}, "0 to 65535");
    out_of_range({"sim", "--pacing-ms"}, "0 to 60000");
    for (const char* value : {"x", "-1", "0", "3601", ""})
        expect_refused({{"top", "--interval", value}, "--interval", "0.1"});
    for (const char* verb : {"tick", "health", "status", "top"}) {
        for (const char* url : {"nonsense", "ftp://x", "127.0.0.1:3070", ""}) {
            expect_refused({{verb, "--url", url}, "--url", "http:// or https://"});
        }
    }
}

TEST(BadWords, WhatIsMissingIsNamed) {
    expect_refused({{"login"}, "email", "required"});
    expect_refused({{"admin"}, "create", "token"});
    expect_refused({{"admin", "create"}, "email", "required"});
    expect_refused({{"admin", "token"}, "email", "required"});
    expect_refused({{"admin", "promote", "a@b.de"}, "promote", "create"});
    expect_refused({{"persona"}, "a verb is needed", "persona resume"});
    expect_refused({{"persona", "resume"}, "email", "required"});
    for (const char* verb : {"pause", "resume"}) {
        expect_refused({{verb}, "exactly one of", "EMAIL, --archetype NAME and --all"});
        expect_refused({{verb, "--all", "a@b.de"}, "exactly one of", "--archetype NAME"});
        expect_refused({{verb, "--all", "--archetype", "x"}, "exactly one of", "EMAIL"});
        expect_refused({{verb, "--archetype", ""}, "exactly one of", "--archetype NAME"});
    }
    for (const char* whom : {"--all", "a@b.de"}) {
        expect_refused({{"resume", "--model", whom}, "--model", "none of EMAIL"});
    }
    for (const char* url : {"nonsense", ""})
        expect_refused({{"resume", "--model", "--url", url}, "--url", "http:// or https://"});
    for (const char* flag : {"--seed", "--budget-day-usd", "--auth", "--catalog"})
        expect_refused({{"demo", flag, ""}, flag, "must not be empty"});
    for (const char* email : {"boss", "", "a b@c.de", "a@b"}) {
        expect_refused({{"admin", "create", email}, "email", "an address such as"});
        expect_refused({{"admin", "token", email}, "email", "an address such as"});
        expect_refused({{"login", email}, "email", "an address such as"});
        expect_refused({{"pause", email}, "email", "an address such as"});
        expect_refused({{"resume", email}, "email", "an address such as"});
        expect_refused({{"persona", "resume", email}, "email", "an address such as"});
    }
    for (const char* option : {"--config", "--state", "--catalog", "--jwt", "--export", "--url"}) {
        std::vector<std::string> words = {"seed", option};
        if (std::string(option) == "--export") words[0] = "cleanup";
        if (std::string(option) == "--url") words[0] = "tick";
        expect_refused({words, option, "missing"});
    }
}

TEST(BadWords, FilesThatCannotBeReadAreNamed) {
    e2e::TempFolder folder;
    const std::string nothing = folder.path() / "nothing";
    expect_refused({{"serve", "--config", nothing}, "--config", nothing});
    const std::string broken = folder.path() / "broken.env";
    std::ofstream(broken) << "PORT=3070\nPORTT=3071\n";
    expect_refused({{"serve", "--config", broken}, "broken.env:2", "persona-runner settings"});
    std::ofstream(broken) << "no equals sign\n";
    expect_refused({{"serve", "--config", broken}, "broken.env:1", "VARIABLE=value"});
    expect_refused({{"tick"}, "MANA_SERVICE_KEY", nothing, {{"MANA_SERVICE_KEY_FILE", nothing}}});
    expect_refused({{"seed"}, "MANA_ADMIN_JWT_FILE", nothing, {{"MANA_ADMIN_JWT_FILE", nothing}}});
    const e2e::Variables admin = {{"MANA_ADMIN_JWT", "eyJ.x.y"}};
    expect_refused({{"seed", "--catalog", nothing}, nothing, "", admin});
    const std::string text = folder.path() / "catalog.json";
    std::ofstream(text) << "{";
    expect_refused({{"seed", "--catalog", text}, "catalog.json", "line 1", admin});
    expect_refused({{"seed", "--dry-run", "--catalog", text}, "catalog.json", "line 1"});
    expect_refused({{"serve"}, "PERSONA_PRICES", nothing, {{"PERSONA_PRICES", nothing}}});
}

TEST(BadWords, WithoutATokenSeedAndCleanupAskForOne) {
    expect_refused({{"seed"}, "MANA_ADMIN_JWT", "admin token", {}, 4});
    expect_refused({{"cleanup"}, "MANA_ADMIN_JWT", "admin token", {}, 4});
}

}  // namespace
