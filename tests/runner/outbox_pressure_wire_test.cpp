// The size of the outbox: what nobody needs goes, what lives long moves, and a log that the service
// does not empty stops new visits before it fills the disk.
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/outbox_support.hpp"

namespace {

namespace fs = std::filesystem;
using runner_tests::log_on_disk;
using runner_tests::outbox_action;
using runner_tests::outbox_end;
using runner_tests::outbox_files;
using runner_tests::outbox_settled;
using runner_tests::outbox_visit;
using runner_tests::visits_on_disk;
using testing::AllOf;
using testing::HasSubstr;

// Small segments, so that a few visits fill many.
class OutboxPressure : public testing::Test {
  protected:
    // The disk's thread still looks at the folder's name until its work is done.
    void TearDown() override {
        outbox.reset();
        const std::function<bool()> nothing = [] { return true; };
        EXPECT_TRUE(world.loop.run(world.disk.run<bool>(nothing)));
    }
    void begin() {
        options.folder = folder;
        options.segment_bytes = 4'000;
        outbox.emplace(world.loop, world.disk, world.auth, options, world.metrics, world.random);
    }
    void open(const std::string& id) { world.loop.run(outbox->open(outbox_visit(id))); }
    void act(const std::string& id, int seq) {
        world.loop.run(outbox->put_intent(outbox_action(id, seq)));
        world.loop.run(outbox->put_outcome(outbox_settled(outbox_action(id, seq))));
    }
    void close(const std::string& id) { world.loop.run(outbox->close(id, {}, outbox_end())); }
    void live(const std::string& id, int actions) {
        open(id);
        for (int seq = 1; seq <= actions; ++seq) act(id, seq);
        close(id);
    }
    [[nodiscard]] bool delivered() {
        return world.until([this] { return outbox->waiting_visits() == 0; });
    }
    std::uint64_t log_bytes() const {
        std::uint64_t bytes = 0;
        for (const auto& [number, size] : runner::segments_in(folder)) bytes += size;
        return bytes;
    }

    runner_tests::RunnerWorld world;
    const fs::path folder = world.folder.path() / "small";
    runner::OutboxOptions options = world.outbox_options();
    std::optional<runner::Outbox> outbox;
};

TEST_F(OutboxPressure, SegmentsThatNobodyNeedsAreDeletedOldestFirst) {
    begin();
    base::Group delivering(world.loop);
    for (int i = 0; i < 20; ++i) live("v" + std::to_string(i), 3);
    EXPECT_GT(runner::segments_in(folder).size(), 5U);
    delivering.add(outbox->deliver());
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(world.until([this] { return outbox->bytes() == 0; }));
    EXPECT_TRUE(outbox_files(folder).empty());
}

TEST_F(OutboxPressure, AVisitThatLivesLongKeepsNoOldSegmentsAlive) {
    begin();
    base::Group delivering(world.loop);
    delivering.add(outbox->deliver());
    open("old");
    act("old", 1);
    world.loop.run(outbox->put_intent(outbox_action("old", 2)));
    std::uint64_t most = 0;
    for (int i = 0; i < 60; ++i) {
        live("v" + std::to_string(i), 5);
        most = std::max(most, log_bytes());
    }
    EXPECT_TRUE(delivered());
    // Its own few records, twice of them as garbage, and some segments of slack.
    EXPECT_LT(most, 8 * options.segment_bytes);
    EXPECT_FALSE(fs::exists(runner::segment_path(folder, 1)));
    const runner::VisitRecords lived = *outbox->find("old");
    EXPECT_EQ(visits_on_disk(folder).at("old").actions, lived.actions);
    // A process that starts here finds it whole.
    outbox.reset();
    begin();
    ASSERT_NE(outbox->find("old"), nullptr);
    EXPECT_EQ(outbox->find("old")->actions.size(), 2U);
    EXPECT_EQ(outbox->find("old")->actions[0], lived.actions[0]);
    EXPECT_EQ(outbox->find("old")->end->actions, 2);
}

// Kill at any moment: what is deleted, moved or done at that time is never seen as damage.
TEST_F(OutboxPressure, EveryMomentOfMovingAndDeletingIsRecovered) {
    options.disk_faults = [this](const runner::DiskStep& step) {
        if (step.kind == runner::DiskStep::Kind::sync_folder) return 0;
        const runner::LogContent content = log_on_disk(folder);
        EXPECT_TRUE(content.broken.empty()) << content.broken[0].reason;
        EXPECT_TRUE(content.damages.empty());
        return 0;
    };
    begin();
    base::Group delivering(world.loop);
    delivering.add(outbox->deliver());
    open("old");
    for (int i = 1; i <= 12; ++i) {
        live("v" + std::to_string(i), 5);
        act("old", i);
    }
    EXPECT_TRUE(delivered());
    EXPECT_GT(runner::segments_in(folder).begin()->first, 1U);
    EXPECT_EQ(visits_on_disk(folder).at("old").actions.size(), 12U);
}

TEST_F(OutboxPressure, AFullLogOpensNoVisitAndLetsRunningOnesGoOnWithinTheReserve) {
    options.bytes_max = 20'000;
    begin();
    open("running");
    int lived = 0;
    while (outbox->refusal().empty()) live("v" + std::to_string(++lived), 2);
    EXPECT_GE(outbox->bytes(), 15'000U);
    EXPECT_THAT(outbox->refusal(),
                AllOf(HasSubstr("the outbox is full"), HasSubstr(folder.string()),
                      HasSubstr(world.service.url()), HasSubstr("PERSONA_OUTBOX_MAX_MB")));
    EXPECT_THAT(world.failure_of(outbox->open(outbox_visit("late"))),
                HasSubstr("the outbox is full"));
    outbox->abandon("late", runner::end_of_abandoned(*outbox->find("late"), "full",
                                                     catalog::VisitEnd::Source::infra));
    // The running one acts on, until all of it is used.
    int seq = 0;
    std::string reason;
    while (reason.empty()) {
        ++seq;
        reason = world.failure_of(outbox->put_intent(outbox_action("running", seq)));
        if (reason.empty())
            world.loop.run(outbox->put_outcome(outbox_settled(outbox_action("running", seq))));
    }
    EXPECT_GT(seq, 2);
    EXPECT_THAT(reason, HasSubstr("the outbox is full"));
    EXPECT_EQ(outbox->find("running")->actions.size(), static_cast<std::size_t>(seq - 1));
    close("running");  // Its end is always taken.
    EXPECT_LT(outbox->bytes(), options.bytes_max + 2'000);
    // The service takes the records: life goes on.
    base::Group delivering(world.loop);
    delivering.add(outbox->deliver());
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(world.until([this] { return outbox->refusal().empty(); }));
    live("next", 1);
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("running").size(), static_cast<std::size_t>(seq - 1));
    EXPECT_TRUE(world.service.end_of("late"));
}

TEST_F(OutboxPressure, WhatIsSetAsideCountsUntilAPersonDeletesIt) {
    options.bytes_max = 20'000;
    fs::create_directories(folder / "rejected");
    std::ofstream(folder / "rejected" / "v0.visit") << std::string(16'000, 'x');
    begin();
    EXPECT_THAT(outbox->refusal(),
                AllOf(HasSubstr("the outbox is full"), HasSubstr("set aside in rejected/")));
    EXPECT_THAT(world.failure_of(outbox->probe()), HasSubstr("the outbox is full"));
    EXPECT_EQ(outbox->rejected_visits(), 1U);
    fs::remove(folder / "rejected" / "v0.visit");
    EXPECT_EQ(world.failure_of(outbox->probe()), "");
    EXPECT_EQ(outbox->refusal(), "");
    EXPECT_EQ(outbox->rejected_visits(), 0U);
}

TEST_F(OutboxPressure, ManyVisitsShareASync) {
    options.segment_bytes = 8U << 20;
    options.folder = folder;
    const auto syncs = std::make_shared<std::atomic<int>>(0);
    options.disk_faults = [syncs](const runner::DiskStep& step) {
        *syncs += step.kind == runner::DiskStep::Kind::sync ? 1 : 0;
        return 0;
    };
    outbox.emplace(world.loop, world.disk, world.auth, options, world.metrics, world.random);
    base::Group opening(world.loop);
    constexpr int visits = 2'000;
    for (int i = 0; i < visits; ++i)
        opening.add(outbox->open(outbox_visit("v" + std::to_string(i))));
    world.loop.run(opening.all());
    EXPECT_EQ(visits_on_disk(folder).size(), static_cast<std::size_t>(visits));
    EXPECT_LE(*syncs, 10);
    EXPECT_EQ(runner::segments_in(folder).size(), 1U);
}

}  // namespace
