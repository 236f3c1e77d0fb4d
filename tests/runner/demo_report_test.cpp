// The tables that the demo prints: columns stay in line whatever the names are made of.
#include "runner/demo_report.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace {

using base::Json;
using testing::HasSubstr;

Json report_visit(const std::string& persona, const Json& cost) {
    return Json{{"visit", "v"},         {"persona", persona},   {"archetype", "power-user"},
                {"status", "finished"}, {"reason", "end_turn"}, {"turns", 4},
                {"toolCallsOk", 7},     {"toolCallsError", 1},  {"toolCallsUnknown", 1},
                {"modules", 3},         {"ratings", 3},         {"ratingsWithoutScore", 0},
                {"tokensIn", 12'345},   {"tokensOut", Json()},  {"costUsd", cost},
                {"seconds", 1.25}};
}

Json report_day() {
    return Json{{"personas",
                 Json::array({report_visit("jörg-ümläut", 0.01234), report_visit("anna", Json())})},
                {"modules", Json::array({{{"module", "notes"},
                                          {"n", 12},
                                          {"meanRating", 3.5},
                                          {"unparsed", 0},
                                          {"refused", 1},
                                          {"missing", 2}},
                                         {{"module", "zoo"},
                                          {"n", 0},
                                          {"meanRating", Json()},
                                          {"unparsed", 0},
                                          {"refused", 0},
                                          {"missing", 1}}})}};
}

std::size_t report_width(std::string_view line) {
    return static_cast<std::size_t>(
        std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(DemoReport, AllLinesOfATableAreEquallyWide) {
    const std::string tables = runner::day_tables(report_day());
    std::size_t table = 0, width = 0, lines = 0;
    for (const std::string_view line : base::split(tables, '\n')) {
        if (line.empty()) {
            ++table;
            width = 0;
            continue;
        }
        ++lines;
        if (width == 0) width = report_width(line);
        EXPECT_EQ(report_width(line), width) << line;
    }
    EXPECT_EQ(lines, 8U);  // Two tables: head, rule and two rows each.
    EXPECT_GE(table, 2U);
}

TEST(DemoReport, ItFitsTheTerminalAndKeepsWhatItCan) {
    for (std::size_t columns = 30; columns <= 130; ++columns) {
        const std::string tables = runner::day_tables(report_day(), columns);
        for (const std::string_view line : base::split(tables, '\n')) {
            EXPECT_LE(report_width(line), columns) << line;
        }
        EXPECT_THAT(tables, HasSubstr("7/2")) << columns;
        EXPECT_THAT(tables, HasSubstr("jörg-ümläut")) << columns;
    }
    // Eighty columns are enough for every figure.
    const std::string usual = runner::day_tables(report_day(), 80);
    EXPECT_THAT(usual, HasSubstr("12345"));
    EXPECT_THAT(usual, HasSubstr("0.0123"));
    EXPECT_THAT(usual, testing::Not(HasSubstr("too narrow")));
    const std::string narrow = runner::day_tables(report_day(), 50);
    EXPECT_THAT(narrow, HasSubstr("too narrow for: "));
    EXPECT_EQ(runner::day_tables(report_day(), 0), runner::day_tables(report_day(), 1'000));
}

TEST(DemoReport, ShowsNumbersAsStoredAndNothingForNull) {
    const std::string tables = runner::day_tables(report_day());
    EXPECT_THAT(tables, HasSubstr("7/2"));  // Unknown outcomes count as errors.
    EXPECT_THAT(tables, HasSubstr("0.0123"));
    EXPECT_THAT(tables, HasSubstr("12345"));
    EXPECT_THAT(tables, HasSubstr("3.50"));
    EXPECT_THAT(tables, HasSubstr("–"));
}

TEST(DemoReport, AModelWithoutAPriceIsUnpricedAndNotFree) {
    base::Json day = report_day();
    day["personas"][1]["tokensOut"] = 321;
    EXPECT_THAT(runner::day_tables(day), HasSubstr("unpriced"));
    EXPECT_THAT(runner::day_tables(day), testing::Not(HasSubstr("0.0000")));
}

TEST(DemoReport, AnEmptyDayIsTwoHeads) {
    const std::string tables =
        runner::day_tables(Json{{"personas", Json::array()}, {"modules", Json::array()}});
    EXPECT_THAT(tables, HasSubstr("persona"));
    EXPECT_THAT(tables, HasSubstr("mean rating"));
}

}  // namespace
