// The outbox and its disk: what is on it when, for whom, and what happens when it is full.
#include "runner/outbox.hpp"

#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/outbox/visit_file.hpp"
#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::VisitEnd;
using runner_tests::log_on_disk;
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
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

// A disk without room: no file of this process may grow past so many bytes.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) {
        before_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit small = limit_;
        small.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }

  private:
    void (*before_)(int) = nullptr;
    rlimit limit_{};
};

TEST_F(OutboxWire, TheIntentIsOnDiskWhenPutIntentReturns) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 1)));
    const runner::LogContent content = log_on_disk(folder);
    EXPECT_EQ(content.torn, 0U);
    ASSERT_EQ(content.visits.size(), 1U);
    ASSERT_EQ(content.visits[0].records.actions.size(), 1U);
    EXPECT_FALSE(content.visits[0].records.settled[0]);
    world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action("v1", 1))));
    const auto later = visits_on_disk(folder).at("v1");
    EXPECT_TRUE(later.settled[0]);
    EXPECT_EQ(later, *world.outbox.find("v1"));
}

TEST_F(OutboxWire, FilesAndFoldersAreForTheirOwnerOnly) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    struct stat info{};
    ASSERT_EQ(::stat(runner::segment_path(folder, 1).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    for (const fs::path& one : {folder, folder / "broken", folder / "rejected"}) {
        ASSERT_EQ(::stat(one.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0700U) << one;
    }
}

TEST_F(OutboxWire, IdsThatAreNoFileNamesStayInsideTheFolder) {
    world.service.always(
        "finish", [](const base::ServerRequest&) { return refusal(404, "gone", "visit_unknown"); });
    put_visit("../../../etc/passwd", 1);
    EXPECT_EQ(outbox_files(folder).size(), 1U);
    deliver();
    EXPECT_TRUE(delivered());
    const auto aside = outbox_files(folder / "rejected");
    ASSERT_EQ(aside.size(), 2U);
    EXPECT_THAT(aside[0], Not(HasSubstr("passwd")));
    EXPECT_EQ(runner::read_visit_file(outbox_text(folder / "rejected" / aside[1])).visit.visit_id,
              "../../../etc/passwd");
}

// No file of this process may grow: as a disk without room.
TEST_F(OutboxWire, AFullDiskStopsTheVisitClearlyAndLosesNothingInMemory) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    const std::string good = outbox_text(runner::segment_path(folder, 1));
    std::string reason;
    testing::internal::CaptureStderr();
    {
        const FullDisk full(40);
        reason = world.failure_of(world.outbox.put_intent(outbox_action("v1", 2)));
        EXPECT_THAT(world.outbox.refusal(),
                    AllOf(HasSubstr("disk refuses to write"), HasSubstr("File too large")));
        world.outbox.abandon("v1", runner::end_of_abandoned(*world.outbox.find("v1"), reason,
                                                            VisitEnd::Source::infra));
        deliver();
        EXPECT_TRUE(world.until([this] { return world.outbox.waiting_visits() == 0; }));
        // What the disk took before it was full is as it was; half a line is cut off again.
        EXPECT_EQ(outbox_text(runner::segment_path(folder, 1)), good);
        EXPECT_THAT(outbox_files(folder), ElementsAre("000000000001.log"));
    }
    EXPECT_THAT(reason, AllOf(HasSubstr("outbox: cannot write 0000"), HasSubstr("File too large"),
                              HasSubstr("free space in"), HasSubstr(folder.string())));
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.actions("v1")[0]["outcome"], "ok");
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
    // Room again: life goes on by itself.
    EXPECT_TRUE(world.until([this] { return world.outbox.refusal().empty(); }));
    put_visit("v2", 1);
    EXPECT_TRUE(delivered());
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                AllOf(HasSubstr("outbox write failed"), HasSubstr("outbox disk writes again")));
}

TEST_F(OutboxWire, AVisitWhoseHeaderCannotBeWrittenDoesNotBegin) {
    std::string reason;
    {
        testing::internal::CaptureStderr();
        const FullDisk full(10);
        reason = world.failure_of(world.outbox.open(outbox_visit("v1")));
        testing::internal::GetCapturedStderr();
    }
    EXPECT_THAT(reason, HasSubstr("File too large"));
    put_visit("v2", 1);  // The next one has room again.
    // What was kept in memory of the first one is on disk with it.
    EXPECT_THAT(visits_on_disk(folder),
                UnorderedElementsAre(Pair("v1", testing::_), Pair("v2", testing::_)));
}

// The disk fails by the hook, the worker runs on the loop: no thread decides anything.
class OutboxFaults : public testing::Test {
  protected:
    OutboxFaults() {
        options.folder = folder;
        options.disk_faults = [this](const runner::DiskStep& step) {
            steps.push_back(step.kind);
            return fault ? fault(step) : 0;
        };
        testing::internal::CaptureStderr();
        outbox.emplace(world.loop, inline_disk, world.auth, options, world.metrics, world.random);
    }
    ~OutboxFaults() override { log(); }
    std::string log() {
        if (std::exchange(captured, true)) return logged;
        return logged = testing::internal::GetCapturedStderr();
    }
    void put_action(const std::string& id, int seq) {
        world.loop.run(outbox->put_intent(outbox_action(id, seq)));
        world.loop.run(outbox->put_outcome(outbox_settled(outbox_action(id, seq))));
    }
    double metric(const std::string& name) { return world.metrics.counter(name, "").value(); }

    using Kind = runner::DiskStep::Kind;
    runner_tests::RunnerWorld world;
    const fs::path folder = world.folder.path() / "faulty";
    base::Worker inline_disk{world.loop, base::Worker::Mode::on_the_loop};
    runner::OutboxOptions options = world.outbox_options();
    std::vector<Kind> steps;
    std::function<int(const runner::DiskStep&)> fault;
    std::optional<runner::Outbox> outbox;
    std::string logged;
    bool captured = false;
};

TEST_F(OutboxFaults, ANewSegmentIsDurableInFileAndName) {
    world.loop.run(outbox->open(outbox_visit("v1")));
    EXPECT_EQ(steps, (std::vector{Kind::create, Kind::write, Kind::sync, Kind::sync_folder}));
    steps.clear();
    put_action("v1", 1);
    EXPECT_EQ(steps, (std::vector{Kind::write, Kind::sync, Kind::write, Kind::sync}));
}

// After a failed fdatasync the pages may be gone although a second one says that all is well.
TEST_F(OutboxFaults, AfterAFailedSyncEverythingStandsInANewSegment) {
    world.loop.run(outbox->open(outbox_visit("v1")));
    put_action("v1", 1);
    const auto synced = fs::file_size(runner::segment_path(folder, 1));
    int failures = 1;
    fault = [&](const runner::DiskStep& step) {
        if (step.kind != Kind::sync || failures == 0) return 0;
        --failures;
        fs::resize_file(step.file, synced);  // The kernel dropped what it could not write.
        return EIO;
    };
    // The visit does not notice.
    put_action("v1", 2);
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(visits_on_disk(folder).at("v1"), *outbox->find("v1"));
    EXPECT_EQ(fs::file_size(runner::segment_path(folder, 1)), synced);
    EXPECT_TRUE(fs::exists(runner::segment_path(folder, 2)));
    EXPECT_TRUE(outbox->refusal().empty());
    EXPECT_THAT(log(), AllOf(HasSubstr("segment given up"), HasSubstr("cannot sync 000000000001"),
                             HasSubstr("Input/output error")));
}

TEST_F(OutboxFaults, ADiskThatKeepsFailingStopsItsVisitsAndOthersGoOnAfterwards) {
    world.loop.run(outbox->open(outbox_visit("v1")));
    fault = [](const runner::DiskStep& step) { return step.kind == Kind::sync ? EIO : 0; };
    EXPECT_THAT(world.failure_of(outbox->put_intent(outbox_action("v1", 1))),
                AllOf(HasSubstr("outbox: cannot sync"), HasSubstr("Input/output error")));
    EXPECT_THAT(outbox->refusal(), HasSubstr("Input/output error"));
    EXPECT_GE(metric("persona_outbox_write_errors_total"), 1);
    fault = nullptr;
    world.loop.run(outbox->open(outbox_visit("v2")));
    put_action("v2", 1);
    EXPECT_TRUE(outbox->refusal().empty());
    // Nothing of the first one is lost, but it stays stopped.
    EXPECT_EQ(visits_on_disk(folder).at("v1"), *outbox->find("v1"));
    EXPECT_THAT(world.failure_of(outbox->put_outcome(outbox_settled(outbox_action("v1", 1)))),
                HasSubstr("Input/output error"));
}

// Any step may fail, once or for a while; what was acknowledged is on disk, and in the end all is.
TEST_F(OutboxFaults, WhateverStepFailsNothingAcknowledgedIsLost) {
    int visits = 0;
    for (const Kind kind : {Kind::create, Kind::write, Kind::sync, Kind::sync_folder}) {
        for (const int error : {ENOSPC, EIO}) {
            for (const int times : {1, 2, 5}) {
                const std::string id = "v" + std::to_string(++visits);
                int left = 0;
                fault = [&](const runner::DiskStep& step) {
                    return step.kind == kind && left > 0 ? (--left, error) : 0;
                };
                world.loop.run(outbox->open(outbox_visit(id)));
                put_action(id, 1);
                left = times;
                std::string stopped;
                for (int seq = 2; seq < 6 && stopped.empty(); ++seq) {
                    stopped = world.failure_of(outbox->put_intent(outbox_action(id, seq)));
                    if (!stopped.empty()) break;
                    ASSERT_EQ(visits_on_disk(folder).at(id), *outbox->find(id)) << id;
                    stopped = world.failure_of(
                        outbox->put_outcome(outbox_settled(outbox_action(id, seq))));
                }
                if (!stopped.empty()) {
                    outbox->abandon(id, runner::end_of_abandoned(*outbox->find(id), stopped,
                                                                 VisitEnd::Source::infra));
                }
                ASSERT_TRUE(world.until([&] { return outbox->refusal().empty(); })) << id;
                ASSERT_TRUE(world.until([&] {
                    return visits_on_disk(folder).at(id) == *outbox->find(id);
                })) << id;
            }
        }
    }
    fault = nullptr;
    const runner::LogContent content = log_on_disk(folder);
    EXPECT_EQ(content.visits.size(), static_cast<std::size_t>(visits));
    EXPECT_TRUE(content.broken.empty());
}

TEST_F(OutboxFaults, AFileThatCannotBeDeletedIsToldAndTriedAgain) {
    bool refuse = true;
    fault = [&](const runner::DiskStep& step) {
        return refuse && step.kind == Kind::remove ? EROFS : 0;
    };
    world.loop.run(outbox->open(outbox_visit("v1")));
    world.loop.run(outbox->close("v1", {}, outbox_end()));
    base::Group delivering(world.loop);
    delivering.add(outbox->deliver());
    const auto removals = [&] { return std::count(steps.begin(), steps.end(), Kind::remove); };
    EXPECT_TRUE(world.until([&] { return removals() >= 2; }));
    EXPECT_EQ(outbox->waiting_visits(), 0U);
    EXPECT_THAT(outbox_files(folder), ElementsAre("000000000001.log"));
    refuse = false;
    EXPECT_TRUE(world.until([&] { return outbox_files(folder).empty(); }));
    EXPECT_THAT(log(), AllOf(HasSubstr("outbox file left behind"), HasSubstr("Read-only")));
}

TEST_F(OutboxFaults, ARejectedVisitStaysUntilItIsSetAside) {
    bool refuse = true;
    fault = [&](const runner::DiskStep& step) {
        const bool aside = step.file.parent_path().filename() == "rejected";
        return refuse && aside && step.kind == Kind::create ? ENOSPC : 0;
    };
    world.service.always("actions", [](const base::ServerRequest&) {
        return refusal(404, "gone", "visit_unknown");
    });
    world.loop.run(outbox->open(outbox_visit("v1")));
    put_action("v1", 1);
    world.loop.run(outbox->close("v1", {}, outbox_end()));
    base::Group delivering(world.loop);
    delivering.add(outbox->deliver());
    EXPECT_TRUE(world.until([&] { return !outbox->last_error().empty(); }));
    EXPECT_THAT(outbox->last_error(),
                AllOf(HasSubstr("404"), HasSubstr("cannot be set aside: cannot create"),
                      HasSubstr("No space left")));
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    refuse = false;
    EXPECT_TRUE(world.until([&] { return outbox->waiting_visits() == 0; }));
    EXPECT_THAT(outbox_files(folder / "rejected"), ElementsAre("v1.reason", "v1.visit"));
}

}  // namespace
