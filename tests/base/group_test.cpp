#include "base/group.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;

class GroupTest : public testing::Test {
  protected:
    tests::FakeClock clock_;
    Loop loop_{clock_};
};

using GroupDeathTest = GroupTest;

struct GroupCount {
    int running = 0;
    int most = 0;
    int finished = 0;
    int dropped = 0;
};

// Counts a task in, and out again however it ends.
struct GroupPresence {
    GroupCount& count;
    bool finished = false;
    explicit GroupPresence(GroupCount& the_count) : count(the_count) {
        count.most = std::max(count.most, ++count.running);
    }
    GroupPresence(const GroupPresence&) = delete;
    GroupPresence& operator=(const GroupPresence&) = delete;
    ~GroupPresence() {
        --count.running;
        ++(finished ? count.finished : count.dropped);
    }
};

Task<void> group_work(Loop& loop, Duration span, GroupCount& count) {
    GroupPresence presence(count);
    if (span > 0s) co_await loop.sleep(span);
    presence.finished = true;
}

Task<void> group_failing(Loop& loop) {
    co_await loop.sleep(1ms);
    throw std::runtime_error("unsettled");
}

Task<void> group_feed(Loop& loop, Group& group, int tasks, std::size_t limit, GroupCount& count) {
    for (int i = 0; i < tasks; ++i) {
        co_await group.below(limit);
        group.add(group_work(loop, std::chrono::milliseconds{1 + i % 7}, count));
    }
    co_await group.all();
}

Task<void> group_parent(Loop& loop, Group& group, GroupCount& count) {
    co_await loop.sleep(1ms);
    group.add(group_work(loop, 1ms, count));
    group.add(group_work(loop, 0ms, count));
}

TEST_F(GroupTest, a_task_starts_at_once) {
    GroupCount count;
    Group group(loop_);
    group.add(group_work(loop_, 1s, count));
    EXPECT_EQ(count.running, 1);
    EXPECT_EQ(group.size(), 1u);
    group.add(group_work(loop_, 0s, count));  // Ends inside add().
    EXPECT_EQ(count.finished, 1);
    EXPECT_EQ(group.size(), 1u);
}

TEST_F(GroupTest, below_keeps_to_the_limit_and_all_waits_for_the_rest) {
    GroupCount count;
    Group group(loop_);
    loop_.run(group_feed(loop_, group, 1'000, 8, count));
    EXPECT_EQ(count.most, 8);
    EXPECT_EQ(count.finished, 1'000);
    EXPECT_EQ(group.size(), 0u);
}

TEST_F(GroupTest, all_of_an_empty_group_is_immediate) {
    Group group(loop_);
    const Steady before = clock_.steady();
    EXPECT_TRUE(loop_.run(group.all()));
    EXPECT_EQ(clock_.steady(), before);
}

TEST_F(GroupTest, a_member_may_add_members) {
    GroupCount count;
    Group group(loop_);
    group.add(group_parent(loop_, group, count));
    loop_.run(group.all());
    EXPECT_EQ(count.finished, 2);
}

TEST_F(GroupTest, what_a_task_held_is_gone_when_it_ends) {
    GroupCount count;
    Group group(loop_);
    group.add(group_work(loop_, 0s, count));
    EXPECT_EQ(count.running, 0);  // Without anybody sweeping.
}

TEST_F(GroupTest, dropping_the_group_drops_every_task) {
    GroupCount count;
    {
        Group group(loop_);
        for (int i = 0; i < 5; ++i) group.add(group_work(loop_, 1h, count));
    }
    EXPECT_EQ(count.dropped, 5);
    EXPECT_EQ(count.running, 0);
}

TEST_F(GroupTest, drop_all_wakes_who_waits_for_the_end) {
    GroupCount count;
    Group group(loop_);
    for (int i = 0; i < 5; ++i) group.add(group_work(loop_, 1h, count));
    loop_.post([&] { group.drop_all(); });
    const Steady before = clock_.steady();
    clock_.set_jumping(false);
    EXPECT_TRUE(loop_.run(group.all()));
    EXPECT_EQ(clock_.steady(), before);
    EXPECT_EQ(count.dropped, 5);
}

TEST_F(GroupTest, stopping_the_loop_leaves_the_group_whole) {
    GroupCount count;
    Group group(loop_);
    group.add(group_work(loop_, 1h, count));
    loop_.stop();
    EXPECT_FALSE(loop_.run(group.all()));
    EXPECT_EQ(group.size(), 1u);
    EXPECT_TRUE(loop_.run(group.all()));
    EXPECT_EQ(count.finished, 1);
}

TEST_F(GroupDeathTest, an_unsettled_failure_is_a_bug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Group group(loop_);
            group.add(group_failing(loop_));
            loop_.run(group.all());
        },
        "unsettled");
}

}  // namespace
}  // namespace base
