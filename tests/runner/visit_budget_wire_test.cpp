// Visits that reach the end of their money: how they end, and that limits hold with many at once.
#include <gmock/gmock.h>

#include "runner/scheduler.hpp"
#include "sim/claude.hpp"
#include "tests/runner/visit_support.hpp"

namespace {

using catalog::Rating;
using catalog::VisitEnd;
using runner::Budget;
using runner::BudgetLimits;
using runner::TickReport;
using runner_tests::call_block;
using runner_tests::model_calls;
using runner_tests::model_reply;
using runner_tests::text_block;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::StartsWith;

struct BudgetVisit : runner_tests::VisitRoom {
    explicit BudgetVisit(BudgetLimits limits) : budget(loop, limits, "UTC", metrics) {}

    runner::VisitRecords live_within(double spent_usd = 0) {
        runner::Services shared = services();
        shared.budget = &budget;
        clients::ClaimedVisit claimed = runner_tests::visit_claimed();
        claimed.spent_usd = spent_usd;
        if (!persona_prompt.empty()) claimed.persona.system_prompt = persona_prompt;
        {
            runner::Visit visit(shared, options, claimed);
            loop.run(runner_tests::live_visit(visit, &error));
            progress = visit.progress();
        }
        const runner::VisitRecords* left = outbox.find("visit-1");
        EXPECT_TRUE(left && left->end);
        return left ? *left : runner::VisitRecords{};
    }
    double reserved() { return budget.status()["today"]["reservedUsd"].get<double>(); }

    Budget budget;
    std::string persona_prompt;
};

TEST(VisitBudget, AVisitThatUsesItsMoneyUpEndsItsDayAndIsRated) {
    // A turn may cost about 0.045 USD: 4,096 tokens of reply, and the prompt.
    BudgetVisit room({.visit = 0.06});
    for (int turn = 0; turn < 30; ++turn) {
        base::ServerResponse reply =
            model_calls({call_block("t" + std::to_string(turn), "todo_list")});
        const std::size_t at = reply.body.find("\"output_tokens\":10}");
        ASSERT_NE(at, std::string::npos);
        reply.body.replace(at, 19, "\"output_tokens\":400}");
        room.model.then(std::move(reply));
    }
    room.options.turns_max = 30;
    const runner::VisitRecords day = room.live_within();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_THAT(day.end->reason, StartsWith("budget: BUDGET_VISIT_USD"));
    EXPECT_GE(day.end->turns, 2);
    EXPECT_LT(day.end->turns, 15);
    EXPECT_FALSE(day.actions.empty());
    ASSERT_FALSE(day.ratings.empty());
    for (const Rating& rating : day.ratings) EXPECT_EQ(rating.status, Rating::Status::rated);
    EXPECT_LE(*day.end->cost_usd, 0.06);
    EXPECT_NEAR(room.reserved(), 0, 1e-9);
}

TEST(VisitBudget, AVisitThatCannotAskOnceFailsWithTheReason) {
    BudgetVisit room({.visit = 0.02});
    const runner::VisitRecords day = room.live_within();
    EXPECT_EQ(day.end->status, VisitEnd::Status::failed);
    EXPECT_THAT(room.error, HasSubstr("BUDGET_VISIT_USD"));
    EXPECT_TRUE(room.model.turns().empty());
    EXPECT_EQ(room.progress.waiting_for, runner::Waiting::budget);
    EXPECT_EQ(word_of(room.progress.waiting_for), "budget");
}

TEST(VisitBudget, WhatSheSpentBeforeTodayCounts) {
    BudgetVisit fresh({.persona_day = 0.2});
    EXPECT_EQ(fresh.live_within(0.1).end->status, VisitEnd::Status::finished);
    BudgetVisit spent({.persona_day = 0.2});
    EXPECT_EQ(spent.live_within(0.19).end->status, VisitEnd::Status::failed);
    EXPECT_THAT(spent.error, HasSubstr("BUDGET_PERSONA_DAY_USD"));
}

// It is nobody's failure: the attempts of the slot are not used up.
TEST(VisitBudget, AVisitWithoutMoneyTodayIsHandedBackUntilThereIsSome) {
    BudgetVisit persona({.persona_day = 0.2});
    const runner::VisitRecords hers = persona.live_within(0.19);
    EXPECT_TRUE(hers.end->handed_back);
    EXPECT_EQ(hers.end->not_before, persona.budget.tomorrow());
    BudgetVisit all({.day = 0.02});
    const runner::VisitRecords theirs = all.live_within();
    EXPECT_TRUE(theirs.end->handed_back);
    EXPECT_EQ(theirs.end->not_before, std::nullopt);
}

// A limit of a visit that no visit's first request fits: no attempts are burnt finding that out.
TEST(VisitBudget, ALimitTooSmallForAnyVisitStopsThemAndSaysWhatOneNeeds) {
    BudgetVisit room({.visit = 0.02});
    const runner::VisitRecords day = room.live_within();
    EXPECT_TRUE(day.end->handed_back);
    EXPECT_EQ(day.end->not_before, room.budget.tomorrow());
    EXPECT_TRUE(room.budget.fits_no_visit());
    const std::string stopped = room.budget.status()["stopped"];
    EXPECT_THAT(stopped, HasSubstr("BUDGET_VISIT_USD is 0.0200 USD"));
    // What it asks for is enough.
    const double enough = std::stod(stopped.substr(stopped.find("may cost ") + 9)) + 0.0001;
    BudgetVisit fed({.visit = enough + 0.01});  // And a little for her own words.
    EXPECT_EQ(fed.live_within().end->status, VisitEnd::Status::finished) << fed.error;
    EXPECT_EQ(fed.budget.stop_reason(), "");
}

TEST(VisitBudget, AVeryLongPromptOfHerOwnStopsNobodyElse) {
    BudgetVisit room({.visit = 0.1});
    room.persona_prompt = std::string(200'000, 'x');
    const runner::VisitRecords day = room.live_within();
    EXPECT_TRUE(day.end->handed_back);
    EXPECT_EQ(day.end->not_before, room.budget.tomorrow());
    EXPECT_EQ(room.budget.stop_reason(), "");
}

TEST(VisitBudget, ABrokenReplyIsNotAskedForAgainWithoutMoney) {
    BudgetVisit room({.visit = 0.06});
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    base::ServerResponse broken = model_reply({text_block(std::string(8'000, 'x'))});
    broken.body = broken.body.substr(0, broken.body.find("event: message_delta"));
    room.model.then(std::move(broken));
    const runner::VisitRecords day = room.live_within();
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_THAT(day.end->reason, HasSubstr("broke off"));
    EXPECT_EQ(room.model.turns().size(), 2U);
    EXPECT_GE(day.end->tokens.output, 2'000);  // The lost ones are in the ledger.
}

struct BudgetSchedule : runner_tests::RunnerWorld {
    explicit BudgetSchedule(const std::string& claude_url, double day_usd)
        : RunnerWorld({.claude_url = claude_url}),
          budget(loop, {.day = day_usd}, "UTC", metrics),
          scheduler(with_budget(), {.concurrency_max = 64}, visit_options()) {
        hold_lease();
    }
    runner::Services with_budget() {
        runner::Services shared = services();
        shared.budget = &budget;
        return shared;
    }
    TickReport ticked() {
        std::optional<TickReport> report;
        scheduler.tick({false, [&report](const TickReport& one) { report = one; }});
        EXPECT_TRUE(until([&] { return report.has_value(); }));
        return report.value_or(TickReport{});
    }

    Budget budget;
    runner::Scheduler scheduler;
};

TEST(VisitBudget, SixtyFourVisitsAtOnceStayBelowTheCapOfTheDay) {
    base::SystemClock clock;
    sim::Claude claude({.pacing = std::chrono::milliseconds{0}}, clock);
    claude.start();
    constexpr double cap = 0.5;
    BudgetSchedule room(claude.url(), cap);
    const auto due = [&room](int round) {
        for (int i = 0; i < 64; ++i)
            room.service.add_due(fmt::format("p{}-{:02}", round, i), minutes{10});
    };
    due(0);
    EXPECT_EQ(room.ticked().due, 64);
    // What was kept for ratings and not needed is there for others, until nothing fits any more.
    for (int round = 1; round < 20 && room.scheduler.budget_stop().empty(); ++round) {
        due(round);
        room.ticked();
    }
    double spent = 0;
    int by_budget = 0, lived = 0;
    for (const runner::VisitRecords* visit : room.outbox.visits()) {
        ASSERT_TRUE(visit->end && visit->end->cost_usd) << visit->persona;
        spent += *visit->end->cost_usd;
        const bool out_of_money = visit->end->reason.find("BUDGET_DAY_USD") != std::string::npos;
        by_budget += out_of_money ? 1 : 0;
        lived += visit->end->status == VisitEnd::Status::finished ? 1 : 0;
        for (const Rating& rating : visit->ratings)
            EXPECT_EQ(rating.status, Rating::Status::rated) << visit->persona;
    }
    EXPECT_LE(spent, cap);
    EXPECT_GT(spent, cap * 0.85);  // The money was used, not only reserved.
    EXPECT_GT(by_budget, 0);
    EXPECT_GT(lived, 5);
    RecordProperty("spent_usd", std::to_string(spent));

    room.service.add_due("late", minutes{10});
    const std::size_t claims = room.service.count("claim");
    EXPECT_THAT(room.ticked().trouble, HasSubstr("BUDGET_DAY_USD"));
    EXPECT_EQ(room.service.count("claim"), claims);
    EXPECT_THAT(room.scheduler.status()["budget"]["stopped"].get<std::string>(),
                HasSubstr("BUDGET_DAY_USD"));
    EXPECT_EQ(room.scheduler.status()["budget"]["dayUsd"], cap);
}

}  // namespace
