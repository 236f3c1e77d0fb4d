// The simulation of time looks at itself: the same seed tells the same story, and each invariant is
// broken once on purpose to prove that the referee sees it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/log.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

namespace {

class Simulation : public testing::Test {
  protected:
    Simulation() { base::set_log_level(base::LogLevel::off); }
    ~Simulation() override { base::set_log_level(base::LogLevel::info); }

    // Whether any of some seeds notices the break, and by which invariant.
    static bool is_noticed(Sabotage sabotage, Invariant invariant) {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            const Outcome outcome = run_world(profile_of(seed, sabotage));
            const bool noticed =
                std::any_of(outcome.violations.begin(), outcome.violations.end(),
                            [&](const auto& violation) { return violation.first == invariant; });
            if (noticed) return true;
        }
        return false;
    }
};

TEST_F(Simulation, TheSameSeedTellsTheSameStory) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const Outcome first = run_world(profile_of(seed));
        const Outcome second = run_world(profile_of(seed));
        EXPECT_EQ(first.hash, second.hash) << seed;
        EXPECT_EQ(first.events, second.events) << seed;
    }
}

TEST_F(Simulation, AnotherSeedTellsAnotherStory) {
    EXPECT_NE(run_world(profile_of(1)).hash, run_world(profile_of(2)).hash);
}

// A world in which nothing happens proves nothing.
TEST_F(Simulation, SeedsAreEventful) {
    Outcome sum;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const Outcome one = run_world(profile_of(seed));
        sum.finished += one.finished;
        sum.lost += one.lost;
        sum.calls += one.calls;
        sum.ratings += one.ratings;
        sum.lives += one.lives;
    }
    EXPECT_GT(sum.finished, 15);
    EXPECT_GT(sum.lost, 5);
    EXPECT_GT(sum.calls, 60);
    EXPECT_GT(sum.ratings, 20);
    EXPECT_GT(sum.lives, 20);
}

TEST_F(Simulation, NoticesACallThatIsExecutedTwice) {
    EXPECT_TRUE(is_noticed(Sabotage::runs_calls_twice, Invariant::rows_match_calls));
}

TEST_F(Simulation, NoticesARefusedCallThatWasExecuted) {
    EXPECT_TRUE(is_noticed(Sabotage::runs_refused_calls, Invariant::rows_match_calls));
}

TEST_F(Simulation, NoticesALostRow) {
    EXPECT_TRUE(is_noticed(Sabotage::forgets_rows, Invariant::rows_match_calls));
}

TEST_F(Simulation, NoticesAVisitWithoutEnd) {
    EXPECT_TRUE(is_noticed(Sabotage::forgets_ends, Invariant::one_end_per_visit));
}

TEST_F(Simulation, NoticesAVisitThatEndsTwice) {
    EXPECT_TRUE(is_noticed(Sabotage::ends_twice, Invariant::one_end_per_visit));
}

TEST_F(Simulation, NoticesTwoVisitsOfOnePersona) {
    EXPECT_TRUE(is_noticed(Sabotage::two_visits_at_once, Invariant::one_visit_per_persona));
}

TEST_F(Simulation, NoticesACallAfterTheLease) {
    EXPECT_TRUE(is_noticed(Sabotage::short_leases, Invariant::no_call_after_lease));
}

TEST_F(Simulation, NoticesAPersonaWhoIsDueAgainAtOnce) {
    EXPECT_TRUE(is_noticed(Sabotage::due_again_at_once, Invariant::not_due_at_once));
}

TEST_F(Simulation, NoticesAnOutboxThatNeverDrains) {
    EXPECT_TRUE(is_noticed(Sabotage::refuses_for_ever, Invariant::everything_drains));
}

TEST_F(Simulation, NoticesACallWithoutItsIntentOnDisk) {
    EXPECT_TRUE(is_noticed(Sabotage::disk_lies, Invariant::intent_before_call));
}

TEST_F(Simulation, NoticesAnEndThatWasOnDiskAndIsNotTold) {
    EXPECT_TRUE(is_noticed(Sabotage::loses_end_texts, Invariant::everything_drains));
}

TEST_F(Simulation, NoticesATurnBeforeTheOutcomeIsOnDisk) {
    EXPECT_TRUE(is_noticed(Sabotage::loses_outcomes, Invariant::outcome_before_turn));
}

TEST_F(Simulation, NoticesAScoreThatNobodyGave) {
    EXPECT_TRUE(is_noticed(Sabotage::scores_from_nowhere, Invariant::ratings_are_answers));
}

TEST_F(Simulation, NoticesAChangedHistory) {
    EXPECT_TRUE(is_noticed(Sabotage::history_rewritten, Invariant::history_only_grows));
}

TEST_F(Simulation, NoticesAWaitThatIsNotKept) {
    EXPECT_TRUE(is_noticed(Sabotage::waits_unsaid, Invariant::waits_are_honoured));
}

TEST_F(Simulation, NoticesAPersonaOnHoldWhoIsTaken) {
    EXPECT_TRUE(is_noticed(Sabotage::ignores_holds, Invariant::holds_hold));
}

TEST_F(Simulation, NoticesASlotThatIsTriedTooOften) {
    EXPECT_TRUE(is_noticed(Sabotage::tries_for_ever, Invariant::attempts_are_few));
}

TEST_F(Simulation, NoticesASlotThatIsGivenUpInSilence) {
    EXPECT_TRUE(is_noticed(Sabotage::forgets_skipped, Invariant::slots_are_counted));
}

TEST_F(Simulation, NoticesALivedSlotInTheLedger) {
    EXPECT_TRUE(is_noticed(Sabotage::gives_up_lived, Invariant::slots_are_counted));
}

TEST_F(Simulation, NoticesAPersonaWhoIsTakenEarly) {
    EXPECT_TRUE(is_noticed(Sabotage::takes_early, Invariant::never_early));
}

TEST_F(Simulation, NoticesACallThatNobodyKnows) {
    EXPECT_TRUE(is_noticed(Sabotage::mishears_paths, Invariant::nothing_unknown));
}

}  // namespace

}  // namespace simulation
