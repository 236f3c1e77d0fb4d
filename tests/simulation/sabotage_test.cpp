// Each promise is broken on purpose, to prove that the referee sees it and says what it saw: no
// check of the simulation is a dead one.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/log.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

namespace {

struct Break {
    const char* fact;  // What is noticed.
    Sabotage sabotage;
    Invariant invariant;
    const char* words;                  // Of the violation.
    void (*shape)(Profile&) = nullptr;  // The world in which it shows.
};

void small_visits(Profile& profile) {
    profile.budget_visit = 0.09;
}

// Several daemons share a day's money that is not enough for all.
void small_days(Profile& profile) {
    profile.nodes = 3;
    profile.budget_visit = profile.budget_persona_day = 0;
    profile.budget_day = 0.3;
    profile.everybody_ticks = 20;
}

void small_persona_days(Profile& profile) {
    profile.budget_visit = profile.budget_day = 0;
    profile.budget_persona_day = 0.15;
    profile.everybody_ticks = 20;
}

// The service hands out visits and takes no records.
void small_outbox(Profile& profile) {
    profile.outbox_bytes = 8U << 10;
    profile.nodes = 1;
    profile.personas = 5;
    profile.concurrency = 3;
    profile.turns_max = 5;
    profile.visit_max = std::chrono::seconds{120};
    profile.unrest = std::chrono::minutes{90};
    profile.delivery_outages = 60;
    profile.everybody_ticks = 60;
    profile.crashes = profile.stops = profile.auth_outages = profile.disk_full = 0;
}

const Break breaks[] = {
    {"ACallThatIsExecutedTwice", Sabotage::runs_calls_twice, Invariant::rows_match_calls,
     "is executed 2 times"},
    {"ARefusedCallThatWasExecuted", Sabotage::runs_refused_calls, Invariant::rows_match_calls,
     "the call was executed"},
    {"ALostRow", Sabotage::forgets_rows, Invariant::rows_match_calls,
     "was executed and has no row"},
    {"AVisitThatEndsWithoutARow", Sabotage::forgets_rows, Invariant::rows_match_calls,
     "visit ended without its row"},
    {"AVisitWithoutEnd", Sabotage::forgets_ends, Invariant::one_end_per_visit, "ended 0 times"},
    {"AVisitThatEndsTwice", Sabotage::ends_twice, Invariant::one_end_per_visit, "ended 2 times"},
    {"TwoVisitsOfOnePersona", Sabotage::two_visits_at_once, Invariant::one_visit_per_persona,
     " run"},
    {"ACallAfterTheLease", Sabotage::short_leases, Invariant::no_call_after_lease,
     "leaves too late"},
    {"APersonaWhoIsDueAgainAtOnce", Sabotage::due_again_at_once, Invariant::not_due_at_once,
     "is due again at once"},
    {"APersonaWhoIsTakenAgainAtOnce", Sabotage::due_again_at_once, Invariant::not_due_at_once,
     "is taken again at once"},
    {"AnOutboxThatNeverDrains", Sabotage::refuses_for_ever, Invariant::everything_drains, "keeps"},
    {"ACallWithoutItsIntentOnDisk", Sabotage::disk_lies, Invariant::intent_before_call, ""},
    {"AnEndThatWasOnDiskAndIsNotTold", Sabotage::loses_end_texts, Invariant::everything_drains,
     "was on disk and is not told"},
    {"ATurnBeforeTheOutcomeIsOnDisk", Sabotage::loses_outcomes, Invariant::outcome_before_turn, ""},
    {"AScoreThatNobodyGave", Sabotage::scores_from_nowhere, Invariant::ratings_are_answers,
     "was never said"},
    {"AChangedEcho", Sabotage::history_rewritten, Invariant::history_only_grows,
     "the reply is echoed as"},
    {"ACallWithoutItsAnswer", Sabotage::answers_elsewhere, Invariant::history_only_grows,
     "no answer of its own"},
    {"AClockInThePrompt", Sabotage::clock_in_prompt, Invariant::prompt_is_stable, ""},
    {"AWaitThatIsNotKept", Sabotage::waits_unsaid, Invariant::waits_are_honoured, ""},
    {"ARetryThatHides", Sabotage::hides_retries, Invariant::retries_are_few, "says another number"},
    {"TooManyRetries", Sabotage::tries_too_often, Invariant::retries_are_few, "is tried 7 times"},
    {"RatingsThatAreAskedForAgain", Sabotage::doubles_ratings, Invariant::ratings_remember,
     "asked for again"},
    {"RatingsWithTools", Sabotage::tools_in_ratings, Invariant::ratings_remember, "offers tools"},
    {"RatingsByNobody", Sabotage::ratings_by_nobody, Invariant::ratings_remember, "put to nobody"},
    {"ADigestThatForgets", Sabotage::shortens_digests, Invariant::ratings_remember,
     "the disk others"},
    {"ANoteThatRestsOnNothing", Sabotage::loses_evidence, Invariant::ratings_remember,
     "rests on other actions"},
    {"AFailureOfNobody", Sabotage::loses_sources, Invariant::failures_have_a_source, "names none"},
    {"AFailureOfSomebodyElse", Sabotage::blames_another, Invariant::failures_have_a_source,
     "it was "},
    {"AToolThatIsNotOffered", Sabotage::hides_a_tool, Invariant::names_map_both_ways,
     "is not offered"},
    {"ANameThatIsNone", Sabotage::renames_tools, Invariant::names_map_both_ways,
     "no name for the model"},
    {"AnotherToolThanWasMeant", Sabotage::mistakes_tools, Invariant::names_map_both_ways,
     " meant "},
    {"ARowOfAnotherModule", Sabotage::moves_a_tool, Invariant::names_map_both_ways, " in todo"},
    {"ARunnerWithoutItsKey", Sabotage::loses_service_keys, Invariant::writers_are_proven,
     "no service key"},
    {"AKeyThatIsShownAround", Sabotage::spreads_service_keys, Invariant::writers_are_proven,
     "shown the runner's key"},
    {"APersonaWithoutAToken", Sabotage::loses_bearers, Invariant::writers_are_proven,
     "has no token"},
    {"APersonaWithTheTokenOfAnother", Sabotage::confuses_tokens, Invariant::writers_are_proven,
     "calls for visit"},
    {"ADayWithoutEnd", Sabotage::turns_without_end, Invariant::nothing_unbounded, " turns"},
    {"TooManyVisitsAtOnce", Sabotage::too_many_at_once, Invariant::nothing_unbounded,
     "visits at once"},
    {"AClaimOfTooMany", Sabotage::too_many_at_once, Invariant::nothing_unbounded, "a claim of"},
    {"ARowThatIsTooLong", Sabotage::hears_long_rows, Invariant::nothing_unbounded, "is too long"},
    {"AnOutboxWithoutEnd", Sabotage::outbox_without_end, Invariant::nothing_unbounded,
     "bytes in its outbox", small_outbox},
    {"AVisitThatSpendsTooMuch", Sabotage::spends_freely, Invariant::money_is_kept,
     "the limit of a visit", small_visits},
    {"ADayThatCostsTooMuch", Sabotage::grants_to_each, Invariant::money_is_kept,
     "the limit of the day", small_days},
    {"APersonaWhoSpendsTooMuch", Sabotage::forgets_the_spent, Invariant::money_is_kept,
     "the limit of a persona's day", small_persona_days},
    {"MoneyThatIsNotTold", Sabotage::bills_more, Invariant::money_is_kept, "tells of"},
    {"APersonaOnHoldWhoIsTaken", Sabotage::ignores_holds, Invariant::holds_hold, ""},
    {"ASlotThatIsTriedTooOften", Sabotage::tries_for_ever, Invariant::attempts_are_few, ""},
    {"ASlotThatIsGivenUpInSilence", Sabotage::forgets_skipped, Invariant::slots_are_counted,
     "without a word"},
    {"ALivedSlotInTheLedger", Sabotage::gives_up_lived, Invariant::slots_are_counted,
     "was lived and given up"},
    {"APersonaWhoIsTakenEarly", Sabotage::takes_early, Invariant::never_early, ""},
    {"ACallThatNobodyKnows", Sabotage::mishears_paths, Invariant::nothing_unknown, ""},
};

class Noticed : public testing::TestWithParam<Break> {
  protected:
    Noticed() { base::set_log_level(base::LogLevel::off); }
    ~Noticed() override { base::set_log_level(base::LogLevel::info); }
};

// By any of some seeds.
TEST_P(Noticed, WhenItIsBroken) {
    const Break& wanted = GetParam();
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        Profile profile = profile_of(seed, wanted.sabotage);
        if (wanted.shape) wanted.shape(profile);
        const Outcome outcome = run_world(profile);
        const bool noticed = std::any_of(
            outcome.violations.begin(), outcome.violations.end(), [&](const auto& violation) {
                return violation.first == wanted.invariant &&
                       violation.second.find(wanted.words) != std::string::npos;
            });
        if (noticed) return;
    }
    FAIL() << "nobody noticed " << wanted.fact;
}

INSTANTIATE_TEST_SUITE_P(Simulation, Noticed, testing::ValuesIn(breaks),
                         [](const auto& each) { return std::string(each.param.fact); });

TEST(Sabotages, BreakEveryInvariantAndAreAllTried) {
    std::set<Sabotage> tried{Sabotage::none};
    std::set<Invariant> broken;
    for (const Break& each : breaks) {
        tried.insert(each.sabotage);
        broken.insert(each.invariant);
    }
    EXPECT_EQ(tried.size(), sabotages);
    EXPECT_EQ(broken.size(), invariants);
}

}  // namespace

}  // namespace simulation
