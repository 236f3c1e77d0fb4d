// The outbox and its disk: what is on it when, for whom, and what happens when it is full.
#include "runner/outbox.hpp"

#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::VisitEnd;
using runner_tests::outbox_action;
using runner_tests::outbox_files;
using runner_tests::outbox_settled;
using runner_tests::outbox_text;
using runner_tests::outbox_visit;
using runner_tests::OutboxWire;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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
    const runner::OutboxFile file = runner::read_outbox_file(outbox_text(folder / "v1.visit"));
    EXPECT_FALSE(file.torn);
    ASSERT_EQ(file.visit.actions.size(), 1U);
    EXPECT_FALSE(file.visit.settled[0]);
    world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action("v1", 1))));
    const auto later = runner::read_outbox_file(outbox_text(folder / "v1.visit")).visit;
    EXPECT_TRUE(later.settled[0]);
    EXPECT_EQ(later, *world.outbox.find("v1"));
}

TEST_F(OutboxWire, FilesAndFoldersAreForTheirOwnerOnly) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    struct stat info{};
    ASSERT_EQ(::stat((folder / "v1.visit").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    for (const fs::path& one : {folder, folder / "broken", folder / "rejected"}) {
        ASSERT_EQ(::stat(one.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0700U) << one;
    }
}

TEST_F(OutboxWire, IdsThatAreNoFileNamesStayInsideTheFolder) {
    put_visit("../../../etc/passwd", 1);
    EXPECT_EQ(outbox_files(folder).size(), 1U);
    EXPECT_THAT(outbox_files(folder)[0], AllOf(HasSubstr(".visit"), Not(HasSubstr("passwd"))));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("../../../etc/passwd").size(), 1U);
}

TEST_F(OutboxWire, AFullDiskStopsTheVisitClearlyAndLosesNothingInMemory) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    const std::string good = outbox_text(folder / "v1.visit");
    std::string reason;
    {
        testing::internal::CaptureStderr();
        const FullDisk full(good.size() + 40);
        reason = world.failure_of(world.outbox.put_intent(outbox_action("v1", 2)));
        testing::internal::GetCapturedStderr();
    }
    EXPECT_THAT(reason, AllOf(HasSubstr("outbox: cannot write v1.visit"),
                              HasSubstr("free space in"), HasSubstr(folder.string())));
    // The half line is cut off again.
    EXPECT_EQ(outbox_text(folder / "v1.visit"), good);
    world.outbox.abandon(
        "v1", runner::end_of_abandoned(*world.outbox.find("v1"), reason, VisitEnd::Source::infra));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.actions("v1")[0]["outcome"], "ok");
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
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
    EXPECT_TRUE(fs::exists(folder / "v2.visit"));
}

// The disk fails by the hook, the worker runs on the loop: no thread decides anything.
TEST(OutboxDisk, StepsOfTheDiskFailByTheHookInInlineMode) {
    runner_tests::RunnerWorld world;
    base::Worker inline_disk(world.loop, base::Worker::Mode::on_the_loop);
    runner::OutboxOptions options = world.outbox_options();
    options.folder = world.folder.path() / "faulty";
    std::vector<runner::DiskStep::Kind> steps;
    int sync_error = 0;
    options.disk_faults = [&](const runner::DiskStep& step) {
        steps.push_back(step.kind);
        return step.kind == runner::DiskStep::Kind::sync ? sync_error : 0;
    };
    testing::internal::CaptureStderr();
    runner::Outbox outbox(world.loop, inline_disk, world.auth, options, world.metrics,
                          world.random);
    world.loop.run(outbox.open(outbox_visit("v1")));
    using Kind = runner::DiskStep::Kind;
    EXPECT_EQ(steps, (std::vector{Kind::create, Kind::write, Kind::sync, Kind::sync_folder}));
    sync_error = EIO;
    EXPECT_THAT(world.failure_of(outbox.put_intent(outbox_action("v1", 1))),
                AllOf(HasSubstr("outbox: cannot sync"), HasSubstr("Input/output error")));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("outbox write failed"));
}

}  // namespace
