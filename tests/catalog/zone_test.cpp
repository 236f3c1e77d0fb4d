#include "catalog/zone.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using catalog::Zone;
using catalog::zone_of;
using namespace std::chrono_literals;

Zone::Utc utc(int year, unsigned month, unsigned day, std::chrono::seconds time) {
    return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                                 static_cast<int>(day)) +
           time;
}

Zone::Local local(int year, unsigned month, unsigned day, std::chrono::seconds time) {
    return Zone::Local(utc(year, month, day, time).time_since_epoch());
}

TEST(Zone, BerlinChangesClocksOnTheSecond) {
    auto berlin = zone_of("Europe/Berlin");
    EXPECT_EQ(berlin->offset_at(utc(2026, 3, 29, 59min + 59s)), 1h);
    EXPECT_EQ(berlin->offset_at(utc(2026, 3, 29, 1h)), 2h);
    EXPECT_EQ(berlin->offset_at(utc(2026, 10, 25, 59min + 59s)), 2h);
    EXPECT_EQ(berlin->offset_at(utc(2026, 10, 25, 1h)), 1h);
}

TEST(Zone, TheRuleHoldsAfterTheLastTransitionOfTheFile) {
    auto berlin = zone_of("Europe/Berlin");
    EXPECT_EQ(berlin->offset_at(utc(2060, 7, 1, 12h)), 2h);
    EXPECT_EQ(berlin->offset_at(utc(2060, 12, 1, 12h)), 1h);
    // Summer spans the turn of the year; the change comes at two resp. three in the morning.
    auto sydney = zone_of("Australia/Sydney");
    EXPECT_EQ(sydney->offset_at(utc(2060, 1, 1, 0h)), 11h);
    EXPECT_EQ(sydney->offset_at(utc(2060, 7, 1, 0h)), 10h);
    EXPECT_EQ(zone_of("Asia/Kolkata")->offset_at(utc(2060, 7, 1, 0h)), 5h + 30min);
    EXPECT_EQ(zone_of("America/St_Johns")->offset_at(utc(2060, 1, 1, 0h)), -(3h + 30min));
}

TEST(Zone, LocalTimesThatAreSkippedOrDoubledAreSettled) {
    auto berlin = zone_of("Europe/Berlin");
    // 02:30 does not exist on that day; it becomes 03:30.
    EXPECT_EQ(berlin->to_utc(local(2026, 3, 29, 2h + 30min)), utc(2026, 3, 29, 1h + 30min));
    // 02:30 comes twice; the first is meant.
    EXPECT_EQ(berlin->to_utc(local(2026, 10, 25, 2h + 30min)), utc(2026, 10, 25, 30min));
}

TEST(Zone, LocalAndBackIsTheSameMoment) {
    for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC"}) {
        auto zone = zone_of(name);
        for (auto moment = utc(2026, 1, 1, 0h); moment < utc(2027, 1, 1, 0h); moment += 5h + 7min) {
            auto back = zone->to_utc(zone->to_local(moment));
            // The second pass through a doubled hour reads as the first.
            EXPECT_TRUE(back == moment || back == moment - 1h) << name;
        }
    }
}

TEST(Zone, DamagedFilesAreRefused) {
    EXPECT_THROW(Zone("x", ""), base::Failure);
    EXPECT_THROW(Zone("x", "TZif2"), base::Failure);
    EXPECT_THROW(Zone("x", std::string("TZif2") + std::string(39, '\xff')), base::Failure);
    EXPECT_THROW(Zone("x", std::string("TZif2") + std::string(200, '\0')), base::Failure);
}

}  // namespace
