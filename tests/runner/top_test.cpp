#include "runner/top.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using runner::top_page;
using testing::ElementsAre;
using testing::HasSubstr;

Json visit(const std::string& persona, const std::string& waiting_for, long age_ms) {
    return {{"persona", persona},
            {"waitingFor", waiting_for},
            {"lastTool", "todo.create"},
            {"turn", 3},
            {"toolCalls", 5},
            {"toolErrors", 1},
            {"ageMs", age_ms}};
}

Json status_of(std::vector<Json> visits) {
    return {{"enabled", true},
            {"concurrency", 8},
            {"claiming", true},
            {"lastTickAt", "2026-11-21T09:30:00.250Z"},
            {"lastTick", {{"due", 4}, {"ranSuccessfully", 3}, {"failed", Json::array({1})}}},
            {"lease", {{"held", true}}},
            {"outbox", {{"visits", 2}, {"records", 9}, {"lastError", "connection refused"}}},
            {"running", std::move(visits)}};
}

std::string heading_with(const char* name, Json value) {
    Json status = status_of({});
    status[name] = std::move(value);
    const std::string page = top_page(status, {});
    return page.substr(0, page.find('\n'));
}

std::vector<std::string> lines_of(const std::string& page) {
    std::vector<std::string> lines;
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

TEST(Top, SaysThatTheModelMakesAllWaitOrStoppedThem) {
    EXPECT_EQ(heading_with("modelHeld", {{"ms", 97'200}, {"reason", "429"}}),
              "0 of 8 visits running, all wait for the model 1m38s");
    EXPECT_EQ(heading_with("modelStopped", "a cap"), "0 of 8 visits running, stopped by the model");
}

TEST(Top, ShowsWhoWaitsForWhatLongestFirst) {
    const auto lines = lines_of(
        top_page(status_of({visit("ben", "rating", 5'000), visit("anna", "tool", 3'725'000),
                            visit("cem", "login", 65'000)}),
                 {}));

    EXPECT_THAT(
        lines,
        ElementsAre("3 of 8 visits running",
                    "last tick 2026-11-21T09:30:00.250Z: 4 due, 3 ran, 1 failed",
                    "lease held, outbox 2 visits, 9 records (connection refused)",
                    "PERSONA          PHASE     TURN CALLS ERRORS      AGE  WAITING FOR",
                    "anna             living       3     5      1    1h02m  tool todo.create",
                    "cem              entering     3     5      1    1m05s  login",
                    "ben              rating       3     5      1       5s  rating"));
}

TEST(Top, TellsHowManyDoNotFit) {
    std::vector<Json> many(100, visit("anna", "model", 1'000));
    const auto lines = lines_of(top_page(status_of(many), {.rows = 10, .columns = 80}));

    ASSERT_EQ(lines.size(), 10U);
    EXPECT_EQ(lines.back(), "… and 95 more");
}

TEST(Top, NoLineIsLongerThanTheTerminalAndNoCharacterIsCutInHalf) {
    const std::string page =
        top_page(status_of({visit("Zoë-Äußerst", "model", 1'000)}), {.rows = 24, .columns = 5});

    for (const std::string& line : lines_of(page)) {
        const auto characters = std::ranges::count_if(
            line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
        EXPECT_LE(characters, 5) << line;
    }
    EXPECT_THAT(page, HasSubstr("Zoë-…\n"));
}

TEST(Top, SaysWhyNothingRuns) {
    EXPECT_THAT(top_page({{"enabled", false}, {"reason", "ANTHROPIC_API_KEY is not set"}}, {}),
                HasSubstr("visits disabled: ANTHROPIC_API_KEY is not set\n"));
    Json draining = status_of({});
    draining["claiming"] = false;
    draining["paused"] = true;
    EXPECT_THAT(top_page(draining, {}), HasSubstr("0 of 8 visits running, timer paused, draining"));
}

}  // namespace
