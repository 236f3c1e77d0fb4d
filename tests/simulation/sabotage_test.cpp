// Each promise is broken on purpose, to prove that the referee sees it and says what it saw: no
// check of the simulation is a dead one.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
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

// So that logins are taken up again.
void short_tokens(Profile& profile) {
    profile.token_life = std::chrono::seconds{120};
}

void many_crashes(Profile& profile) {
    profile.crashes = 60;
    profile.model_pace = std::chrono::seconds{30};
    profile.releases = 0;
}

void three_nodes(Profile& profile) {
    profile.nodes = 3;
    profile.personas = 2;
    profile.everybody_ticks = 20;
}

void busy_services(Profile& profile) {
    profile.busy = 0.3;
}

// The model fails, and nothing else does.
void calm_processes(Profile& profile) {
    profile.model_outages = 20;
    profile.stops = profile.auth_outages = profile.partitions = profile.orphanings = 0;
    profile.refused = profile.vanished = profile.reset_before = profile.reset_after = 0;
    profile.silent_after = profile.gateway_before = profile.gateway_after = profile.slow = 0;
    profile.busy = profile.garbled = profile.beat_lost = profile.crashes = 0;
}

void few_steps(Profile& profile) {
    profile.steps_max = 100;
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
    {"AnOkRowOfACallThatNeverWas", Sabotage::forgets_calls, Invariant::rows_match_calls,
     "was never executed"},
    {"ACallOfAVisitThatIsNobodys", Sabotage::mistakes_visits, Invariant::nothing_unknown,
     "of an unknown visit"},
    {"ASessionOfAnother", Sabotage::swaps_sessions, Invariant::writers_are_proven,
     "uses another's session"},
    {"AMethodThatNobodyKnows", Sabotage::mishears_methods, Invariant::nothing_unknown,
     "MCP method"},
    {"TooManyRowsAtOnce", Sabotage::hears_many_rows, Invariant::nothing_unbounded, " rows at once"},
    {"ARowOfAVisitThatIsNobodys", Sabotage::hears_strange_rows, Invariant::nothing_unknown,
     "an action row of a visit"},
    {"ARatingOfAVisitThatIsNobodys", Sabotage::hears_strange_ratings, Invariant::nothing_unknown,
     "a rating of a visit"},
    {"AnEndOfAVisitThatIsNobodys", Sabotage::hears_strange_ends, Invariant::nothing_unknown,
     "that nobody claimed"},
    {"ARatingWithoutANumber", Sabotage::loses_scores, Invariant::ratings_are_answers,
     "a rating with status"},
    {"AWrongPassword", Sabotage::mistakes_passwords, Invariant::writers_are_proven,
     "a wrong password"},
    {"ASessionThatNobodyWasGiven", Sabotage::loses_sessions, Invariant::writers_are_proven,
     "nobody was given", short_tokens},
    {"SpacesWithoutAToken", Sabotage::loses_logins, Invariant::writers_are_proven,
     "without a token"},
    {"RecordsThatAreSetAside", Sabotage::disowns_personas, Invariant::everything_drains,
     "was set aside in rejected"},
    {"SlotsThatAreLeftOut", Sabotage::leaves_out_slots, Invariant::slots_are_counted,
     "nothing is known of"},
    {"APersonaWhoIsDueForEver", Sabotage::hands_out_nobody, Invariant::everything_drains,
     "is due and nobody comes"},
    {"APersonaInQuarantineWhoIsTaken", Sabotage::ignores_holds, Invariant::holds_hold,
     "is in quarantine", many_crashes},
    {"ADayOnTwoNodes", Sabotage::two_visits_at_once, Invariant::one_visit_per_persona,
     "whose visit runs on", three_nodes},
    {"ACallBesideAnotherVisit", Sabotage::two_visits_at_once, Invariant::one_visit_per_persona,
     "is running too", three_nodes},
    {"ACallOfAVisitThatIsOver", Sabotage::takes_visits_away, Invariant::one_visit_per_persona,
     "of a visit that is", three_nodes},
    {"ACallThatArrivesAfterTheLease", Sabotage::short_leases, Invariant::no_call_after_lease,
     "arrives"},
    {"ADeliveryThatDoesNotWait", Sabotage::waits_unsaid, Invariant::waits_are_honoured,
     "comes again before", busy_services},
    {"ADayThatWasNotLived", Sabotage::forgets_days, Invariant::ratings_remember, "was not lived"},
    {"AnotherKeyForTheModel", Sabotage::shows_other_keys, Invariant::writers_are_proven,
     "another key than its own"},
    {"TooManyCacheMarks", Sabotage::marks_too_often, Invariant::nothing_unbounded,
     "marked too often"},
    {"AChangedPast", Sabotage::changes_the_past, Invariant::history_only_grows,
     "what was said has changed"},
    {"ADayThatBeginsInTheMiddle", Sabotage::begins_in_the_middle, Invariant::history_only_grows,
     "it starts in its middle"},
    {"AnInputInOtherBytes", Sabotage::rewrites_inputs, Invariant::history_only_grows,
     "in other bytes"},
    {"ALastWordOfNobody", Sabotage::adds_messages, Invariant::history_only_grows,
     "more than an answer"},
    {"AnAnswerOfNobody", Sabotage::falsifies_answers, Invariant::history_only_grows,
     "words of nobody"},
    {"ADayOfNobody", Sabotage::days_of_nobody, Invariant::history_only_grows, "no character"},
    {"ARatingInTheDay", Sabotage::rates_in_the_day, Invariant::ratings_remember,
     "no question of its own"},
    {"AModuleThatWasNotUsed", Sabotage::asks_for_more, Invariant::ratings_remember,
     "other modules"},
    {"ADigestThatTellsOfFailures", Sabotage::tells_of_failures, Invariant::ratings_remember,
     "says Fehler"},
    {"RowsThatTheDigestDoesNotKnow", Sabotage::tells_of_failures, Invariant::ratings_remember,
     "are not what its rating was told"},
    {"AToolInWordsThatNobodyKnows", Sabotage::describes_anew, Invariant::names_map_both_ways,
     "nobody knows the tool"},
    {"TwoToolsThatAreOne", Sabotage::describes_alike, Invariant::names_map_both_ways,
     "two tools are one"},
    {"APersonaWhoIsOnNoVisit", Sabotage::asks_for_strangers, Invariant::nothing_unknown,
     "nobody's visit"},
    {"AToolOfAnotherModule", Sabotage::moves_a_tool, Invariant::names_map_both_ways,
     "of the digest says"},
    {"TimeThatStands", Sabotage::time_stands, Invariant::everything_drains, "no time passes"},
    {"AWorldInCircles", Sabotage::none, Invariant::everything_drains, "runs in circles", few_steps},
    {"AWorldThatFallsAsleep", Sabotage::falls_asleep, Invariant::everything_drains,
     "nothing will ever happen"},
    {"TooManyRequestsAtOnce", Sabotage::never_closes, Invariant::nothing_unbounded,
     "requests under way"},
    {"AVisitThatEndsTwiceInTheEnd", Sabotage::ends_twice, Invariant::one_end_per_visit,
     "ends for the 2th time"},
    {"AnAnswerToACallThatNobodyMade", Sabotage::adds_answers, Invariant::history_only_grows,
     "that nobody made"},
    {"AFailureThatWasNone", Sabotage::invents_sources, Invariant::failures_have_a_source,
     "it did not fail"},
    {"AFailureWhereNothingWentWrong", Sabotage::hears_other_waits,
     Invariant::failures_have_a_source, "nothing went wrong there"},
    {"AFailureOfAllThatWasOfOne", Sabotage::hears_lost_leases, Invariant::failures_have_a_source,
     "its process lived", calm_processes},
};

bool fits(const Break& wanted, const Violation& violation) {
    return violation.invariant == wanted.invariant &&
           violation.what.find(wanted.words) != std::string::npos;
}

// Where checks failed, in all runs.
std::set<std::string>& places_seen() {
    static std::set<std::string> places;
    return places;
}

class Noticed : public testing::TestWithParam<Break> {
  protected:
    Noticed() { base::set_log_level(base::LogLevel::off); }
    ~Noticed() override { base::set_log_level(base::LogLevel::info); }
};

// By any of some seeds.
TEST_P(Noticed, WhenItIsBroken) {
    const Break& wanted = GetParam();
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        Profile profile = profile_of(seed, wanted.sabotage);
        if (wanted.shape) wanted.shape(profile);
        bool noticed = false;
        const Outcome outcome = run_world(
            profile, false, [&](const Violation& violation) { return fits(wanted, violation); });
        for (const Violation& each : outcome.violations) {
            places_seen().insert(each.place);
            noticed = noticed || fits(wanted, each);
        }
        if (noticed) return;
    }
    FAIL() << "nobody noticed " << wanted.fact;
}

INSTANTIATE_TEST_SUITE_P(Simulation, Noticed, testing::ValuesIn(breaks),
                         [](const auto& each) { return std::string(each.param.fact); });

// Every line in which a check can fail.
std::set<std::string> places_of_checks() {
    // Not the failures of exchanges, not the definition of fail() and no failure that another line
    // hands on.
    const std::regex check(R"((^|[ .])(fail|wrong|too_much)\()");
    std::set<std::string> places;
    const auto folder = std::filesystem::path(SOURCE_DIR) / "tests" / "simulation";
    for (const auto& item : std::filesystem::directory_iterator(folder)) {
        const std::string name = item.path().filename().string();
        if (!name.ends_with(".cpp") || name.ends_with("_test.cpp")) continue;
        std::ifstream in(item.path());
        std::string line;
        for (int number = 1; std::getline(in, line); ++number) {
            const bool hands_on = line.find(", where)") != std::string::npos;
            if (!hands_on && std::regex_search(line, check)) {
                places.insert(name + ':' + std::to_string(number));
            }
        }
    }
    return places;
}

// After all of the above: whatever check none of them made fail may be a dead one.
class NoCheckIsDead : public testing::Environment {
  public:
    void TearDown() override {
        if (testing::GTEST_FLAG(filter) != "*") return;
        for (const std::string& place : places_of_checks()) {
            EXPECT_TRUE(places_seen().contains(place)) << place << " never failed";
        }
    }
};

const auto* const no_check_is_dead = testing::AddGlobalTestEnvironment(new NoCheckIsDead);

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
