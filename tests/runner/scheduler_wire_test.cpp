// Passes over who is due: one at a time, never more visits than places, nobody pulled down.
#include "runner/scheduler.hpp"

#include <atomic>
#include <cerrno>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/runner_world.hpp"

namespace {

using base::Json;
using base::ServerRequest;
using catalog::VisitEnd;
using runner::TickReport;
using runner_tests::call_block;
using runner_tests::model_calls;
using runner_tests::refusal;
using runner_tests::RunnerWorld;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct SchedulerRoom : RunnerWorld {
    explicit SchedulerRoom(runner::ScheduleOptions schedule = {},
                           runner_tests::WorldOptions world = {})
        : RunnerWorld(std::move(world)), scheduler(services(), schedule, visit_options()) {
        on_lost = [this](const std::string& reason) { scheduler.drop_visits(reason); };
    }
    ~SchedulerRoom() { model.release(); }

    void due(std::initializer_list<const char*> names, milliseconds time_left = minutes{10}) {
        for (const char* name : names) service.add_due(name, time_left);
    }
    void tick(bool everybody = false) {
        scheduler.tick(
            {everybody, [this](const TickReport& report) { reports.push_back(report); }});
    }
    // Starts a tick and waits for its report.
    TickReport ticked(bool everybody = false) {
        const std::size_t before = reports.size();
        tick(everybody);
        EXPECT_TRUE(until([&] { return reports.size() > before; }));
        return reports.size() > before ? reports.back() : TickReport{};
    }
    // The personas whom the auth service was asked to log in, in order.
    std::vector<std::string> visited() const {
        std::vector<std::string> names;
        for (const auto& call : service.calls("login")) {
            const std::string email = call.body.at("email");
            names.push_back(email.substr(8, email.find('@') - 8));
        }
        return names;
    }
    static std::vector<std::string> failed_of(const TickReport& report) {
        std::vector<std::string> names;
        for (const auto& [persona, error] : report.failed) names.push_back(persona);
        return names;
    }

    runner::Scheduler scheduler;
    std::vector<TickReport> reports;
};

TEST(SchedulerWire, ATickRunsWhoIsDueAndReports) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna", "ben", "cem"});
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 3);
    EXPECT_EQ(report.ran, 3);
    EXPECT_THAT(report.failed, IsEmpty());
    EXPECT_EQ(report.trouble, "");
    EXPECT_THAT(room.visited(), UnorderedElementsAre("anna", "ben", "cem"));
    EXPECT_EQ(room.outbox.waiting_visits(), 3U);
    EXPECT_EQ(room.scheduler.running(), 0U);
    EXPECT_TRUE(room.scheduler.last_tick());
    const Json claim = room.service.calls("claim").at(0).body;
    EXPECT_EQ(claim["runnerId"], room.lease.runner_id());
    EXPECT_EQ(claim["limit"], 2);
    EXPECT_FALSE(claim.contains("due"));
}

TEST(SchedulerWire, NoCrowdStandsAtTheDoor) {
    SchedulerRoom room({.concurrency_max = 8, .entering_max = 3});
    room.hold_lease();
    std::atomic<bool> open{false};
    room.service.always("login", [&](const ServerRequest& request) {
        while (!open) std::this_thread::yield();
        return room.service.usual("login", request);
    });
    room.due({"anna", "ben", "cem", "dana", "elif", "finn", "gina"});
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.visited().size() == 3; }));
    EXPECT_EQ(room.scheduler.running(), 3U);
    EXPECT_EQ(room.service.calls("claim").back().body["limit"], 3);
    open = true;
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports.at(0).ran, 7);
}

TEST(SchedulerWire, AVisitThatFailsAtTheDoorMakesWay) {
    SchedulerRoom room({.concurrency_max = 8, .entering_max = 1});
    room.hold_lease();
    room.service.then("login", refusal(401, "UNAUTHORIZED"));
    room.due({"anna", "ben", "cem"});
    const TickReport report = room.ticked();
    EXPECT_EQ(report.ran, 2);
    EXPECT_EQ(report.failed.size(), 1U);
}

TEST(SchedulerWire, ACrowdBeginsByAndBy) {
    SchedulerRoom room({.concurrency_max = 8, .starts_at_once = 3});
    room.hold_lease();
    room.model.hold();
    room.due({"anna", "ben", "cem", "dana", "elif"});
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.scheduler.running() == 3; }));
    EXPECT_EQ(room.service.calls("claim").at(0).body["limit"], 3);
    EXPECT_TRUE(room.until([&] { return room.scheduler.running() == 5; }));
    room.model.release();
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports.at(0).ran, 5);
    EXPECT_GE(room.service.count("claim"), 3U);
}

TEST(SchedulerWire, ATickWithNobodyDueReportsNothing) {
    SchedulerRoom room;
    room.hold_lease();
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 0);
    EXPECT_EQ(report.trouble, "");
    EXPECT_EQ(runner::to_json(report)["ranSuccessfully"], 0);
}

TEST(SchedulerWire, NeverMoreVisitsAtOnceThanPlaces) {
    SchedulerRoom room({.concurrency_max = 2});
    room.hold_lease();
    room.due({"anna", "ben", "cem", "dia", "eva"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 2; }));
    EXPECT_EQ(room.scheduler.running(), 2U);
    EXPECT_EQ(room.service.count("claim"), 1U);
    room.model.release();
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports.at(0).ran, 5);
    EXPECT_LE(room.model.most_waiting(), 2);
}

TEST(SchedulerWire, ASlowPersonaDoesNotBlockThePlacesOfOthers) {
    SchedulerRoom room({.concurrency_max = 2});
    room.hold_lease();
    room.due({"anna", "ben", "cem", "dia"});
    room.model.hold("Du bist anna");
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.outbox.waiting_visits() == 3; }));
    EXPECT_TRUE(room.until([&] { return room.scheduler.status()["tickRunning"] == false; }));
    EXPECT_TRUE(room.reports.empty());
    // Her visit outlives the pass: the next tick has its own.
    room.due({"eva"});
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 1; }));
    EXPECT_EQ(room.reports[0].due, 1);
    room.model.release();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 2; }));
    EXPECT_EQ(room.reports[1].ran, 4);
}

TEST(SchedulerWire, OnePassAtATimeAndTheNextWaitsForIt) {
    SchedulerRoom room;
    room.hold_lease();
    std::promise<void> open;
    const std::shared_future<void> opened = open.get_future().share();
    std::atomic<int> claiming{0}, most{0};
    room.service.always("claim", [&, opened](const ServerRequest& request) {
        most = std::max<int>(most, ++claiming);
        opened.wait_for(std::chrono::seconds{15});
        --claiming;
        return room.service.usual("claim", request);
    });
    room.due({"anna"});
    room.tick();
    room.tick();
    room.tick();
    EXPECT_TRUE(room.until([&] { return claiming == 1; }));
    EXPECT_TRUE(room.scheduler.status().at("tickRunning"));
    open.set_value();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 3; }));
    EXPECT_EQ(most, 1);
    int due = 0;
    for (const TickReport& report : room.reports) due += report.due;
    EXPECT_EQ(due, 1);
}

TEST(SchedulerWire, EverybodyHasOneVisitAPass) {
    SchedulerRoom room({.concurrency_max = 1});
    room.hold_lease();
    room.due({"anna", "ben", "cem"});
    EXPECT_EQ(room.ticked(true).due, 3);
    EXPECT_THAT(room.visited(), UnorderedElementsAre("anna", "ben", "cem"));
    const auto claims = room.service.calls("claim");
    ASSERT_EQ(claims.size(), 4U);
    EXPECT_FALSE(claims[0].body.contains("idleSince"));
    for (std::size_t i = 0; i < claims.size(); ++i) EXPECT_EQ(claims[i].body["due"], "all");
    // The service's own time of the first claim, unchanged for the whole pass.
    EXPECT_TRUE(claims[1].body.contains("idleSince"));
    EXPECT_EQ(claims[1].body["idleSince"], claims[3].body["idleSince"]);
    EXPECT_NE(claims[0].body["requestId"], claims[1].body["requestId"]);
}

TEST(SchedulerWire, AFailedVisitDoesNotStopTheOthers) {
    SchedulerRoom room({.concurrency_max = 1});
    room.hold_lease();
    room.service.then("login", refusal(401, "wrong password"));
    room.due({"anna", "ben", "cem"});
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 3);
    EXPECT_EQ(report.ran, 2);
    ASSERT_EQ(report.failed.size(), 1U);
    EXPECT_EQ(report.failed[0].first, "anna");
    EXPECT_THAT(report.failed[0].second, testing::StartsWith("login: "));
    const Json json = runner::to_json(report);
    EXPECT_EQ(json["due"], 3);
    EXPECT_EQ(json["ranSuccessfully"], 2);
    EXPECT_EQ(json["failed"][0]["persona"], "anna");
    EXPECT_GE(json["durationMs"].get<int>(), 0);
    EXPECT_FALSE(json.contains("trouble"));
    EXPECT_EQ(room.scheduler.status()["lastTick"], json);
    const std::string metrics = room.metrics.text();
    EXPECT_THAT(metrics, testing::HasSubstr(
                             "persona_visits_total{ending=\"failed\",source=\"persona\"} 1\n"));
    EXPECT_THAT(metrics, testing::HasSubstr(
                             "persona_visits_total{ending=\"finished\",source=\"none\"} 2\n"));
    EXPECT_THAT(metrics, testing::HasSubstr("persona_visits_running 0\n"));
    EXPECT_THAT(metrics, testing::HasSubstr("persona_tick_seconds_count 1\n"));
}

TEST(SchedulerWire, TheDeadlineCutsOneVisitAndNamesWhatItWaitedFor) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna"}, milliseconds{300});
    room.due({"ben"});
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.hold("Du bist anna");
    room.tick();
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports[0].ran, 1);
    ASSERT_THAT(SchedulerRoom::failed_of(room.reports[0]), ElementsAre("anna"));
    EXPECT_EQ(room.reports[0].failed[0].second, "deadline passed while waiting for model");
    const runner::VisitRecords* left = room.outbox.find("visit-anna-1");
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->end->source, VisitEnd::Source::model);
    EXPECT_EQ(left->end->status, VisitEnd::Status::failed);
    EXPECT_EQ(left->end->reason, "deadline passed while waiting for model");
    EXPECT_EQ(room.scheduler.running(), 0U);
}

TEST(SchedulerWire, DroppingVisitsClosesEachOnce) {
    SchedulerRoom room({.concurrency_max = 3});
    room.hold_lease();
    room.due({"anna", "ben", "cem"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 3; }));
    room.scheduler.drop_visits("lease lost");
    EXPECT_EQ(room.scheduler.running(), 0U);
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_THAT(SchedulerRoom::failed_of(room.reports[0]),
                UnorderedElementsAre("anna", "ben", "cem"));
    EXPECT_EQ(room.reports[0].failed[0].second, "lease lost");
    EXPECT_EQ(room.outbox.waiting_visits(), 3U);
    for (const char* id : {"visit-anna-1", "visit-ben-2", "visit-cem-3"}) {
        const runner::VisitRecords* left = room.outbox.find(id);
        ASSERT_NE(left, nullptr) << id;
        EXPECT_EQ(left->end->source, VisitEnd::Source::infra);
        EXPECT_EQ(left->end->reason, "lease lost");
    }
    room.scheduler.drop_visits("again");
    room.model.release();
    EXPECT_TRUE(room.run(room.scheduler.drained(std::chrono::seconds{5})));
    EXPECT_EQ(room.reports.size(), 1U);
    EXPECT_EQ(room.outbox.find("visit-anna-1")->end->reason, "lease lost");
}

TEST(SchedulerWire, ADayThatWasRatedStandsThoughTheProductSaysNoGoodbye) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna"});
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    std::promise<void> open;
    std::atomic<bool> asked = false;
    room.product.on_goodbye([&asked, opened = open.get_future().share()] {
        asked = true;
        opened.wait_for(std::chrono::seconds{15});
    });
    room.tick();
    EXPECT_TRUE(room.until([&] { return asked.load(); }));
    room.scheduler.drop_visits("lease lost");
    open.set_value();
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports[0].ran, 1);
    EXPECT_THAT(room.reports[0].failed, testing::IsEmpty());
    const runner::VisitRecords* left = room.outbox.find("visit-anna-1");
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->end->status, VisitEnd::Status::finished);
    ASSERT_FALSE(left->ratings.empty());
    EXPECT_EQ(left->ratings[0].status, catalog::Rating::Status::rated);
}

TEST(SchedulerWire, ACallUnderWayIsUnknownWhenItsVisitIsDropped) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna"});
    std::promise<void> open;
    room.product.before_calls([opened = open.get_future().share()](const auto&) {
        opened.wait_for(std::chrono::seconds{15});
        return std::optional<base::ServerResponse>();
    });
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.tick();
    EXPECT_TRUE(room.until([&] { return !room.product.calls().empty(); }));
    room.scheduler.drop_visits("lease lost");
    open.set_value();
    const runner::VisitRecords* left = room.outbox.find("visit-anna-1");
    ASSERT_NE(left, nullptr);
    EXPECT_EQ(left->end->status, VisitEnd::Status::partial);
    EXPECT_EQ(left->actions.at(0).outcome, catalog::Action::Outcome::unknown);
    EXPECT_EQ(left->ratings.at(0).status, catalog::Rating::Status::missing);
}

TEST(SchedulerWire, ALostLeaseDropsTheVisitsAndAClaimToldGoneRevokesIt) {
    SchedulerRoom room({.concurrency_max = 2});
    room.hold_lease();
    const std::string first = room.lease.runner_id();
    room.due({"anna"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 1; }));
    room.service.then("claim", refusal(410, "runner is dead"));
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 2; }));
    EXPECT_NE(room.lease.runner_id(), first);
    EXPECT_EQ(room.losses.size(), 1U);
    EXPECT_EQ(room.scheduler.running(), 0U);
    EXPECT_EQ(room.outbox.waiting_visits(), 1U);
    EXPECT_THAT(room.scheduler.status()["lastTick"].value("trouble", ""), HasSubstr("410"));
}

TEST(SchedulerWire, WithoutTheAuthServiceNoVisitStarts) {
    SchedulerRoom room;
    room.hold_lease();
    room.service.then("claim", refusal(503, "starting"));
    room.due({"anna"});
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 0);
    EXPECT_THAT(report.trouble, HasSubstr("503"));
    EXPECT_THAT(runner::to_json(report)["trouble"].get<std::string>(), HasSubstr("503"));
    EXPECT_EQ(room.ticked().ran, 1);  // The next tick tries again.
}

// The service may have made visits of it: under the same name it hands them out again.
// Found by the pass itself, not by a visit that would have to be given back.
TEST(SchedulerWire, AFullDiskIsFoundBeforeAnybodyIsClaimed) {
    std::atomic<bool> full{true};
    SchedulerRoom room({}, {.disk_faults = [&full](const runner::DiskStep& step) {
                           return full && step.kind == runner::DiskStep::Kind::write ? ENOSPC : 0;
                       }});
    room.hold_lease();
    room.due({"anna"});
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 0);
    EXPECT_THAT(report.trouble, HasSubstr("free space"));
    EXPECT_THAT(room.outbox.refusal(), HasSubstr("No space left"));  // As /health tells it.
    EXPECT_EQ(room.service.count("claim"), 0U);
    EXPECT_EQ(room.ticked().due, 0);  // Still full.
    full = false;
    EXPECT_TRUE(room.until([&room] { return room.outbox.refusal().empty(); }));
    EXPECT_EQ(room.ticked().ran, 1);
}

TEST(SchedulerWire, AClaimWithoutAnAnswerIsAskedAgainByItsName) {
    SchedulerRoom room;
    room.hold_lease();
    room.service.then("claim", refusal(503, "starting"));
    room.due({"anna"});
    room.ticked();
    EXPECT_EQ(room.ticked().ran, 1);
    const auto claims = room.service.calls("claim");
    ASSERT_EQ(claims.size(), 3U);
    EXPECT_EQ(claims[1].body.at("requestId"), claims[0].body.at("requestId"));
    EXPECT_NE(claims[2].body.at("requestId"), claims[1].body.at("requestId")) << "answered";
}

// Its visits are lost for the service: lived under the next lease they would be lived beside
// others.
TEST(SchedulerWire, AClaimThatIsAnsweredAfterTheLeaseStartsNobody) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna"});
    room.service.then("claim", [&room](const ServerRequest& request) {
        std::promise<void> revoked;
        room.loop.post([&] {
            room.lease.revoke("declared dead");
            revoked.set_value();
        });
        revoked.get_future().wait();
        return room.service.usual("claim", request);
    });
    const TickReport report = room.ticked();
    EXPECT_EQ(report.due, 0);
    EXPECT_THAT(report.trouble, HasSubstr("the lease ended while visits were claimed"));
    EXPECT_EQ(room.scheduler.running(), 0U);
}

TEST(SchedulerWire, AVisitThatIsHandedOutTwiceRunsOnce) {
    SchedulerRoom room({.concurrency_max = 4});
    room.hold_lease();
    room.due({"anna"});
    base::ServerResponse handed;
    std::mutex mutex;
    room.service.then("claim", [&](const ServerRequest& request) {
        const std::lock_guard lock(mutex);
        return handed = room.service.usual("claim", request);
    });
    room.service.then("claim", [&](const ServerRequest&) {
        const std::lock_guard lock(mutex);
        return handed;
    });
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.service.count("claim") == 3; }));
    EXPECT_EQ(room.scheduler.running(), 1U);
    room.model.release();
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports[0].due, 1);
    EXPECT_EQ(room.visited().size(), 1U);
}

TEST(SchedulerWire, AfterStopClaimingRunningVisitsGoOnAndNoneStarts) {
    SchedulerRoom room({.concurrency_max = 1});
    room.hold_lease();
    room.due({"anna", "ben"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 1; }));
    room.scheduler.stop_claiming();
    EXPECT_FALSE(room.run(room.scheduler.drained(milliseconds{20})));
    room.model.release();
    EXPECT_TRUE(room.run(room.scheduler.drained(std::chrono::seconds{10})));
    EXPECT_TRUE(room.until([&] { return !room.reports.empty(); }));
    EXPECT_EQ(room.reports[0].ran, 1);
    EXPECT_EQ(room.service.count("claim"), 1U);
    EXPECT_EQ(room.ticked().due, 0);
}

TEST(SchedulerWire, TheTimerTicksUnlessPaused) {
    SchedulerRoom room({.tick_interval = milliseconds{5}});
    room.hold_lease();
    room.background.add(room.scheduler.run());
    room.due({"anna"});
    EXPECT_TRUE(room.until([&] { return room.outbox.waiting_visits() == 1; }));
    room.due({"ben"});
    EXPECT_TRUE(room.until([&] { return room.outbox.waiting_visits() == 2; }));

    SchedulerRoom paused({.tick_interval = milliseconds{1}, .paused = true});
    paused.hold_lease();
    paused.background.add(paused.scheduler.run());
    paused.due({"anna"});
    EXPECT_EQ(paused.ticked().ran, 1);  // By hand it still works.
    EXPECT_EQ(paused.service.count("claim"), 2U);
}

TEST(SchedulerWire, StatusShowsWhatRuns) {
    SchedulerRoom room;
    room.hold_lease();
    room.due({"anna"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 1; }));
    const Json status = room.scheduler.status();
    EXPECT_EQ(status["concurrency"], 2);
    EXPECT_EQ(status["paused"], false);
    EXPECT_FALSE(status["lastTickAt"].is_null());
    EXPECT_TRUE(status["lastTick"].is_null());
    EXPECT_EQ(status["tick"]["due"], 1);
    EXPECT_EQ(status["tick"]["open"], 1);
    ASSERT_EQ(status["running"].size(), 1U);
    const Json visit = status["running"][0];
    EXPECT_EQ(visit["persona"], "anna");
    EXPECT_EQ(visit["visit"], "visit-anna-1");
    EXPECT_EQ(visit["waitingFor"], "model");
    EXPECT_EQ(visit["turn"], 1);
}

}  // namespace
