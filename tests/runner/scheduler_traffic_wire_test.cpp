// The scheduler under the model's traffic: places that grow and shrink, a spending cap.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/scheduler.hpp"
#include "tests/runner/runner_world.hpp"

namespace {

using base::Json;
using catalog::VisitEnd;
using runner::TickReport;
using runner_tests::call_block;
using runner_tests::model_calls;
using runner_tests::model_error;
using std::chrono::minutes;
using testing::AllOf;
using testing::HasSubstr;

struct TrafficSchedule : runner_tests::RunnerWorld {
    explicit TrafficSchedule(runner_tests::WorldOptions world = {})
        : RunnerWorld(std::move(world)),
          scheduler(services(), {.concurrency_max = 8}, visit_options()) {
        hold_lease();
    }
    ~TrafficSchedule() { model.release(); }

    void due(std::initializer_list<const char*> names) {
        for (const char* name : names) service.add_due(name, minutes{10});
    }
    void tick() {
        scheduler.tick({false, [this](const TickReport& report) { reports.push_back(report); }});
    }

    runner::Scheduler scheduler;
    std::vector<TickReport> reports;
};

TEST(SchedulerTraffic, StartsWithAQuarterOfTheCeilingAndUsesWhatGrows) {
    TrafficSchedule room({.places = {.ceiling = 8, .adaptive = true}});
    room.due({"anna", "ben", "cem", "dia", "eva", "fritz"});
    room.model.hold();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 2; }));
    EXPECT_EQ(room.scheduler.running(), 2U);
    EXPECT_EQ(room.scheduler.status()["places"], 2);
    room.model.release();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 1; }));
    EXPECT_EQ(room.reports[0].ran, 6);
    EXPECT_GT(room.claude.traffic().exact_places(), 2);
}

TEST(SchedulerTraffic, ASpendingCapEndsRunningVisitsAndLetsNoneStart) {
    TrafficSchedule room;
    // Ben's reply is under way when Anna is told of the cap; what he asks next does not leave.
    room.due({"ben"});
    room.model.hold("Du bist ben");
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 1; }));
    room.due({"anna"});
    room.model.then(model_error(429, "rate_limit_error", "monthly limit reached"));
    testing::internal::CaptureStderr();
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 1; }));
    EXPECT_THAT(room.scheduler.model_stop(), HasSubstr("spending cap"));
    room.model.then(model_calls({call_block("toolu_1", "todo_create", R"({"title":"Milch"})")}));
    room.model.release();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 2; }));
    EXPECT_THAT(
        testing::internal::GetCapturedStderr(),
        AllOf(HasSubstr("visit handed back persona=anna"), HasSubstr("visit failed persona=ben")));
    EXPECT_EQ(room.model.turns().size(), 2U);
    for (const TickReport& report : room.reports) {
        ASSERT_EQ(report.failed.size(), 1U);
        EXPECT_THAT(report.failed[0].second, HasSubstr("spending cap"));
        EXPECT_THAT(report.failed[0].second, HasSubstr("monthly limit reached"));
    }
    const runner::VisitRecords* ben = room.outbox.find("visit-ben-1");
    ASSERT_TRUE(ben && ben->end);
    EXPECT_EQ(ben->end->status, VisitEnd::Status::partial);
    EXPECT_EQ(ben->end->source, VisitEnd::Source::model);
    EXPECT_THAT(ben->end->reason, HasSubstr("spending cap"));
    // Anna had not acted: the cap is nobody's failure, so no attempt of hers is used up.
    const runner::VisitRecords* anna = room.outbox.find("visit-anna-2");
    ASSERT_TRUE(anna && anna->end);
    EXPECT_EQ(anna->end->status, VisitEnd::Status::failed);
    EXPECT_TRUE(anna->end->handed_back);

    room.due({"dia"});
    const std::size_t claims = room.service.count("claim");
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 3; }));
    EXPECT_THAT(room.reports[2].trouble, HasSubstr("spending cap"));
    EXPECT_EQ(room.reports[2].due, 0);
    EXPECT_EQ(room.service.count("claim"), claims);
    EXPECT_THAT(room.scheduler.status()["modelStopped"].get<std::string>(),
                HasSubstr("monthly limit reached"));

    room.claude.traffic().resume();
    EXPECT_TRUE(room.scheduler.status()["modelStopped"].is_null());
    room.tick();
    EXPECT_TRUE(room.until([&] { return room.reports.size() == 4; }));
    EXPECT_EQ(room.reports[3].ran, 1);
}

}  // namespace
