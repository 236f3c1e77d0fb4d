// What a process that died left in the outbox, and what the next one makes of it.
#include "runner/outbox.hpp"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::Action;
using catalog::VisitEnd;
using runner_tests::file_lines_of;
using runner_tests::log_lines_of;
using runner_tests::log_on_disk;
using runner_tests::outbox_action;
using runner_tests::outbox_end;
using runner_tests::outbox_files;
using runner_tests::outbox_rating;
using runner_tests::outbox_settled;
using runner_tests::outbox_text;
using runner_tests::outbox_visit;
using runner_tests::RunnerWorld;
using runner_tests::visits_on_disk;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// What an earlier process left behind.
class OutboxRecovery : public testing::Test {
  protected:
    OutboxRecovery() { fs::create_directories(folder); }

    void leave(const std::string& name, const std::string& text) {
        std::ofstream(folder / name, std::ios::binary) << text;
    }
    // Of visit v1, in the log.
    void leave_log(const std::vector<std::string>& records) {
        leave("000000000001.log", joined(log_lines_of("v1", records)));
    }
    static std::string joined(const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) text += line;
        return text;
    }
    // A process that died there: a fresh outbox over the folder.
    std::unique_ptr<runner::Outbox> reborn() {
        return std::make_unique<runner::Outbox>(world.loop, world.disk, world.auth, options,
                                                world.metrics, world.random);
    }
    [[nodiscard]] bool deliver(runner::Outbox& outbox) {
        base::Group group(world.loop);
        group.add(outbox.deliver());
        return world.until(
            [&] { return outbox.waiting_visits() == 0 && outbox_files(folder).empty(); });
    }

    RunnerWorld world;
    fs::path folder = world.folder.path() / "left";
    runner::OutboxOptions options = [this] {
        runner::OutboxOptions made = world.outbox_options();
        made.folder = folder;
        return made;
    }();
    const std::string header = runner::header_text(outbox_visit("v1"));
    const std::string intent = runner::intent_text(outbox_action("v1", 1), std::nullopt);
    const std::string outcome =
        runner::outcome_text(outbox_settled(outbox_action("v1", 1), Action::Outcome::error));
    // Its second one is going to be damaged.
    const std::vector<std::string> bad_records{
        runner::header_text(outbox_visit("bad")),
        runner::intent_text(outbox_action("bad", 1), std::nullopt),
        runner::outcome_text(outbox_settled(outbox_action("bad", 1)))};
    const std::string second = runner::intent_text(outbox_action("v1", 2, "notes"), std::nullopt);
};

TEST_F(OutboxRecovery, WhatWasCutBeforeItsFirstLineWasWholeIsForgotten) {
    leave("v1.visit", "");
    leave("v2.visit", file_lines_of({header}).substr(0, header.size() / 2));
    leave("000000000001.log", log_lines_of("v3", {header})[0].substr(0, header.size() / 2));
    auto outbox = reborn();
    EXPECT_EQ(outbox->waiting_visits(), 0U);
    EXPECT_TRUE(deliver(*outbox));  // The folder is empty.
    EXPECT_THAT(outbox_files(folder / "broken"), ElementsAre());
}

TEST_F(OutboxRecovery, AnUnfinishedVisitIsClosedAsPartial) {
    leave_log({header, intent, outcome, second});
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
    leave_log({header, runner::intent_text(outbox_action("v1", 1), so_far)});
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
    leave_log(
        {header, runner::intent_text(outbox_action("v1", 1, std::string(runner::unknown_module)),
                                     std::nullopt)});
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1").size(), 1U);
    EXPECT_TRUE(world.service.ratings("v1").empty());
}

TEST_F(OutboxRecovery, AFinishedVisitKeepsItsEnd) {
    VisitEnd end = outbox_end();
    end.actions = 1;
    end.ratings = 1;
    leave_log(
        {header, intent, outcome, runner::rating_text(outbox_rating("v1")), runner::end_text(end)});
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "finished");
    EXPECT_EQ(world.service.ratings("v1")[0]["rating"], 4);
}

TEST_F(OutboxRecovery, EveryCutOfTheLogIsRecoveredTwiceToTheSame) {
    VisitEnd end = outbox_end();
    end.actions = 2;
    end.ratings = 2;
    const auto lines = log_lines_of(
        "v1", {header, intent, outcome, second, runner::rating_text(outbox_rating("v1")),
               runner::rating_text(outbox_rating("v1", "notes")), runner::end_text(end)});
    const std::string text = joined(lines);
    for (std::size_t cut = lines[0].size(); cut <= text.size(); cut += 17) {
        // A folder of its own: the outbox of the last cut may still have work with the disk.
        folder = world.folder.path() / std::to_string(cut);
        options.folder = folder;
        fs::create_directories(folder);
        leave("000000000001.log", text.substr(0, cut));
        runner::VisitRecords first;
        {
            auto outbox = reborn();
            first = *outbox->find("v1");
            EXPECT_TRUE(world.until([&] {
                return visits_on_disk(folder).at("v1").end.has_value();
            })) << cut;
        }
        auto again = reborn();
        EXPECT_EQ(*again->find("v1"), first) << cut;
        EXPECT_EQ(first.end->actions, static_cast<int>(first.actions.size()));
        EXPECT_EQ(first.end->ratings, static_cast<int>(first.ratings.size())) << cut;
    }
}

// A visit of the log is damaged in its second record; another one and a damaged line of nobody
// stand beside it.
TEST_F(OutboxRecovery, ADamagedVisitIsSetAsideWithItsRecordsAndTheOthersAreDelivered) {
    auto bad = log_lines_of("bad", bad_records);
    bad[1][40] ^= 1;
    const auto good = log_lines_of("v1", {header, intent, outcome, second});
    const std::string text = bad[0] + good[0] + bad[1] + good[1] + good[2] + bad[2] + "garbage\n";
    leave("000000000001.log", text);
    leave("000000000002.log", good[3]);
    testing::internal::CaptureStderr();
    {
        auto outbox = reborn();
        EXPECT_EQ(outbox->waiting_visits(), 1U);
        EXPECT_TRUE(deliver(*outbox));
    }
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("outbox visit set aside"), HasSubstr("visit bad"),
                           HasSubstr("record 2 is missing or damaged"),
                           HasSubstr("outbox log damaged"), HasSubstr("000000000001.log")));
    ASSERT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.actions("v1")[0]["errorMessage"], "nein");
    EXPECT_TRUE(world.service.actions("bad").empty());
    EXPECT_THAT(outbox_files(folder / "broken"),
                ElementsAre("000000000001.log", "000000000001.reason", "bad.reason", "bad.visit"));
    EXPECT_EQ(outbox_text(folder / "broken" / "000000000001.log"), text);
    EXPECT_THAT(outbox_text(folder / "broken" / "000000000001.reason"),
                AllOf(HasSubstr("are damaged"), HasSubstr(std::to_string(text.size() - 8))));
    EXPECT_EQ(outbox_text(folder / "broken" / "bad.visit"),
              file_lines_of({bad_records[0], bad_records[2]}));
    EXPECT_THAT(outbox_text(folder / "broken" / "bad.reason"), HasSubstr("record 2"));

    // The next start has nothing more to tell.
    testing::internal::CaptureStderr();
    auto again = reborn();
    EXPECT_EQ(again->waiting_visits(), 0U);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_GT(again->bytes(), text.size()) << "what is set aside counts";
}

TEST_F(OutboxRecovery, WhatIsSetAsideIsNotToldAgainWhileItsSegmentLives) {
    auto bad = log_lines_of("bad", bad_records);
    bad[1][40] ^= 1;
    leave("000000000001.log", joined(bad) + joined(log_lines_of("v1", {header, intent})));
    testing::internal::CaptureStderr();
    {
        auto outbox = reborn();
        EXPECT_TRUE(world.until([&] { return log_on_disk(folder).done.contains("bad"); }));
    }
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("set aside"));
    testing::internal::CaptureStderr();
    auto again = reborn();
    EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("damaged")));
    EXPECT_TRUE(deliver(*again));
    EXPECT_EQ(world.service.actions("v1").size(), 1U);
}

TEST_F(OutboxRecovery, AVisitThatMayLackItsLastRecordSaysSo) {
    auto lines = log_lines_of("v1", {header, intent, outcome});
    std::fill(lines[2].begin(), lines[2].end() - 1, '\0');
    leave("000000000001.log", joined(lines));
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    testing::internal::GetCapturedStderr();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1")[0]["outcome"], "unknown");
    EXPECT_THAT((*world.service.end_of("v1"))["reason"].get<std::string>(),
                HasSubstr("log was damaged, a last record of the visit may be missing"));
}

// Nowhere to keep the damaged visit: its segment stays for the next start.
TEST_F(OutboxRecovery, WhatCannotBeSetAsideStaysInTheLog) {
    auto bad = log_lines_of("bad", bad_records);
    bad[1][40] ^= 1;
    leave("000000000001.log", joined(bad) + joined(log_lines_of("v1", {header, intent})));
    // The disk's thread may look at it when the test has ended.
    const auto full = std::make_shared<std::atomic<bool>>(true);
    options.disk_faults = [full](const runner::DiskStep& step) {
        const bool aside = step.file.parent_path().filename() == "broken";
        return *full && aside && step.kind == runner::DiskStep::Kind::write ? ENOSPC : 0;
    };
    {
        testing::internal::CaptureStderr();
        auto outbox = reborn();
        EXPECT_THAT(testing::internal::GetCapturedStderr(),
                    AllOf(HasSubstr("stays where it is"), HasSubstr("No space left")));
        base::Group group(world.loop);
        group.add(outbox->deliver());
        EXPECT_TRUE(world.until([&] { return outbox->waiting_visits() == 0; }));
        EXPECT_TRUE(world.run(outbox->flush(std::chrono::seconds{5})));
        EXPECT_TRUE(fs::exists(folder / "000000000001.log"));
    }
    *full = false;
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    testing::internal::GetCapturedStderr();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(outbox_text(folder / "broken" / "bad.visit"),
              file_lines_of({bad_records[0], bad_records[2]}));
}

// Earlier versions kept a file for each visit.

TEST_F(OutboxRecovery, FilesOfAnEarlierVersionAreDeliveredOnce) {
    VisitEnd end = outbox_end();
    end.actions = 1;
    leave("v1.visit", file_lines_of({header, intent, outcome, second}));
    std::string lived;
    for (const std::string& record :
         {runner::header_text(outbox_visit("v2")),
          runner::intent_text(outbox_action("v2", 1), std::nullopt),
          runner::outcome_text(outbox_settled(outbox_action("v2", 1))), runner::end_text(end)}) {
        lived += file_lines_of({record});
    }
    leave("v2.visit", lived);
    {
        // They move into the log first.
        auto outbox = reborn();
        EXPECT_EQ(outbox->waiting_visits(), 2U);
        EXPECT_TRUE(world.until(
            [&] { return outbox_files(folder) == std::vector<std::string>{"000000000001.log"}; }));
        EXPECT_EQ(visits_on_disk(folder).at("v2"), *outbox->find("v2"));
    }
    leave("v2.visit", lived);  // Its deletion did not survive: the log knows better.
    auto outbox = reborn();
    EXPECT_EQ(outbox->waiting_visits(), 2U);
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
    EXPECT_EQ((*world.service.end_of("v2"))["status"], "finished");
    EXPECT_EQ(world.service.count("finish"), 2U);
}

TEST_F(OutboxRecovery, ATornTailOfAnOldFileIsLeftOut) {
    const std::string text = file_lines_of({header, intent, outcome});
    leave("v1.visit", text.substr(0, text.size() - 20));
    auto outbox = reborn();
    EXPECT_EQ(outbox->find("v1")->actions[0].outcome, Action::Outcome::unknown);
    EXPECT_TRUE(deliver(*outbox));
}

TEST_F(OutboxRecovery, ADamagedOldFileIsSetAsideAndTheOthersAreDelivered) {
    std::string damaged = file_lines_of({header, intent, outcome});
    damaged[header.size() + 40] ^= 1;
    leave("bad.visit", damaged);
    leave("same.visit", file_lines_of({header}));
    leave("notes.txt", "not ours");
    leave("first.visit", file_lines_of({header, intent, outcome}));
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("bad.visit"), HasSubstr("line 2 is damaged"),
                           HasSubstr("another file holds the same visit")));
    EXPECT_THAT(outbox_files(folder / "broken"),
                ElementsAre("bad.reason", "bad.visit", "same.reason", "same.visit"));
    EXPECT_EQ(outbox_text(folder / "broken" / "bad.visit"), damaged);
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    base::Group group(world.loop);
    group.add(outbox->deliver());
    EXPECT_TRUE(world.until([&] { return outbox->waiting_visits() == 0; }));
    EXPECT_TRUE(world.service.end_of("v1"));
    EXPECT_EQ(outbox_text(folder / "notes.txt"), "not ours");
}

// v1 stands in the first and the third segment whole, bad began in the second.
TEST_F(OutboxRecovery, ASegmentThatNobodyCanReadIsSetAsideAndTheOthersAreDelivered) {
    const auto good = log_lines_of("v1", {header, intent, outcome, second});
    const auto bad = log_lines_of("bad", bad_records);
    leave("000000000001.log", joined(good));
    leave("000000000002.log", bad[0] + bad[1]);
    leave("000000000003.log", bad[2]);
    options.disk_faults = [](const runner::DiskStep& step) {
        const bool dead = step.file.filename() == "000000000002.log";
        return dead && step.kind == runner::DiskStep::Kind::read ? EIO : 0;
    };
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    EXPECT_THAT(
        testing::internal::GetCapturedStderr(),
        AllOf(HasSubstr("error outbox segment set aside"), HasSubstr("broken/000000000002.log"),
              HasSubstr("000000000002.log: Input/output error"), HasSubstr("visit bad")));
    EXPECT_EQ(outbox->broken_visits(), 2U) << "the visit, and the segment as whoever was in it";
    EXPECT_THAT(
        outbox_files(folder / "broken"),
        ElementsAre("000000000002.log", "000000000002.unreadable", "bad.reason", "bad.visit"));
    EXPECT_EQ(outbox_text(folder / "broken" / "000000000002.log"), bad[0] + bad[1]);
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_THAT((*world.service.end_of("v1"))["reason"].get<std::string>(),
                HasSubstr("a last record of the visit may be missing"));

    auto again = reborn();
    EXPECT_EQ(again->waiting_visits(), 0U);
    EXPECT_EQ(again->broken_visits(), 2U) << "told until a person has looked";
}

// A link leads anywhere, and a size that no log has is no log.
TEST_F(OutboxRecovery, WhatOnlyLooksLikeASegmentIsSetAsideUnread) {
    leave("elsewhere.txt", "not ours");
    fs::create_symlink(folder / "elsewhere.txt", folder / "000000000001.log");
    leave("000000000002.log", "");
    fs::resize_file(folder / "000000000002.log", runner::read_bytes_max + 1);  // Sparse.
    leave("000000000003.log", joined(log_lines_of("v1", {header, intent, outcome})));
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                AllOf(HasSubstr("Too many levels of symbolic links"), HasSubstr("File too large")));
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    EXPECT_EQ(outbox->refusal(), "") << "what takes no room on the disk fills nothing";
    EXPECT_EQ(outbox_text(folder / "elsewhere.txt"), "not ours");
}

TEST_F(OutboxRecovery, ASegmentThatStaysWhereItIsIsNeverDeleted) {
    leave("000000000001.log", joined(log_lines_of("bad", bad_records)));
    leave("000000000002.log", joined(log_lines_of("v1", {header, intent, outcome})));
    options.disk_faults = [](const runner::DiskStep& step) {
        const bool dead = step.file.filename() == "000000000001.log";
        const bool reads = step.kind == runner::DiskStep::Kind::read;
        return dead && (reads || step.kind == runner::DiskStep::Kind::remove) ? EIO : 0;
    };
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("it stays where it is"));
    base::Group group(world.loop);
    group.add(outbox->deliver());
    EXPECT_TRUE(world.until(
        [&] { return outbox->waiting_visits() == 0 && outbox_files(folder).size() == 1; }));
    EXPECT_THAT(outbox_files(folder), ElementsAre("000000000001.log"));
}

// Its records are whole: whoever mends the rights loses nothing.
TEST_F(OutboxRecovery, ASegmentWithoutTheRightToReadItStopsTheStartAndSaysWhatToDo) {
    leave_log({header, intent, outcome});
    options.disk_faults = [](const runner::DiskStep& step) {
        return step.kind == runner::DiskStep::Kind::read ? EACCES : 0;
    };
    try {
        reborn();
        FAIL() << "started";
    } catch (const base::Failure& failure) {
        EXPECT_THAT(failure.what(),
                    AllOf(HasSubstr((folder / "000000000001.log").string()),
                          HasSubstr("Permission denied"), HasSubstr("daemon's user")));
    }
    EXPECT_THAT(outbox_files(folder), ElementsAre("000000000001.log"));
    options.disk_faults = {};
    EXPECT_TRUE(deliver(*reborn()));
}

TEST_F(OutboxRecovery, AFolderThatCannotBeMadeStopsTheStart) {
    leave("file", "");
    options.folder = folder / "file";  // A file where the folder should be.
    try {
        reborn();
        FAIL() << "started";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable);
        EXPECT_THAT(failure.what(), HasSubstr("cannot make the outbox's folder"));
    }
}

}  // namespace
