// The fault menu's first half, statuses and connections: what the client does about each.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/group.hpp"
#include "base/text.hpp"
#include "sim/faults.hpp"
#include "tests/clients/fault_room.hpp"

namespace fault_tests {
namespace {

// "cut-frame" → "FaultCutFrame"
std::string fault_suite_name(std::string_view name) {
    std::string suite = "Fault";
    for (const std::string_view word : base::split(name, '-')) {
        suite += static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
        suite += word.substr(1);
    }
    return suite;
}

TEST(FaultMenu, EveryEntryHasATestWithItsName) {
    const testing::UnitTest& program = *testing::UnitTest::GetInstance();
    std::vector<std::string> suites;
    for (int at = 0; at < program.total_test_suite_count(); ++at) {
        suites.emplace_back(program.GetTestSuite(at)->name());
    }
    for (const sim::FaultGroup& group : sim::fault_menu()) {
        for (const sim::FaultEntry& entry : group.entries) {
            const std::string suite = fault_suite_name(entry.name);
            EXPECT_NE(std::find(suites.begin(), suites.end(), suite), suites.end()) << suite;
        }
    }
}

TEST(FaultStatus, WrongRequestsAreNotAskedAgain) {
    const std::vector<std::pair<std::string, Failure::Kind>> refusals{
        {"status=400", Failure::Kind::invalid},   {"status=401", Failure::Kind::unauthenticated},
        {"status=402", Failure::Kind::throttled}, {"status=403", Failure::Kind::forbidden},
        {"status=404", Failure::Kind::missing},   {"status=413;html", Failure::Kind::invalid},
    };
    for (const auto& [fault, kind] : refusals) {
        VirtualFaultRoom room;
        const Failure failure = room.expect_given_up(fault);
        EXPECT_EQ(failure.kind(), kind) << fault;
        EXPECT_EQ(std::to_string(failure.status()), fault.substr(7, 3));
    }
}

TEST(FaultStatus, PassingTroubleIsAskedAgain) {
    for (const char* fault : {"status=408", "status=409", "status=429;retry-after=2", "status=500",
                              "status=502;html", "status=503", "status=504", "status=529"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultStatus, A429WithoutRetryAfterIsASpendCapAndGivenUp) {
    VirtualFaultRoom room;
    const Failure failure = room.expect_given_up("status=429;code=enforced_spend_limit_reached");
    EXPECT_EQ(failure.kind(), Failure::Kind::throttled);
    EXPECT_EQ(failure.code(), "enforced_spend_limit_reached");
}

TEST(FaultStatus, RetryAfterIsWaitedOutHoweverItIsWritten) {
    for (const char* fault : {"status=429;retry-after=7", "status=529;retry-after=7",
                              "status=503;retry-after=date+7", "status=429;retry-after=date+7"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
        const auto requests = room.far_end.requests();
        EXPECT_GE(requests[1].at - requests[0].at, seconds{7}) << fault;
        EXPECT_LE(requests[1].at - requests[0].at, seconds{10}) << fault;
    }
}

TEST(FaultStatus, RetryAfterThatDemandsNothingMeansTheOwnPace) {
    for (const char* fault : {"status=429;retry-after=0", "status=429;retry-after=-5",
                              "status=429;retry-after=date+0"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
        const auto requests = room.far_end.requests();
        EXPECT_LE(requests[1].at - requests[0].at, seconds{2}) << fault;
    }
}

TEST(FaultStatus, RetryAfterBeyondAllPatienceIsHandedBack) {
    VirtualFaultRoom room;
    const Failure failure = room.expect_given_up("status=429;retry-after=1000000000");
    EXPECT_EQ(failure.kind(), Failure::Kind::throttled);
    EXPECT_EQ(failure.retry_after(), seconds{1'000'000'000});
}

TEST(FaultStatus, TheAnswersAdviceWinsOverItsStatus) {
    VirtualFaultRoom contrary;
    contrary.expect_asked_again("status=400;should-retry=true");
    VirtualFaultRoom final;
    EXPECT_EQ(final.expect_given_up("status=529;should-retry=false").status(), 529);
}

base::Task<void> fault_ask_once(Claude& claude, const Conversation& talk, int& done) {
    const Message message = co_await claude.send(talk, fault_turn);
    if (message.stop_reason == "tool_use") ++done;
}

base::Task<void> fault_ask_together(base::Loop& loop, Claude& claude,
                                    const std::vector<Conversation>& talks, int& done) {
    base::Group group{loop};
    for (const Conversation& talk : talks) group.add(fault_ask_once(claude, talk, done));
    co_await group.all();
}

TEST(FaultStorm, IsWaitedOutByAllCallsTogether) {
    VirtualFaultRoom room;
    room.strike("storm=30");
    Claude claude{room.http, room.options, room.metrics, room.random};
    std::vector<Conversation> talks;
    for (int at = 0; at < 20; ++at) {
        talks.push_back(fault_talk());
        talks.back().add_user("Du bist Nummer " + std::to_string(at));
    }
    int done = 0;
    ASSERT_TRUE(room.loop.run(fault_ask_together(room.loop, claude, talks, done)));
    EXPECT_EQ(done, 20);
    const auto requests = room.far_end.requests();
    const auto refused = std::count_if(requests.begin(), requests.end(),
                                       [](const auto& one) { return one.status == 429; });
    EXPECT_GE(refused, 1);
    EXPECT_LE(refused, 20) << "each call learns of the storm at most once";
    EXPECT_EQ(requests.size(), static_cast<std::size_t>(refused) + 20U);
    EXPECT_TRUE(room.far_end.verdict().total.clean()) << "nobody came back too early";
    for (const auto& request : requests) {
        if (request.status == 200) EXPECT_GE(request.at - requests[0].at, seconds{30});
    }
}

TEST(FaultSlowAccept, IsWaitedFor) {
    RealFaultRoom room;
    const base::Steady before = room.clock.steady();
    room.expect_read("slow-accept=300");
    room.ask();
    EXPECT_GE(room.clock.steady() - before, milliseconds{300});
    EXPECT_EQ(room.far_end.requests().size(), 2U);
}

TEST(FaultMute, HeadersThatNeverComeAreAskedForAgain) {
    RealFaultRoom room;
    room.options.header_limit = milliseconds{150};
    room.expect_asked_again("mute");
}

TEST(FaultReset, IsAskedAgain) {
    VirtualFaultRoom room;
    room.expect_asked_again("reset");
}

TEST(FaultLate, IsWaitedFor) {
    RealFaultRoom room;
    const base::Steady before = room.clock.steady();
    expect_plain(room.expect_read("late=200"));
    EXPECT_GE(room.clock.steady() - before, milliseconds{200});
}

TEST(FaultCut, IsAskedAgainWhereverItStrikes) {
    for (const char* fault : {"cut=0", "cut=1", "cut=4", "cut=input", "cut=delta"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultCut, TooOftenIsGivenUpAsUnavailable) {
    VirtualFaultRoom room;
    room.strike("cut=2", 0);
    EXPECT_EQ(room.failure().kind(), Failure::Kind::unavailable);
    EXPECT_EQ(room.far_end.requests().size(),
              static_cast<std::size_t>(room.options.retry.attempts_max));
}

TEST(FaultCutFrame, IsAskedAgain) {
    for (const char* fault : {"cut-frame", "cut-frame=0", "cut-frame=input", "cut-frame=delta"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultCutUtf8, IsAskedAgain) {
    VirtualFaultRoom room;
    room.expect_asked_again("cut-utf8");
}

TEST(FaultClose, IsAskedAgain) {
    for (const char* fault : {"close=0", "close=3", "close=delta"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultEnd, ACleanEndWithoutMessageStopIsAskedAgain) {
    for (const char* fault : {"end=0", "end=1", "end=4", "end=delta"}) {
        VirtualFaultRoom room;
        room.expect_asked_again(fault);
    }
}

TEST(FaultSilence, IsAskedAgainWhenTheIdleLimitHasPassed) {
    for (const char* fault : {"silence=0", "silence=1", "silence=delta"}) {
        RealFaultRoom room;
        room.options.idle_limit = milliseconds{120};
        room.expect_asked_again(fault);
    }
}

TEST(FaultPings, AloneAreNoProgress) {
    RealFaultRoom room;
    room.options.progress_limit = milliseconds{150};
    room.expect_asked_again("pings=5");
}

TEST(FaultSlow, IsWaitedForWhileEventsCome) {
    RealFaultRoom room;
    room.options.idle_limit = milliseconds{150};
    const base::Steady before = room.clock.steady();
    expect_plain(room.expect_read("slow=25"));
    EXPECT_GE(room.clock.steady() - before, milliseconds{200})
        << "longer in all than the idle limit, so that this is none of the whole reply";
}

TEST(FaultDrip, EndsAtTheLimitOfTheWholeAttempt) {
    RealFaultRoom room;
    room.options.attempt_limit = milliseconds{300};
    room.expect_asked_again("drip=5");
}

TEST(FaultDrip, FastEnoughIsRead) {
    RealFaultRoom room;
    expect_plain(room.expect_read("drip=0"));
}

}  // namespace
}  // namespace fault_tests
