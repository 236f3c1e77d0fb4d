// Both forms of due: idle time and slots. 2026-11-21 is a Saturday.
#include "catalog/cadence.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using catalog::Cadence;
using catalog::due_if_idle_since;
using catalog::next_slot;
using namespace std::chrono_literals;

base::Moment at(std::string_view text) {
    auto moment = base::from_iso(text);
    EXPECT_TRUE(moment) << text;
    return moment.value_or(base::Moment{});
}

TEST(Cadence, WordsGoBothWays) {
    for (std::string_view word : catalog::cadence_words())
        EXPECT_EQ(catalog::word_of(catalog::cadence_of(word).value()), word);
    EXPECT_FALSE(catalog::cadence_of("Daily"));
    EXPECT_FALSE(catalog::cadence_of(""));
}

TEST(Cadence, HourlyAndDailyAreDueAfterTheirSpan) {
    auto now = at("2026-11-20T12:00:00Z");
    EXPECT_EQ(due_if_idle_since(Cadence::hourly, now), now - 1h);
    EXPECT_EQ(due_if_idle_since(Cadence::daily, now), now - 24h);
    EXPECT_EQ(due_if_idle_since(Cadence::weekdays, now), now - 24h);
}

TEST(Cadence, WeekdaysAreNeverDueOnASaturdayOrSunday) {
    EXPECT_TRUE(due_if_idle_since(Cadence::weekdays, at("2026-11-20T23:59:59.999Z")));
    EXPECT_FALSE(due_if_idle_since(Cadence::weekdays, at("2026-11-21T00:00:00Z")));
    EXPECT_FALSE(due_if_idle_since(Cadence::weekdays, at("2026-11-22T23:59:59Z")));
    EXPECT_TRUE(due_if_idle_since(Cadence::weekdays, at("2026-11-23T00:00:00Z")));
    EXPECT_TRUE(due_if_idle_since(Cadence::daily, at("2026-11-21T12:00:00Z")));
}

TEST(Cadence, TheZoneDecidesWhenTheWeekendBegins) {
    // Half past eleven at night in UTC on Friday is Saturday in Berlin.
    auto late_friday = at("2026-11-20T23:30:00Z");
    EXPECT_TRUE(due_if_idle_since(Cadence::weekdays, late_friday, "UTC"));
    EXPECT_FALSE(due_if_idle_since(Cadence::weekdays, late_friday, "Europe/Berlin"));
}

TEST(Cadence, SlotsDoNotDrift) {
    auto started = at("2026-11-18T09:00:00.123456Z");
    EXPECT_EQ(next_slot(Cadence::hourly, started), started + 1h);
    EXPECT_EQ(next_slot(Cadence::daily, started), started + 24h);
    EXPECT_EQ(next_slot(Cadence::weekdays, started), started + 24h);
}

TEST(Cadence, WeekdaySlotsSkipTheWeekend) {
    EXPECT_EQ(next_slot(Cadence::weekdays, at("2026-11-20T09:30:00.250Z")),
              at("2026-11-23T09:30:00.250Z"));
    EXPECT_EQ(next_slot(Cadence::weekdays, at("2026-11-21T09:30:00Z")), at("2026-11-23T09:30:00Z"));
    EXPECT_EQ(next_slot(Cadence::weekdays, at("2026-11-22T09:30:00Z")), at("2026-11-23T09:30:00Z"));
}

TEST(Cadence, MondayKeepsTheLocalTimeAcrossAChangeOfClocks) {
    // Berlin leaves summer time on Sunday 2026-10-25: nine o'clock is 07:00Z before, 08:00Z after.
    EXPECT_EQ(next_slot(Cadence::weekdays, at("2026-10-23T07:00:00Z"), "Europe/Berlin"),
              at("2026-10-26T08:00:00Z"));
    EXPECT_EQ(next_slot(Cadence::weekdays, at("2026-03-27T08:00:00Z"), "Europe/Berlin"),
              at("2026-03-30T07:00:00Z"));
}

TEST(Cadence, ASlotIsDueByTheFormulaToo) {
    for (Cadence cadence : {Cadence::hourly, Cadence::daily, Cadence::weekdays}) {
        for (auto started = at("2026-10-19T21:30:00Z"); started < at("2026-11-02T21:30:00Z");
             started += 7h) {
            auto slot = next_slot(cadence, started, "Europe/Berlin");
            auto limit = due_if_idle_since(cadence, slot, "Europe/Berlin");
            ASSERT_TRUE(limit) << base::to_iso(started);
            EXPECT_GE(*limit, started) << base::to_iso(started);
        }
    }
}

TEST(Cadence, UnknownZonesAreRefusedByName) {
    catalog::require_zone("UTC");
    catalog::require_zone("Europe/Berlin");
    for (const char* zone : {"", "Europe/Nowhere", "../etc/passwd", "/etc/passwd", "Europe", "a b"})
        EXPECT_THROW(catalog::require_zone(zone), base::Failure) << zone;
    try {
        catalog::require_zone("Mars/Olympus");
        FAIL();
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
        EXPECT_NE(std::string(failure.what()).find("Mars/Olympus"), std::string::npos);
    }
}

}  // namespace
