// The unit file, judged by systemd itself without a running systemd: it knows every directive in it
// and rates what the service could do to the machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "runner/config.hpp"

namespace {

using testing::HasSubstr;

const std::string unit_file = SOURCE_DIR "/systemd/persona-runner.service";
const std::string example_file = SOURCE_DIR "/systemd/persona-runner.env.example";

std::string text_of(const std::string& file) {
    std::ifstream stream(file);
    EXPECT_TRUE(stream) << file;
    std::stringstream text;
    text << stream.rdbuf();
    return text.str();
}

struct Outcome {
    int status = -1;
    std::string text;
};

Outcome run(const std::string& command) {
    Outcome outcome;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (!pipe) return outcome;
    std::array<char, 4096> bytes;
    while (std::size_t count = std::fread(bytes.data(), 1, bytes.size(), pipe))
        outcome.text.append(bytes.data(), count);
    outcome.status = ::pclose(pipe);
    return outcome;
}

// Values of `name=` lines, in order.
std::vector<std::string> values(const std::string& unit, const std::string& name) {
    std::vector<std::string> found;
    std::istringstream lines(unit);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name + "=")) found.push_back(line.substr(name.size() + 1));
    return found;
}

TEST(Systemd, ExposureIsAtMostOnePointFive) {
    Outcome outcome =
        run("systemd-analyze security --offline=true --threshold=15 '" + unit_file + "'");
    EXPECT_EQ(outcome.status, 0) << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr("Overall exposure level"));
}

TEST(Systemd, EveryDirectiveIsKnown) {
    // verify insists on the binary, which only an installed machine has.
    std::string unit = text_of(unit_file);
    std::string::size_type place = unit.find("/usr/local/bin/persona-runner");
    ASSERT_NE(place, std::string::npos);
    unit.replace(place, std::string("/usr/local/bin/persona-runner").size(), "/bin/true");
    auto folder =
        std::filesystem::temp_directory_path() / ("persona-unit-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::string copy = (folder / "persona-runner.service").string();
    std::ofstream(copy) << unit;
    Outcome outcome = run("systemd-analyze verify --man=no '" + copy + "'");
    std::filesystem::remove_all(folder);
    EXPECT_EQ(outcome.status, 0) << outcome.text;
    // An unknown directive is only a warning there.
    EXPECT_THAT(outcome.text, testing::Not(HasSubstr("persona-runner.service")));
}

TEST(Systemd, TheServiceIsWatchedAndInProduction) {
    std::string unit = text_of(unit_file);
    EXPECT_EQ(values(unit, "Type"), std::vector<std::string>{"notify"});
    EXPECT_EQ(values(unit, "Environment"), std::vector<std::string>{"PERSONA_ENV=production"});
    EXPECT_EQ(values(unit, "StateDirectory"), std::vector<std::string>{"persona-runner"});
    EXPECT_EQ(values(unit, "WatchdogSec").size(), 1u);
}

TEST(Systemd, EverySecretIsACredentialAndNoneIsInTheExample) {
    std::set<std::string> loaded;
    for (const std::string& value : values(text_of(unit_file), "LoadCredential"))
        loaded.insert(value.substr(0, value.find(':')));
    std::set<std::string> secrets;
    std::string example = text_of(example_file);
    for (const runner::Setting& setting : runner::settings()) {
        if (!setting.secret) continue;
        std::string name(setting.variable);
        EXPECT_EQ(values(example, "#" + name).size(), 0u) << name;
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        secrets.insert(name);
    }
    EXPECT_EQ(loaded, secrets);
}

TEST(Systemd, TheExampleNamesEverySettingButSecretsAndWhatTheUnitDecides) {
    const std::set<std::string_view> of_unit{"STATE_DIRECTORY", "PERSONA_ENV", "PERSONA_THROWAWAY"};
    const std::string example = text_of(example_file);
    for (const runner::Setting& setting : runner::settings()) {
        if (setting.secret || of_unit.contains(setting.variable)) continue;
        EXPECT_NE(example.find("\n#" + std::string(setting.variable) + "=\n"), std::string::npos)
            << setting.variable;
    }
}

TEST(Systemd, TheExampleNamesOnlySettingsThatExist) {
    std::set<std::string> known;
    for (const runner::Setting& setting : runner::settings())
        known.insert(std::string(setting.variable));
    std::string example = text_of(example_file);
    std::regex variable("(?:^|\n)#([A-Z_]+)=");
    std::size_t count = 0;
    for (std::sregex_iterator it(example.begin(), example.end(), variable), end; it != end; ++it) {
        EXPECT_TRUE(known.contains((*it)[1].str())) << (*it)[1];
        ++count;
    }
    EXPECT_GT(count, 10u);
}

}  // namespace
