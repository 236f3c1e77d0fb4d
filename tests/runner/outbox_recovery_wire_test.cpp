// What a process that died left in the outbox, and what the next one makes of it.
#include "runner/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::Action;
using catalog::VisitEnd;
using runner_tests::outbox_action;
using runner_tests::outbox_end;
using runner_tests::outbox_files;
using runner_tests::outbox_rating;
using runner_tests::outbox_settled;
using runner_tests::outbox_text;
using runner_tests::outbox_visit;
using runner_tests::RunnerWorld;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// What an earlier process left behind.
class OutboxRecovery : public testing::Test {
  protected:
    OutboxRecovery() { fs::create_directories(folder); }

    void leave(const std::string& name, const std::string& text) {
        std::ofstream(folder / name, std::ios::binary) << text;
    }
    // A process that died there: a fresh outbox over the folder.
    std::unique_ptr<runner::Outbox> reborn() {
        runner::OutboxOptions options = world.outbox_options();
        options.folder = folder;
        return std::make_unique<runner::Outbox>(world.loop, world.disk, world.auth, options,
                                                world.metrics, world.random);
    }
    // The file holds the visit's end. While the worker writes, a reader may see half of it.
    static bool is_whole(const fs::path& file) {
        try {
            return runner::read_outbox_file(outbox_text(file)).visit.end.has_value();
        } catch (const base::Failure&) {
            return false;
        }
    }
    [[nodiscard]] bool deliver(runner::Outbox& outbox) {
        base::Group group(world.loop);
        group.add(outbox.deliver());
        return world.until(
            [&] { return outbox.waiting_visits() == 0 && outbox_files(folder).empty(); });
    }

    RunnerWorld world;
    const fs::path folder = world.folder.path() / "left";
    const std::string header = runner::header_line(outbox_visit("v1"));
    const std::string intent = runner::intent_line(outbox_action("v1", 1));
    const std::string outcome =
        runner::outcome_line(outbox_settled(outbox_action("v1", 1), Action::Outcome::error));
    const std::string second = runner::intent_line(outbox_action("v1", 2, "notes"));
};

TEST_F(OutboxRecovery, AFileCutBeforeItsFirstLineWasWholeIsForgotten) {
    leave("v1.visit", "");
    leave("v2.visit", header.substr(0, header.size() / 2));
    auto outbox = reborn();
    EXPECT_EQ(outbox->waiting_visits(), 0U);
    EXPECT_THAT(outbox_files(folder), ElementsAre());
    EXPECT_THAT(outbox_files(folder / "broken"), ElementsAre());
}

TEST_F(OutboxRecovery, AnUnfinishedVisitIsClosedAsPartial) {
    leave("v1.visit", header + intent + outcome + second);
    auto outbox = reborn();
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    EXPECT_TRUE(deliver(*outbox));
    const auto actions = world.service.actions("v1");
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions[0]["errorMessage"], "nein");
    EXPECT_EQ(actions[1]["outcome"], "unknown");
    ASSERT_EQ(world.service.ratings("v1").size(), 2U);
    EXPECT_EQ(world.service.ratings("v1")[0]["status"], "missing");
    const base::Json end = *world.service.end_of("v1");
    EXPECT_EQ(end["status"], "partial");
    EXPECT_EQ(end["errorSource"], "infra");
    EXPECT_THAT(end["reason"].get<std::string>(), HasSubstr("runner stopped"));
}

TEST_F(OutboxRecovery, WhatTheVisitHadUsedIsNotLostWithTheProcess) {
    VisitEnd so_far;
    so_far.status = VisitEnd::Status::partial;
    so_far.turns = 3;
    so_far.tokens = {.input = 10, .output = 20, .cache_write = 30, .cache_read = 40};
    so_far.cost_usd = 0.25;
    so_far.model = "claude-sonnet-5-5";
    leave("v1.visit", header + runner::intent_line(outbox_action("v1", 1), so_far));
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    const base::Json end = *world.service.end_of("v1");
    EXPECT_EQ(end["turns"], 3);
    EXPECT_EQ(end["tokens"]["cacheRead"], 40);
    EXPECT_EQ(end["costUsd"], 0.25);
    EXPECT_EQ(end["model"], "claude-sonnet-5-5");
    EXPECT_EQ(end["toolCalls"], 1);
}

TEST_F(OutboxRecovery, CallsOfToolsThatDoNotExistAreNotRated) {
    leave("v1.visit", header + runner::intent_line(
                                   outbox_action("v1", 1, std::string(runner::unknown_module))));
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1").size(), 1U);
    EXPECT_TRUE(world.service.ratings("v1").empty());
}

TEST_F(OutboxRecovery, AFinishedVisitKeepsItsEnd) {
    VisitEnd end = outbox_end();
    end.actions = 1;
    end.ratings = 1;
    leave("v1.visit", header + intent + outcome + runner::rating_line(outbox_rating("v1")) +
                          runner::end_line(end));
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "finished");
    EXPECT_EQ(world.service.ratings("v1")[0]["rating"], 4);
}

TEST_F(OutboxRecovery, EveryCutOfAFileIsRecoveredTwiceToTheSame) {
    VisitEnd end = outbox_end();
    end.actions = 2;
    end.ratings = 2;
    const std::string text =
        header + intent + outcome + second + runner::rating_line(outbox_rating("v1")) +
        runner::rating_line(outbox_rating("v1", "notes")) + runner::end_line(end);
    for (std::size_t cut = header.size(); cut <= text.size(); cut += 17) {
        leave("v1.visit", text.substr(0, cut));
        runner::VisitRecords first;
        {
            auto outbox = reborn();
            first = *outbox->find("v1");
            EXPECT_TRUE(world.until([&] { return is_whole(folder / "v1.visit"); })) << cut;
        }
        auto again = reborn();
        EXPECT_EQ(*again->find("v1"), first) << cut;
        EXPECT_EQ(first.end->actions, static_cast<int>(first.actions.size()));
        EXPECT_EQ(first.end->ratings, static_cast<int>(first.ratings.size())) << cut;
    }
}

TEST_F(OutboxRecovery, ATornTailIsCutOffBeforeTheFileGrows) {
    leave("v1.visit", header + intent + outcome.substr(0, outcome.size() / 2));
    auto outbox = reborn();
    EXPECT_TRUE(world.until([&] {
        const auto file = runner::read_outbox_file(outbox_text(folder / "v1.visit"));
        return file.visit.end.has_value() && !file.torn;
    }));
    EXPECT_EQ(outbox->find("v1")->actions[0].outcome, Action::Outcome::unknown);
}

TEST_F(OutboxRecovery, ADamagedFileIsSetAsideAndTheOthersAreDelivered) {
    std::string damaged = header + intent + outcome;
    damaged[header.size() + 20] ^= 1;
    leave("bad.visit", damaged);
    leave("same.visit", header);
    leave("notes.txt", "not ours");
    leave("first.visit", header + intent + outcome);
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("bad.visit"), HasSubstr("line 2 is damaged"),
                           HasSubstr("another file holds the same visit")));
    EXPECT_THAT(outbox_files(folder / "broken"), ElementsAre("bad.visit", "same.visit"));
    EXPECT_EQ(outbox_text(folder / "broken" / "bad.visit"), damaged);
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    base::Group group(world.loop);
    group.add(outbox->deliver());
    EXPECT_TRUE(world.until([&] { return outbox->waiting_visits() == 0; }));
    EXPECT_TRUE(world.service.end_of("v1"));
    EXPECT_EQ(outbox_text(folder / "notes.txt"), "not ours");
}

}  // namespace
