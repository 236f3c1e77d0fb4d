#include "workspace/dates.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Dates, KnowsTheDaysThatExist) {
    EXPECT_TRUE(workspace::is_date("2026-11-21"));
    EXPECT_TRUE(workspace::is_date("2028-02-29"));
    for (const char* bad : {"2027-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "21.11.2026",
                            "2026-11-21T00:00:00Z", "", "0000-01-01", "2026-11-2x", "----------"}) {
        EXPECT_FALSE(workspace::is_date(bad)) << bad;
    }
}

TEST(Dates, KnowsTheTimesOfADay) {
    EXPECT_TRUE(workspace::is_time("00:00"));
    EXPECT_TRUE(workspace::is_time("23:59"));
    for (const char* bad : {"24:00", "12:60", "9:30", "09:3", "09.30", "0a:30", ""}) {
        EXPECT_FALSE(workspace::is_time(bad)) << bad;
    }
}

TEST(Dates, CountsDaysAcrossMonthsAndYears) {
    EXPECT_EQ(workspace::plus_days("2026-12-31", 1), "2027-01-01");
    EXPECT_EQ(workspace::plus_days("2028-03-01", -1), "2028-02-29");
    EXPECT_EQ(workspace::plus_days("2026-11-21", -7), "2026-11-14");
    EXPECT_EQ(workspace::plus_days("9999-12-31", 5), "9999-12-31");
}

TEST(Dates, WritesEveryMomentInOneForm) {
    EXPECT_EQ(workspace::utc_text("2026-11-21T10:00:00+01:00"), "2026-11-21T09:00:00.000Z");
    EXPECT_EQ(workspace::utc_text("2026-11-21T09:00:00.5Z"), "2026-11-21T09:00:00.500Z");
    EXPECT_EQ(workspace::utc_text("soon"), std::nullopt);
}

}  // namespace
