// The ledger of reservations: what it grants, what it refuses, and what it says to other daemons.
#include "runner/budget.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.hpp"

namespace {

using runner::Budget;
using runner::BudgetLimits;
using std::chrono::hours;
using testing::HasSubstr;
using Verdict = Budget::Verdict;

struct BudgetRoom {
    explicit BudgetRoom(BudgetLimits limits, std::string zone = "UTC")
        : budget(loop, limits, std::move(zone), metrics) {}

    void open(const std::string& visit, double persona_spent = 0) {
        budget.open(visit, "runner-1", clock.now(), persona_spent);
    }
    // One request from reservation to real cost.
    Verdict pay(const std::string& visit, double usd, double real) {
        const Verdict verdict = budget.reserve(visit, usd).verdict;
        if (verdict != Verdict::granted) return verdict;
        budget.spend(visit, real);
        budget.settle(visit);
        return verdict;
    }
    double today(const char* part) { return budget.status()["today"][part].get<double>(); }

    tests::FakeClock clock;  // 2026-11-20, 9:00 UTC
    base::Loop loop{clock};
    base::Metrics metrics;
    Budget budget;
};

TEST(Budget, RealCostTakesThePlaceOfTheReservation) {
    BudgetRoom room({.day = 1.0});
    room.open("a");
    EXPECT_EQ(room.budget.reserve("a", 0.8).verdict, Verdict::granted);
    EXPECT_DOUBLE_EQ(room.today("reservedUsd"), 0.8);
    room.budget.spend("a", 0.1);
    room.budget.settle("a");
    EXPECT_DOUBLE_EQ(room.today("reservedUsd"), 0);
    EXPECT_DOUBLE_EQ(room.today("spentUsd"), 0.1);
    EXPECT_EQ(room.pay("a", 0.9, 0.9), Verdict::granted);  // To the last cent.
    EXPECT_EQ(room.pay("a", 0.01, 0.01), Verdict::refused);
}

TEST(Budget, EachLimitRefusesAndNamesItsSetting) {
    BudgetRoom visit({.visit = 0.5});
    visit.open("a");
    EXPECT_EQ(visit.pay("a", 0.4, 0.3), Verdict::granted);
    EXPECT_THAT(visit.budget.reserve("a", 0.3).reason, HasSubstr("BUDGET_VISIT_USD is 0.5000"));
    visit.open("b");
    EXPECT_EQ(visit.pay("b", 0.4, 0.3), Verdict::granted);  // Another visit, another limit.

    BudgetRoom persona({.persona_day = 0.5});
    persona.open("a", 0.4);
    EXPECT_THAT(persona.budget.reserve("a", 0.2).reason, HasSubstr("BUDGET_PERSONA_DAY_USD"));
    EXPECT_EQ(persona.pay("a", 0.1, 0.1), Verdict::granted);

    BudgetRoom day({.day = 0.5});
    day.open("a");
    EXPECT_THAT(day.budget.reserve("a", 0.6).reason, HasSubstr("BUDGET_DAY_USD"));
}

TEST(Budget, RequestsUnderWayAreWaitedForAndSpentMoneyIsNot) {
    BudgetRoom room({.day = 1.0});
    room.open("a");
    room.open("b");
    EXPECT_EQ(room.budget.reserve("a", 0.7).verdict, Verdict::granted);
    EXPECT_EQ(room.budget.reserve("b", 0.7).verdict, Verdict::wait);
    EXPECT_EQ(room.budget.stop_reason(), "");
    room.budget.spend("a", 0.2);
    room.budget.settle("a");
    EXPECT_EQ(room.pay("b", 0.7, 0.6), Verdict::granted);
    EXPECT_EQ(room.budget.reserve("a", 0.3).verdict, Verdict::refused);
}

TEST(Budget, WhatIsKeptForTheRatingIsThereAtTheEnd) {
    BudgetRoom room({.visit = 0.5});
    room.open("a");
    EXPECT_EQ(room.budget.reserve("a", 0.45, 0.1).verdict, Verdict::refused);  // Only together.
    EXPECT_EQ(room.budget.reserve("a", 0.4, 0.1).verdict, Verdict::granted);
    room.budget.spend("a", 0.4);
    room.budget.settle("a");
    EXPECT_EQ(room.budget.reserve("a", 0.1).verdict, Verdict::refused);
    room.budget.release_rating("a");
    EXPECT_EQ(room.pay("a", 0.1, 0.1), Verdict::granted);
    EXPECT_DOUBLE_EQ(room.today("spentUsd"), 0.5);
}

TEST(Budget, AReplyThatBrokeOffMayLeaveNoRoomForAnotherTry) {
    BudgetRoom room({.visit = 0.5});
    room.open("a");
    EXPECT_EQ(room.budget.reserve("a", 0.3).verdict, Verdict::granted);
    EXPECT_TRUE(room.budget.spend("a", 0.1));  // 0.1 spent and 0.3 for the next try.
    EXPECT_FALSE(room.budget.spend("a", 0.2));
}

TEST(Budget, AUsedUpDayLetsNoVisitStartUntilTheNextOne) {
    BudgetRoom room({.day = 1.0}, "Europe/Berlin");  // 10:00 there.
    room.open("a");
    EXPECT_EQ(room.pay("a", 0.9, 0.9), Verdict::granted);
    EXPECT_EQ(room.budget.stop_reason(), "");
    EXPECT_EQ(room.pay("a", 0.2, 0.2), Verdict::refused);
    EXPECT_THAT(room.budget.stop_reason(), HasSubstr("BUDGET_DAY_USD"));
    EXPECT_THAT(room.metrics.text(), HasSubstr("persona_budget_stopped 1\n"));
    EXPECT_THAT(room.metrics.text(),
                HasSubstr("persona_budget_refusals_total{limit=\"BUDGET_DAY_USD\"} 1\n"));
    room.clock.advance(hours{13});  // 23:00 in Berlin: 22:00 UTC.
    EXPECT_NE(room.budget.stop_reason(), "");
    room.clock.advance(hours{1});  // Midnight there.
    EXPECT_EQ(room.budget.stop_reason(), "");
    room.open("b");
    EXPECT_EQ(room.pay("b", 0.9, 0.9), Verdict::granted);
    // A visit of yesterday is yesterday's.
    EXPECT_EQ(room.budget.reserve("a", 0.2).verdict, Verdict::refused);
    EXPECT_EQ(room.pay("a", 0.1, 0.1), Verdict::granted);
    EXPECT_DOUBLE_EQ(room.today("spentUsd"), 0.9);
}

TEST(Budget, OthersMoneyCountsAndMineIsReportedUntilItIsConfirmed) {
    BudgetRoom room({.day = 1.0});
    const auto waits = [](const std::string&) { return true; };
    const auto confirmed = [](const std::string&) { return false; };
    room.open("a");
    EXPECT_EQ(room.pay("a", 0.3, 0.2), Verdict::granted);
    EXPECT_EQ(room.budget.reserve("a", 0.3).verdict, Verdict::granted);
    clients::DaySpend report = room.budget.report("runner-1", waits);
    EXPECT_EQ(report.since, std::chrono::floor<std::chrono::days>(room.clock.now()));
    EXPECT_DOUBLE_EQ(report.open_usd, 0.5);
    room.budget.hear(report, 0.45);
    EXPECT_DOUBLE_EQ(room.today("elsewhereUsd"), 0.45);
    room.open("b");
    EXPECT_EQ(room.budget.reserve("b", 0.1).verdict, Verdict::wait);

    room.budget.settle("a");
    room.budget.close("a");
    EXPECT_DOUBLE_EQ(room.budget.report("runner-1", waits).open_usd, 0.2);
    report = room.budget.report("runner-1", confirmed);
    EXPECT_DOUBLE_EQ(report.open_usd, 0);
    room.budget.hear(report, 0.45);
    EXPECT_DOUBLE_EQ(room.today("spentUsd"), 0.2);  // The answer leaves out what is mine.
}

TEST(Budget, ANewRunnerIdHandsItsMoneyOverOnce) {
    BudgetRoom room({.day = 1.0});
    bool is_waiting = false;
    const auto waits = [&is_waiting](const std::string&) { return is_waiting; };
    room.budget.hear(room.budget.report("runner-1", waits), 0);
    room.open("done");
    EXPECT_EQ(room.pay("done", 0.2, 0.2), Verdict::granted);
    room.budget.close("done");
    room.budget.hear(room.budget.report("runner-1", waits), 0);
    room.open("cut");
    EXPECT_EQ(room.pay("cut", 0.1, 0.1), Verdict::granted);
    room.budget.close("cut");
    EXPECT_DOUBLE_EQ(room.today("spentUsd"), 0.3);
    // The lease was lost. Of the old id's visits the service knows one, and tells of it.
    is_waiting = true;
    clients::DaySpend report = room.budget.report("runner-2", waits);
    EXPECT_DOUBLE_EQ(report.open_usd, 0.1);
    room.budget.hear(report, 0.2);
    EXPECT_DOUBLE_EQ(room.today("spentUsd") + room.today("elsewhereUsd"), 0.3);
    is_waiting = false;
    report = room.budget.report("runner-2", waits);
    EXPECT_DOUBLE_EQ(report.open_usd, 0);
    room.budget.hear(report, 0.3);
    EXPECT_NEAR(room.today("spentUsd"), 0, 1e-12);
    EXPECT_NEAR(room.today("spentUsd") + room.today("elsewhereUsd"), 0.3, 1e-12);
}

TEST(Budget, WhatAnEarlierProcessLeftCountsUntilTheServiceTellsOfIt) {
    BudgetRoom room({.day = 1.0});
    room.budget.adopt("left", room.clock.now(), 0.7);
    room.open("a");
    EXPECT_EQ(room.budget.reserve("a", 0.4).verdict, Verdict::refused);
    const auto confirmed = [](const std::string&) { return false; };
    room.budget.hear(room.budget.report("runner-1", confirmed), 0.7);
    EXPECT_NEAR(room.today("spentUsd") + room.today("elsewhereUsd"), 0.7, 1e-12);
}

// What the auth service does with reports (auth/personas/spending.cpp).
struct GrantingService {
    double limit = 1;
    std::map<std::string, double> held;
    void answer(Budget& budget, const std::string& runner) {
        const auto waits = [](const std::string&) { return true; };
        answer(budget, runner, budget.report(runner, waits));
    }
    void answer(Budget& budget, const std::string& runner, const clients::DaySpend& report) {
        double elsewhere = 0;
        for (const auto& [other, usd] : held) elsewhere += other == runner ? 0 : usd;
        held[runner] = std::max(report.open_usd, std::min(report.want_usd, limit - elsewhere));
        budget.hear(report, elsewhere, held[runner]);
    }
};

TEST(Budget, WithOtherDaemonsOnlyWhatWasGrantedIsReserved) {
    BudgetRoom room({.day = 1.0});
    GrantingService service;
    int asked = 0;
    room.budget.on_short([&asked] { ++asked; });
    service.answer(room.budget, "one");
    room.open("a");
    EXPECT_EQ(room.budget.reserve("a", 0.4).verdict, Verdict::wait);  // Nothing is granted yet.
    EXPECT_EQ(asked, 1);
    service.answer(room.budget, "one");
    EXPECT_DOUBLE_EQ(service.held["one"], 0.4);
    EXPECT_EQ(room.budget.reserve("a", 0.4).verdict, Verdict::granted);
    service.answer(room.budget, "one");  // Her next request is asked for ahead.
    EXPECT_DOUBLE_EQ(service.held["one"], 0.8);
    room.budget.spend("a", 0.1);
    room.budget.settle("a");
    EXPECT_EQ(room.budget.reserve("a", 0.4).verdict, Verdict::granted);
    EXPECT_EQ(asked, 1);

    service.held["two"] = 0.5;
    room.open("b");
    EXPECT_EQ(room.budget.reserve("b", 0.45).verdict, Verdict::wait);  // Asked for,
    EXPECT_EQ(asked, 2);
    service.answer(room.budget, "one");
    EXPECT_EQ(room.budget.reserve("b", 0.45).verdict, Verdict::wait);  // a's may cost less,
    EXPECT_EQ(asked, 2);
    room.budget.spend("a", 0.3);
    room.budget.settle("a");
    EXPECT_THAT(room.budget.reserve("b", 0.45).reason, HasSubstr("BUDGET_DAY_USD"));
    EXPECT_THAT(room.budget.stop_reason(), HasSubstr("BUDGET_DAY_USD"));
}

TEST(Budget, AVisitPastMidnightFinishesOnWhatWasGrantedForItsDay) {
    BudgetRoom room({.day = 1.0});
    GrantingService service;
    room.open("a");
    service.answer(room.budget, "one");
    EXPECT_EQ(room.pay("a", 0.2, 0.01), Verdict::wait);
    service.answer(room.budget, "one");
    EXPECT_EQ(room.pay("a", 0.2, 0.01), Verdict::granted);
    service.answer(room.budget, "one");  // Her next request is granted ahead.
    room.clock.advance(hours{16});
    service.answer(room.budget, "one");
    for (int turn = 0; turn < 10; ++turn) {
        EXPECT_EQ(room.pay("a", 0.1, 0.01), Verdict::granted) << turn;
    }
    const Budget::Answer refused = room.budget.reserve("a", 0.2);
    EXPECT_EQ(refused.verdict, Verdict::refused) << "others may have had the rest of that day";
    EXPECT_THAT(refused.reason, HasSubstr("no more of the day before is granted"));
}

TEST(Budget, WhatNobodyNeedsIsGivenBackBeforeTheAnswerComes) {
    BudgetRoom room({.day = 1.0});
    GrantingService service;
    room.open("a");
    const auto waits = [](const std::string&) { return true; };
    service.answer(room.budget, "one");
    EXPECT_EQ(room.budget.reserve("a", 0.6).verdict, Verdict::wait);
    service.answer(room.budget, "one");
    EXPECT_EQ(room.budget.reserve("a", 0.6).verdict, Verdict::granted);
    room.budget.spend("a", 0.1);
    room.budget.settle("a");
    room.budget.close("a");
    const clients::DaySpend report = room.budget.report("one", waits);
    EXPECT_DOUBLE_EQ(report.open_usd, 0.1);
    room.open("b");  // The service may have given the rest to others already.
    EXPECT_EQ(room.budget.reserve("b", 0.2).verdict, Verdict::wait);
    service.answer(room.budget, "one", report);
    service.answer(room.budget, "one");
    EXPECT_EQ(room.budget.reserve("b", 0.2).verdict, Verdict::granted);
}

// Several daemons, whatever they do and however late answers come, stay below the limit together;
// also with visits that run past midnight, when nobody asks for that day any more.
TEST(Budget, NoHistoryOfSeveralDaemonsPassesTheDay) {
    std::mt19937_64 random(12);
    std::uniform_real_distribution<double> chance(0, 1);
    for (int history = 0; history < 8; ++history) {
        const int midnight = history % 2 == 0 ? 300 : 3'000;
        GrantingService service{.limit = 2 + 6 * chance(random)};
        std::vector<std::unique_ptr<BudgetRoom>> rooms;
        std::vector<std::optional<clients::DaySpend>> under_way(3);
        std::map<std::string, double> reserved;  // Of the visits' requests under way.
        double spent = 0;
        int refused = 0;
        const auto name_of = [](std::size_t room) { return "daemon " + std::to_string(room); };
        for (std::size_t i = 0; i < under_way.size(); ++i) {
            rooms.push_back(std::make_unique<BudgetRoom>(BudgetLimits{.day = service.limit}));
            service.answer(rooms[i]->budget, name_of(i));
            for (int j = 0; j < 16; ++j) rooms[i]->open(std::to_string(j));
        }
        for (int step = 0; step < 3'000; ++step) {
            if (step == midnight) {
                for (auto& room : rooms) room->clock.advance(hours{16});
            }
            const std::size_t i = random() % rooms.size();
            Budget& budget = rooms[i]->budget;
            if (random() % 4 == 0) {
                const auto waits = [](const std::string&) { return true; };
                if (under_way[i]) service.answer(budget, name_of(i), *under_way[i]);
                under_way[i] = budget.report(name_of(i), waits);
                continue;
            }
            const std::string visit = std::to_string(random() % 16);
            double& mine = reserved[name_of(i) + visit];
            if (mine > 0) {
                const double real = mine * chance(random);
                budget.spend(visit, real);
                budget.settle(visit);
                spent += real;
                mine = 0;
            } else {
                const double usd = 0.3 * chance(random);
                const Verdict verdict = budget.reserve(visit, usd).verdict;
                if (verdict == Verdict::granted) mine = usd;
                refused += verdict == Verdict::refused ? 1 : 0;
            }
            double sum = spent;
            for (const auto& [name, usd] : reserved) sum += usd;
            ASSERT_LE(sum, service.limit + 1e-6) << "history " << history << ", step " << step;
        }
        EXPECT_GT(refused, 0);
        // The money was used, not only held.
        EXPECT_GT(spent, (midnight < 3'000 ? 0.2 : 0.9) * service.limit);
    }
}

// Whatever 64 visits do, the day's limit is not passed; at no time, counting what is reserved.
TEST(Budget, NoHistoryOfManyVisitsPassesALimit) {
    std::mt19937_64 random(11);
    std::uniform_real_distribution<double> chance(0, 1);
    for (int history = 0; history < 10; ++history) {
        const BudgetLimits limits{.visit = 0.6, .persona_day = 0.9, .day = 5 + 10 * chance(random)};
        BudgetRoom room(limits);
        struct Live {
            double reserved = 0, spent = 0, before = 0;
        };
        std::vector<Live> visits(64);
        for (std::size_t i = 0; i < visits.size(); ++i) {
            visits[i].before = 0.5 * chance(random);
            room.open(std::to_string(i), visits[i].before);
        }
        int refused = 0;
        for (int step = 0; step < 4'000; ++step) {
            const std::size_t i = random() % visits.size();
            const std::string name = std::to_string(i);
            Live& visit = visits[i];
            if (visit.reserved > 0) {
                const double real = visit.reserved * chance(random);
                room.budget.spend(name, real);
                visit.spent += real;
                visit.reserved = 0;
                room.budget.settle(name);
            } else {
                const double usd = 0.3 * chance(random);
                const Verdict verdict = room.budget.reserve(name, usd).verdict;
                if (verdict == Verdict::granted) visit.reserved = usd;
                refused += verdict == Verdict::refused ? 1 : 0;
            }
            double sum = 0;
            for (const Live& each : visits) sum += each.spent + each.reserved;
            ASSERT_LE(sum, limits.day + 1e-6);
            ASSERT_LE(visit.spent + visit.reserved, limits.visit + 1e-6);
            ASSERT_LE(visit.before + visit.spent + visit.reserved, limits.persona_day + 1e-6);
        }
        EXPECT_GT(refused, 0);
    }
}

}  // namespace
