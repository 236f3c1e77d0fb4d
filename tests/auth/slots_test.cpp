// Spread, catch-up and waits, decided without a database.
#include <set>

#include <gtest/gtest.h>

#include "auth/personas/slots.hpp"
#include "auth/personas/visits.hpp"

namespace tests {
namespace {

using auth::slot_after;
using auth::start_delay;
using catalog::Cadence;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// 2026-11-20 is a Friday.
constexpr base::Moment slots_friday =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + hours{9};
const std::string anna = "persona.anna@mana.test";

TEST(Slots, WaitsAreSpreadOverTheirWholeSpan) {
    const auth::VisitRules rules;
    EXPECT_EQ(auth::wait_before_attempt(rules, 1, 0.0), seconds(30));
    EXPECT_EQ(auth::wait_before_attempt(rules, 1, 1.0), seconds(300));
    EXPECT_EQ(auth::wait_before_attempt(rules, 2, 1.0), seconds(600));
    EXPECT_EQ(auth::wait_before_attempt(rules, 2, 0.5), seconds(315));
    EXPECT_EQ(auth::wait_before_attempt(rules, 1, 7.0), seconds(300));
    EXPECT_EQ(auth::wait_before_attempt(rules, 60, 1.0), seconds(300 * 1024));
}

TEST(Slots, TheDelayOfAPersonaIsHerOwnAndAlwaysTheSame) {
    std::set<milliseconds> delays;
    std::int64_t early = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::string email = "persona.p" + std::to_string(i) + "@mana.test";
        const milliseconds delay = start_delay(email, minutes(10));
        EXPECT_EQ(start_delay(email, minutes(10)), delay);
        EXPECT_GE(delay.count(), 0);
        EXPECT_LT(delay, minutes(10));
        delays.insert(delay);
        if (delay < minutes(5)) ++early;
    }
    EXPECT_GT(delays.size(), 980u);
    EXPECT_GT(early, 400);
    EXPECT_LT(early, 600);
    // SHA-256 of the address; a change of it would move everybody.
    EXPECT_EQ(start_delay(anna, seconds(1'000'000)), milliseconds(408717361));
}

TEST(Slots, WithoutASpreadNothingIsDelayed) {
    const auth::VisitRules rules;
    EXPECT_EQ(start_delay(anna, seconds(0)), milliseconds(0));
    EXPECT_EQ(auth::first_slot(Cadence::daily, anna, slots_friday, rules), slots_friday);
    EXPECT_EQ(slot_after(Cadence::daily, anna, slots_friday, slots_friday + hours(9), rules),
              slots_friday + hours(33));
}

TEST(Slots, TheFirstSlotIsDelayedAndOnADayOffItIsMondays) {
    auth::VisitRules rules;
    rules.spread = minutes(10);
    const milliseconds delay = start_delay(anna, rules.spread);
    ASSERT_GT(delay.count(), 0);
    EXPECT_EQ(auth::first_slot(Cadence::hourly, anna, slots_friday, rules), slots_friday + delay);
    const base::Moment saturday = slots_friday + hours(24);
    EXPECT_EQ(auth::first_slot(Cadence::weekdays, anna, saturday, rules),
              saturday + hours(48) + delay);
    // A delay that runs into the weekend ends on Monday.
    const base::Moment late = slots_friday + hours(15) - milliseconds(1);
    EXPECT_EQ(auth::first_slot(Cadence::weekdays, anna, late, rules), late + delay + hours(48));
}

TEST(Slots, InHerRhythmTheDelayIsCarriedOnAndNeverAddsUp) {
    auth::VisitRules rules;
    rules.spread = minutes(10);
    const milliseconds delay = start_delay(anna, rules.spread);
    base::Moment due = auth::first_slot(Cadence::daily, anna, slots_friday, rules);
    for (int day = 0; day < 365; ++day) due = slot_after(Cadence::daily, anna, due, due, rules);
    EXPECT_EQ(due, slots_friday + delay + hours(24 * 365));
    // A start that waited for a place is the base of the next slot, as without a spread.
    EXPECT_EQ(slot_after(Cadence::daily, anna, due, due + hours(1), rules), due + hours(25));
}

TEST(Slots, AVisitOutsideHerRhythmIsFollowedByADelayedSlot) {
    auth::VisitRules rules;
    rules.spread = minutes(10);
    const milliseconds delay = start_delay(anna, rules.spread);
    const base::Moment due = slots_friday;
    const base::Moment after_stop = due + hours(5);
    EXPECT_EQ(slot_after(Cadence::hourly, anna, due, after_stop, rules),
              after_stop + hours(1) + delay);
    const base::Moment before = due - minutes(1);  // A pass over everybody.
    EXPECT_EQ(slot_after(Cadence::hourly, anna, due, before, rules), before + hours(1) + delay);
}

TEST(Slots, NoSlotIsEverEarlierThanWithoutASpread) {
    const auth::VisitRules plain;
    auth::VisitRules spread;
    spread.spread = hours(2);
    for (const Cadence cadence : {Cadence::hourly, Cadence::daily, Cadence::weekdays}) {
        for (int i = 0; i < 200; ++i) {
            const std::string email = "p" + std::to_string(i);
            const base::Moment now = slots_friday + minutes(37 * i);
            EXPECT_GE(auth::first_slot(cadence, email, now, spread),
                      auth::first_slot(cadence, email, now, plain));
            EXPECT_GE(slot_after(cadence, email, slots_friday, now, spread),
                      slot_after(cadence, email, slots_friday, now, plain));
        }
    }
}

TEST(Slots, SlotsOfAStopAreListedUpToNow) {
    const auth::VisitRules rules;
    const auto list = [&](Cadence cadence, hours first, hours now) {
        return auth::slots_until(cadence, "anna", slots_friday + first, slots_friday + now, rules);
    };
    EXPECT_TRUE(list(Cadence::hourly, hours(1), hours(0)).empty());
    EXPECT_EQ(list(Cadence::hourly, hours(1), hours(1)).size(), 1u);
    EXPECT_EQ(list(Cadence::hourly, hours(1), hours(5)).size(), 5u);
    EXPECT_EQ(list(Cadence::daily, hours(24), hours(7 * 24)).size(), 7u);
    const auto week = list(Cadence::weekdays, hours(72), hours(7 * 24));  // Monday to Friday.
    ASSERT_EQ(week.size(), 5u);
    EXPECT_EQ(week.front().slot, slots_friday + hours(72));
    EXPECT_EQ(week.back().slot, slots_friday + hours(7 * 24));
}

TEST(Slots, TheOldestSlotsOfAVeryLongStopAreOneRow) {
    const auth::VisitRules rules;
    const auto list = [&](int slots) {
        return auth::slots_until(Cadence::hourly, "anna", slots_friday,
                                 slots_friday + hours(slots - 1), rules);
    };
    const auto whole = list(static_cast<int>(auth::skipped_slots_max));
    ASSERT_EQ(whole.size(), auth::skipped_slots_max);
    EXPECT_EQ(whole.front().slots, 1);
    const auto folded = list(1000);
    ASSERT_EQ(folded.size(), auth::skipped_slots_max);
    EXPECT_EQ(folded.front().slot, slots_friday);
    std::int64_t all = 0;
    for (const auto& row : folded) all += row.slots;
    EXPECT_EQ(all, 1000);
    EXPECT_EQ(folded[1].slot, slots_friday + hours(folded.front().slots));
    EXPECT_EQ(folded.back().slot, slots_friday + hours(999));
}

}  // namespace
}  // namespace tests
