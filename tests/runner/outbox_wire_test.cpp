// The outbox between a disk and a service that both fail: nothing is lost, nothing doubled.
#include "runner/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/outbox/visit_file.hpp"
#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::VisitEnd;
using runner_tests::lost_answer;
using runner_tests::outbox_action;
using runner_tests::outbox_end;
using runner_tests::outbox_files;
using runner_tests::outbox_settled;
using runner_tests::outbox_text;
using runner_tests::outbox_visit;
using runner_tests::OutboxWire;
using runner_tests::refusal;
using runner_tests::visits_on_disk;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(OutboxWire, DeliversActionsThenRatingsThenTheEndAndForgetsThem) {
    put_visit("v1", 3);
    EXPECT_EQ(world.outbox.waiting_visits(), 1U);
    EXPECT_EQ(world.outbox.waiting_records(), 5U);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_THAT(calls(), ElementsAre("actions", "feedback", "finish"));
    EXPECT_EQ(world.service.actions("v1").size(), 3U);
    EXPECT_EQ(world.service.ratings("v1").size(), 1U);
    const base::Json end = *world.service.end_of("v1");
    EXPECT_EQ(end["counts"], (base::Json{{"actions", 3}, {"ratings", 1}}));
    EXPECT_EQ(end["status"], "finished");
    EXPECT_EQ(world.outbox.find("v1"), nullptr);
    EXPECT_EQ(world.outbox.waiting_records(), 0U);
}

TEST_F(OutboxWire, ManyActionsGoInBatchesThatTheServiceTakes) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    base::Group writes(world.loop);
    const int many = static_cast<int>(catalog::actions_per_batch_max) + 50;
    for (int seq = 1; seq <= many; ++seq) {
        writes.add(world.outbox.put_intent(outbox_action("v1", seq)));
        writes.add(world.outbox.put_outcome(outbox_settled(outbox_action("v1", seq))));
    }
    world.loop.run(writes.all());
    world.loop.run(world.outbox.close("v1", {}, outbox_end()));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("v1").size(), static_cast<std::size_t>(many));
    EXPECT_EQ(world.service.count("actions"), 2U);
}

TEST_F(OutboxWire, ActionsOfARunningVisitAreDeliveredBeforeItEnds) {
    deliver();
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 2)));
    EXPECT_TRUE(world.until([this] { return world.service.actions("v1").size() == 1; }));
    // The open intent stays here: its outcome is not known yet.
    EXPECT_EQ(world.service.actions("v1")[0]["seq"], 1);
    EXPECT_EQ(world.service.count("finish"), 0U);
    EXPECT_TRUE(visits_on_disk(folder).contains("v1"));
}

TEST_F(OutboxWire, LostAnswersAreSentAgainWithoutDoubling) {
    for (const char* call : {"actions", "feedback", "finish"}) {
        world.service.then(call, [this, call](const base::ServerRequest& request) {
            world.service.usual(call, request);
            return lost_answer();
        });
    }
    put_visit("v1", 2);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_GE(world.service.count("actions"), 2U);
    EXPECT_GE(world.service.count("finish"), 2U);
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.ratings("v1").size(), 1U);
    EXPECT_EQ(world.service.rewrites(), 0U);
    EXPECT_EQ(world.outbox.last_error(), "");
}

TEST_F(OutboxWire, WaitsForAServiceThatIsDownAndSaysWhy) {
    for (int i = 0; i < 4; ++i) world.service.then("actions", refusal(503, "starting"));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(world.until([this] { return !world.outbox.last_error().empty(); }));
    EXPECT_THAT(world.outbox.last_error(), HasSubstr("503"));
    EXPECT_TRUE(visits_on_disk(folder).contains("v1"));
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.outbox.last_error(), "");
    EXPECT_EQ(world.service.count("actions"), 5U);
}

TEST_F(OutboxWire, AWrongServiceKeyKeepsTheRecords) {
    world.service.then("actions", refusal(401, "unknown service key"));
    world.service.then("actions", refusal(403, "not for you"));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(outbox_files(folder / "rejected").empty());
}

TEST_F(OutboxWire, RowsThatTheServiceLostAreSentAgain) {
    world.service.then("finish", [this](const base::ServerRequest& request) {
        world.service.forget_rows();
        return world.service.usual("finish", request);
    });
    put_visit("v1", 2);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_THAT(calls(),
                ElementsAre("actions", "feedback", "finish", "actions", "feedback", "finish"));
    EXPECT_TRUE(world.service.end_of("v1"));
}

TEST_F(OutboxWire, AVisitThatStaysIncompleteIsNeitherDroppedNorHammered) {
    world.service.always("finish", [](const base::ServerRequest&) {
        return refusal(409, "rows are missing", "incomplete");
    });
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(world.until([this] { return !world.outbox.last_error().empty(); }));
    EXPECT_THAT(world.outbox.last_error(), HasSubstr("incomplete although every row was sent"));
    EXPECT_TRUE(visits_on_disk(folder).contains("v1"));
    world.service.always("finish", nullptr);
    EXPECT_TRUE(delivered());
}

TEST_F(OutboxWire, AVisitThatWasAlreadyLostIsDone) {
    world.service.then("finish", base::ServerResponse::json({{"ok", true}, {"applied", false}}));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(outbox_files(folder / "rejected").empty());
}

TEST_F(OutboxWire, TheVisitOfADeletedPersonaIsSetAsideAndTheOthersGoOn) {
    for (const std::string code : {"persona_unknown", "visit_unknown"}) {
        const std::string id = "gone-" + code;
        world.service.always("actions", [this, code, id](const base::ServerRequest& request) {
            if (request.param("id") == "user-" + id) return refusal(404, "persona gone", code);
            return world.service.usual("actions", request);
        });
        put_visit(id, 1);
        put_visit("kept-" + code, 1);
        base::Group delivering(world.loop);
        delivering.add(world.outbox.deliver());
        EXPECT_TRUE(delivered());
        EXPECT_TRUE(world.service.end_of("kept-" + code));
        const fs::path aside = folder / "rejected" / (id + ".visit");
        EXPECT_EQ(runner::read_visit_file(outbox_text(aside)).visit.visit_id, id);
        EXPECT_THAT(outbox_text(folder / "rejected" / (id + ".reason")),
                    AllOf(HasSubstr("404"), HasSubstr("persona gone")));
    }
    EXPECT_EQ(world.outbox.last_error(), "");
    EXPECT_EQ(world.outbox.rejected_visits(), 2U);
}

// A proxy's own page, a damaged request, a service of another version: none of them knows whether
// the persona is gone.
TEST_F(OutboxWire, WhatAnybodyElseRefusesIsKeptAndSentAgain) {
    base::ServerResponse page;
    page.status = 404;
    page.body = "<html><h1>404 Not Found</h1></html>";
    for (const char* call : {"actions", "feedback", "finish"}) {
        world.service.then(call, page);
        world.service.then(call, refusal(404, "no such path", "NOT_FOUND"));
        world.service.then(call, refusal(400, "request body is not valid JSON"));
        world.service.then(call, refusal(405, "use GET"));
        world.service.then(call, refusal(413, "too large"));
    }
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.count("actions"), 6U);
    EXPECT_EQ(world.service.actions("v1").size(), 1U);
    EXPECT_TRUE(world.service.end_of("v1"));
    EXPECT_TRUE(outbox_files(folder / "rejected").empty());
    EXPECT_EQ(world.outbox.last_error(), "");
}

TEST_F(OutboxWire, OneVisitsTroubleIsToldUntilItEndsAndHoldsNobodyUp) {
    world.service.always("actions", [this](const base::ServerRequest& request) {
        if (request.param("id") == "user-odd") return refusal(400, "seq must be another number");
        return world.service.usual("actions", request);
    });
    put_visit("odd", 1);
    for (int i = 0; i < 3; ++i) put_visit("even-" + std::to_string(i), 1);
    deliver();
    EXPECT_TRUE(world.until([this] { return world.outbox.waiting_visits() == 1; }));
    EXPECT_TRUE(world.until([this] { return world.service.count("actions") > 6; }));
    EXPECT_THAT(world.outbox.last_error(), HasSubstr("seq must be"));
    world.service.always("actions", nullptr);
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.outbox.last_error(), "");
}

TEST_F(OutboxWire, ARunningVisitThatTheServiceRefusesStopsAtItsNextRecord) {
    world.service.always("actions", [](const base::ServerRequest&) {
        return refusal(404, "no such persona", "persona_unknown");
    });
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    deliver();  // Not before: a slow disk would let the refusal meet the first action.
    EXPECT_TRUE(world.until([this] { return world.service.count("actions") == 1; }));
    std::string reason;
    for (int seq = 2; reason.empty() && seq < 100; ++seq) {
        reason = world.failure_of(world.outbox.put_intent(outbox_action("v1", seq)));
        if (!reason.empty()) break;
        reason =
            world.failure_of(world.outbox.put_outcome(outbox_settled(outbox_action("v1", seq))));
    }
    EXPECT_THAT(reason, AllOf(HasSubstr("refuses this visit's records"), HasSubstr("404")));
    EXPECT_EQ(world.service.count("actions"), 1U);
    world.outbox.abandon(
        "v1", runner::end_of_abandoned(*world.outbox.find("v1"), reason, VisitEnd::Source::infra));
    EXPECT_TRUE(delivered());
    EXPECT_THAT(outbox_files(folder / "rejected"), ElementsAre("v1.reason", "v1.visit"));
}

TEST_F(OutboxWire, AbandonedVisitsAreClosedWithUnknownCallsAndMissingRatings) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 2, "notes")));
    const VisitEnd end =
        runner::end_of_abandoned(*world.outbox.find("v1"), "deadline", VisitEnd::Source::model);
    EXPECT_EQ(end.status, VisitEnd::Status::partial);
    world.outbox.abandon("v1", end);
    world.outbox.abandon("v1", outbox_end());  // The first end stands.
    deliver();
    EXPECT_TRUE(delivered());
    const auto actions = world.service.actions("v1");
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions[0]["outcome"], "ok");
    EXPECT_EQ(actions[1]["outcome"], "unknown");
    EXPECT_EQ(actions[1]["result"], "error");
    const auto ratings = world.service.ratings("v1");
    ASSERT_EQ(ratings.size(), 2U);
    for (const base::Json& rating : ratings) {
        EXPECT_EQ(rating["status"], "missing");
        EXPECT_TRUE(rating["rating"].is_null());
        EXPECT_EQ(rating["notes"], "deadline");
    }
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
    EXPECT_EQ((*world.service.end_of("v1"))["errorSource"], "model");
}

TEST_F(OutboxWire, AVisitWithoutAnyActionFailed) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    world.outbox.abandon("v1", runner::end_of_abandoned(*world.outbox.find("v1"), "login: 401",
                                                        VisitEnd::Source::persona));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "failed");
    EXPECT_THAT(calls(), ElementsAre("finish"));
}

TEST_F(OutboxWire, FlushTriesAtOnceAndTellsWhetherAllIsDelivered) {
    world.service.always("actions",
                         [](const base::ServerRequest&) { return refusal(503, "down"); });
    put_visit("v1", 1);
    deliver();
    EXPECT_FALSE(world.run(world.outbox.flush(std::chrono::milliseconds{50})));
    EXPECT_EQ(world.outbox.waiting_visits(), 1U);
    world.service.always("actions", nullptr);
    EXPECT_TRUE(world.run(world.outbox.flush(std::chrono::seconds{10})));
}

}  // namespace
