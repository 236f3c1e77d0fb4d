// The log's files: rolled, given up, deleted; and what a process leaves that is killed while it
// writes.
#include "runner/outbox/segments.hpp"

#include <csignal>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/outbox/log_form.hpp"
#include "tests/runner/outbox_disk_view.hpp"
#include "tests/runner/temp_folder.hpp"

namespace {

namespace fs = std::filesystem;
using runner::Segments;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class OutboxSegments : public testing::Test {
  protected:
    runner::Disk disk() {
        return runner::Disk(
            [this](const runner::DiskStep& step) { return fault ? fault(step) : 0; });
    }
    std::string text_of(std::uint64_t number) {
        return runner::read_all_there_is(runner::segment_path(folder.path(), number));
    }

    runner_tests::TempFolder folder;
    std::function<int(const runner::DiskStep&)> fault;
    using Kind = runner::DiskStep::Kind;
};

TEST_F(OutboxSegments, AFullSegmentIsFollowedByTheNext) {
    Segments segments(folder.path(), 10, 4, disk());
    EXPECT_EQ(segments.append("12345678", true).segment, 5U);
    const Segments::Appended second = segments.append("90", true);
    EXPECT_EQ(second.segment, 5U);
    EXPECT_EQ(second.bytes, 10U);
    EXPECT_EQ(segments.append("next", true).segment, 6U);
    EXPECT_THAT(runner::segments_in(folder.path()), ElementsAre(Pair(5, 10), Pair(6, 4)));
    EXPECT_EQ(segments.remove(5), "");
    EXPECT_EQ(segments.remove(6), "");
    EXPECT_EQ(segments.remove(6), "") << "gone already is well";
    EXPECT_EQ(segments.append("again", true).segment, 7U);
}

TEST_F(OutboxSegments, WhatWasNotSyncedMovesAlongWhenASegmentIsGivenUp) {
    Segments segments(folder.path(), 1'000, 0, disk());
    segments.append("synced ", true);
    segments.append("not yet ", false);
    int failures = 1;
    fault = [&](const runner::DiskStep& step) {
        return step.kind == Kind::sync && failures-- > 0 ? EIO : 0;
    };
    const Segments::Appended result = segments.append("new", true);
    EXPECT_EQ(result.error, "");
    EXPECT_THAT(result.trouble, HasSubstr("cannot sync 000000000001.log: Input/output error"));
    EXPECT_EQ(result.segment, 2U);
    EXPECT_EQ(text_of(1), "synced ");
    EXPECT_EQ(text_of(2), "not yet new");
}

TEST_F(OutboxSegments, WhatTheDiskRefusesTwiceIsAnErrorAndLeavesNothing) {
    Segments segments(folder.path(), 1'000, 0, disk());
    segments.append("kept", true);
    segments.append(" waits", false);
    fault = [](const runner::DiskStep& step) { return step.kind == Kind::write ? ENOSPC : 0; };
    const Segments::Appended result = segments.append("refused", true);
    EXPECT_THAT(result.error, HasSubstr("cannot write 000000000002.log: No space left"));
    EXPECT_EQ(result.segment, 0U);
    EXPECT_THAT(runner::segments_in(folder.path()), ElementsAre(Pair(1, 4)));
    fault = nullptr;
    EXPECT_EQ(segments.append(" later", true).error, "");
    EXPECT_EQ(text_of(1), "kept");
    EXPECT_EQ(text_of(3), " waits later");
}

TEST_F(OutboxSegments, OtherFilesAreNoSegments) {
    for (const char* name : {"1.visit", "x.log", "12x.log", "-1.log", ".log", "3.log",
                             "0000000000003.log", "18446744073709551615.log"}) {
        std::fclose(std::fopen((folder.path() / name).c_str(), "w"));
    }
    EXPECT_THAT(runner::segments_in(folder.path()), IsEmpty());
}

// Appends records of ten visits for ever and tells each one that was acknowledged.
[[noreturn]] void append_until_killed(const fs::path& folder, int out) {
    Segments segments(folder, 20'000, 0, runner::Disk());
    for (std::uint64_t number = 1;; ++number) {
        std::string batch;
        for (int visit = 0; visit < 10; ++visit) {
            runner::VisitRecords records;
            records.visit_id = "v" + std::to_string(visit);
            records.user_id = "user";
            records.persona = std::string(number % 300, 'x');
            // A whole each time: every number can stand alone.
            runner::append_log_line(batch, records.visit_id, number, runner::whole_text(records));
        }
        if (!segments.append(batch, true).error.empty()) ::_exit(1);
        if (::write(out, &number, sizeof number) != sizeof number) ::_exit(1);
    }
}

TEST_F(OutboxSegments, WhatWasAcknowledgedIsThereAfterAKill) {
    for (int round = 0; round < 10; ++round) {
        const fs::path place = folder.path() / std::to_string(round);
        fs::create_directory(place);
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) append_until_killed(place, ends[1]);
        ::close(ends[1]);
        std::uint64_t acknowledged = 0;
        // Killed in the middle of whatever comes after so many batches.
        for (int batch = 0; batch < 3 + round * 9; ++batch) {
            ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged),
                      static_cast<ssize_t>(sizeof acknowledged));
        }
        ::kill(child, SIGKILL);
        while (::read(ends[0], &acknowledged, sizeof acknowledged) > 0) {
        }
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));

        const runner::LogContent content = runner_tests::log_on_disk(place);
        EXPECT_THAT(content.broken, IsEmpty());
        EXPECT_THAT(content.damages, IsEmpty());
        ASSERT_EQ(content.visits.size(), 10U);
        for (const auto& visit : content.visits) {
            EXPECT_GE(visit.number, acknowledged);
            EXPECT_LE(visit.number, acknowledged + 1);
            EXPECT_EQ(visit.records.persona.size(), visit.number % 300);
        }
    }
}

}  // namespace
