// The runner's right to run visits, against a service that answers, refuses and falls silent.
#include "runner/lease.hpp"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/clients/far_end.hpp"
#include "tests/runner/runner_world.hpp"

namespace {

using runner_tests::lost_answer;
using runner_tests::refusal;
using runner_tests::RunnerWorld;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

base::Task<void> rest_for(base::Loop& loop, base::Duration span) {
    co_await loop.sleep(span);
}

// The lease alone, in virtual time: waits cost nothing, exchanges stop the clock.
struct LeaseRoom : tests::Outbound<tests::CourteousClock> {
    void start() {
        group.add(lease.keep(
            [this](const std::string& reason) {
                losses.push_back(reason);
                lost_at = loop.now();
            },
            [this](const std::string& reason) { refusals.push_back(reason); }));
    }
    void answer(int status) {
        far_end.otherwise([status](const base::ServerRequest&) {
            return status == 200 ? base::ServerResponse::json({{"ok", true}})
                                 : refusal(status, "not now");
        });
    }
    void pass(base::Duration span) { loop.run(rest_for(loop, span)); }

    clients::Auth auth{http, {.url = far_end.url(), .service_key = base::Secret{"key"}}};
    std::vector<std::string> losses, refusals;
    base::Steady lost_at{};
    runner::Lease lease{loop, auth, {.node = "node-1", .length = seconds{60}}, metrics, random};
    base::Group group{loop};
};

TEST(LeaseWire, IsHeldOnceTheServiceAcknowledgedTheHeartbeat) {
    LeaseRoom room;
    EXPECT_FALSE(room.lease.is_held());
    EXPECT_FALSE(room.lease.covers(milliseconds{0}));
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    EXPECT_TRUE(room.lease.is_held());
    EXPECT_EQ(room.lease.last_error(), "");
    const base::Json asked = room.far_end.seen().front().request.json();
    EXPECT_EQ(asked,
              (base::Json{
                  {"runnerId", room.lease.runner_id()}, {"node", "node-1"}, {"leaseSeconds", 60}}));
}

TEST(LeaseWire, ServiceWithoutTheCallIsToldOnceAndNotAskedAgain) {
    LeaseRoom room;
    room.answer(404);
    room.start();
    room.pass(seconds{30});
    EXPECT_THAT(room.refusals, ElementsAre(HasSubstr("no heartbeat and claim calls")));
    EXPECT_EQ(room.far_end.seen().size(), 1U);
}

TEST(LeaseWire, A404AfterALeaseWasHeldIsAPassingFault) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    room.answer(404);
    room.pass(seconds{30});
    EXPECT_THAT(room.refusals, ElementsAre());
    room.answer(200);
    room.pass(seconds{30});
    EXPECT_TRUE(room.lease.is_held());
}

TEST(LeaseWire, EndsALeaseLengthAfterTheHeartbeatWasSent) {
    LeaseRoom room;
    room.answer(200);
    const base::Steady sent_at = room.loop.now();
    room.start();
    room.loop.run(room.lease.until_held());
    EXPECT_EQ(room.lease.ends_at(), sent_at + seconds{60});
}

TEST(LeaseWire, CoversOnlyStepsThatEndBeforeTheLeaseDoes) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    const base::Duration left = room.lease.ends_at() - room.loop.now();
    EXPECT_TRUE(room.lease.covers(left - milliseconds{1}));
    EXPECT_FALSE(room.lease.covers(left));
    EXPECT_FALSE(room.lease.covers(left + milliseconds{1}));
}

TEST(LeaseWire, HeartbeatsKeepItForEver) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.pass(std::chrono::minutes{30});
    EXPECT_TRUE(room.lease.is_held());
    EXPECT_TRUE(room.losses.empty());
    // One every ten seconds, not more.
    EXPECT_NEAR(static_cast<double>(room.far_end.seen().size()), 180, 3);
}

TEST(LeaseWire, EndsByItselfWhenTheServiceRefusesAndCallsLostOnce) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    room.answer(503);
    room.pass(seconds{9});
    const base::Steady ends_at = room.lease.ends_at();
    room.pass(std::chrono::minutes{5});
    EXPECT_FALSE(room.lease.is_held());
    ASSERT_EQ(room.losses.size(), 1U);
    EXPECT_THAT(room.losses[0], HasSubstr("no heartbeat was acknowledged"));
    EXPECT_EQ(room.lost_at, ends_at);
    EXPECT_THAT(room.lease.last_error(), HasSubstr("503"));
    EXPECT_EQ(room.metric("persona_leases_lost_total"), 1);
}

TEST(LeaseWire, ComesBackAfterTheServiceDoes) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    const std::string runner_id = room.lease.runner_id();
    room.answer(503);
    room.pass(std::chrono::minutes{2});
    EXPECT_FALSE(room.lease.is_held());
    room.answer(200);
    room.pass(seconds{3});
    EXPECT_TRUE(room.lease.is_held());
    EXPECT_EQ(room.lease.runner_id(), runner_id);
    EXPECT_EQ(room.lease.last_error(), "");
}

TEST(LeaseWire, AShortOutageCostsNothing) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    room.answer(503);
    room.pass(seconds{40});
    EXPECT_TRUE(room.lease.is_held());
    room.answer(200);
    room.pass(std::chrono::minutes{5});
    EXPECT_TRUE(room.losses.empty());
}

TEST(LeaseWire, ADeadRunnerRegistersUnderANewId) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    const std::string first = room.lease.runner_id();
    room.far_end.then(refusal(410, "dead"));
    room.pass(seconds{30});
    EXPECT_NE(room.lease.runner_id(), first);
    EXPECT_TRUE(room.lease.is_held());
    ASSERT_EQ(room.losses.size(), 1U);
    EXPECT_THAT(room.losses[0], HasSubstr("declared this runner dead before its lease ran out"));
    EXPECT_THAT(room.losses[0], HasSubstr("another daemon registered as this node"));
    EXPECT_EQ(room.far_end.seen().back().request.json()["runnerId"], room.lease.runner_id());
}

TEST(LeaseWire, RevokingEndsItAtOnceAndChangesTheId) {
    LeaseRoom room;
    room.answer(200);
    room.start();
    room.loop.run(room.lease.until_held());
    const std::string first = room.lease.runner_id();
    room.lease.revoke("a claim was told 410");
    EXPECT_FALSE(room.lease.is_held());
    EXPECT_FALSE(room.lease.covers(milliseconds{1}));
    EXPECT_THAT(room.losses, ElementsAre("a claim was told 410"));
    EXPECT_NE(room.lease.runner_id(), first);
    room.pass(seconds{11});
    EXPECT_TRUE(room.lease.is_held());
}

// The heartbeat under way must not outlive the right that it is to renew.
TEST(LeaseWire, EndsInTimeWhileAHeartbeatWaitsForAnAnswerThatNeverComes) {
    RunnerWorld world({.lease = seconds{1}, .heartbeat_every = milliseconds{100}});
    world.hold_lease();
    std::promise<void> over;
    world.service.always("heartbeat",
                         [again = over.get_future().share()](const base::ServerRequest&) {
                             again.wait_for(seconds{15});
                             return base::ServerResponse::json({{"ok", true}});
                         });
    const base::Steady begin = world.loop.now();
    EXPECT_TRUE(world.until([&world] { return !world.losses.empty(); }));
    EXPECT_LT(world.loop.now() - begin, seconds{5});
    EXPECT_THAT(world.lease.last_error(), HasSubstr("did not answer"));
    over.set_value();
    EXPECT_TRUE(world.until([&world] { return world.lease.is_held(); }));
    EXPECT_EQ(world.losses.size(), 1U);
}

TEST(LeaseWire, ALostAnswerIsNoAcknowledgement) {
    RunnerWorld world;
    world.service.then("heartbeat", lost_answer());
    world.hold_lease();
    EXPECT_GE(world.service.count("heartbeat"), 2U);
    EXPECT_TRUE(world.losses.empty());
}

}  // namespace
