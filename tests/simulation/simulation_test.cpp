// The simulation of time looks at itself: the same seed tells the same story, another one another,
// and a failing one says how it is played again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

namespace {

using testing::HasSubstr;

class Simulation : public testing::Test {
  protected:
    Simulation() { base::set_log_level(base::LogLevel::off); }
    ~Simulation() override { base::set_log_level(base::LogLevel::info); }
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

// A failing seed says how it is played again.
TEST_F(Simulation, AFailingSeedIsPlayedAgainByItsNumber) {
    const Profile profile = profile_of(1, Sabotage::runs_calls_twice);
    const Outcome outcome = run_world(profile);
    ASSERT_FALSE(outcome.violations.empty());
    const std::string report = report_of(profile, outcome, "build/dev/tests/simulation");
    EXPECT_THAT(report, HasSubstr("replay: build/dev/tests/simulation --seed 1 --trace\n"));
    EXPECT_THAT(report, HasSubstr("rows match calls: call "));
    EXPECT_FALSE(outcome.recent.empty());
    EXPECT_EQ(run_world(profile).hash, outcome.hash);
}

}  // namespace

}  // namespace simulation
