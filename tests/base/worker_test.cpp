#include "base/worker.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/group.hpp"
#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;

class WorkerTest : public testing::Test {
  protected:
    tests::FakeClock clock_{/*jumping=*/false};
    Loop loop_{clock_};
};

Task<void> worker_append(Worker& worker, std::vector<int>& order, int number) {
    const int same = co_await worker.run<int>([number] { return number; });
    order.push_back(same);
}

Task<bool> worker_elsewhere(Worker& worker) {
    const auto here = std::this_thread::get_id();
    const auto there =
        co_await worker.run<std::thread::id>([] { return std::this_thread::get_id(); });
    co_return here != there&& std::this_thread::get_id() == here;
}

Task<void> worker_wait(Worker& worker, std::shared_future<void> released, std::atomic<int>& done) {
    co_await worker.run<void>([released, &done] {
        released.wait();
        ++done;
    });
}

Task<void> worker_forever(Loop& loop) {
    while (true) co_await loop.sleep(1h);
}

TEST_F(WorkerTest, runs_elsewhere_and_answers_here) {
    Worker worker(loop_);
    EXPECT_EQ(loop_.run(worker_elsewhere(worker)), true);
}

TEST_F(WorkerTest, answers_values_that_only_move) {
    Worker worker(loop_);
    const auto answer =
        loop_.run(worker.run<std::unique_ptr<int>>([] { return std::make_unique<int>(3); }));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(**answer, 3);
}

TEST_F(WorkerTest, rethrows_on_the_loop) {
    Worker worker(loop_);
    EXPECT_THROW(loop_.run(worker.run<int>([]() -> int { throw std::runtime_error("disk full"); })),
                 std::runtime_error);
    EXPECT_THROW(loop_.run(worker.run<void>([] { throw std::runtime_error("disk full"); })),
                 std::runtime_error);
}

TEST_F(WorkerTest, keeps_the_order) {
    Worker worker(loop_);
    Group group(loop_);
    std::vector<int> order;
    for (int i = 0; i < 200; ++i) group.add(worker_append(worker, order, i));
    loop_.run(group.all());
    ASSERT_EQ(order.size(), 200u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(worker.queued(), 0u);
}

TEST_F(WorkerTest, dropping_the_waiter_does_not_stop_the_work) {
    std::promise<void> release;
    std::atomic<int> done = 0;
    {
        Worker worker(loop_);
        {
            Task<void> waiting = worker_wait(worker, release.get_future().share(), done);
            loop_detail::start(waiting);
        }
        EXPECT_EQ(done, 0);
        release.set_value();
    }
    EXPECT_EQ(done, 1);  // The destructor finished what was queued.
    // The news of the finished work finds nobody waiting.
    loop_.post([this] { loop_.stop(); });
    EXPECT_FALSE(loop_.run(worker_forever(loop_)));
}

TEST_F(WorkerTest, destructor_finishes_the_queue) {
    std::atomic<int> done = 0;
    std::promise<void> release;
    const auto released = release.get_future().share();
    std::vector<Task<void>> waiting;
    {
        Worker worker(loop_);
        for (int i = 0; i < 20; ++i) {
            waiting.push_back(worker_wait(worker, released, done));
            loop_detail::start(waiting.back());
        }
        EXPECT_GE(worker.queued(), 19u);
        release.set_value();
    }
    EXPECT_EQ(done, 20);
    waiting.clear();
}

// Inline mode.

Task<bool> worker_here(Worker& worker) {
    const auto here = std::this_thread::get_id();
    const auto there =
        co_await worker.run<std::thread::id>([] { return std::this_thread::get_id(); });
    co_return here == there;
}

TEST_F(WorkerTest, inline_work_runs_on_the_loop) {
    Worker worker(loop_, Worker::Mode::on_the_loop);
    EXPECT_EQ(loop_.run(worker_here(worker)), true);
    EXPECT_THROW(loop_.run(worker.run<int>([]() -> int { throw std::runtime_error("disk full"); })),
                 std::runtime_error);
}

TEST_F(WorkerTest, inline_work_is_done_at_once_and_its_result_comes_a_round_later) {
    Worker worker(loop_, Worker::Mode::on_the_loop);
    bool worked = false;
    std::vector<int> order;
    Group group(loop_);
    {
        Task<void> dropped = worker.run<void>([&worked] { worked = true; });
        loop_detail::start(dropped);
        EXPECT_TRUE(worked);
    }
    for (int i = 0; i < 5; ++i) group.add(worker_append(worker, order, i));
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(worker.queued(), 0u);
    loop_.run(group.all());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

Task<void> worker_note_time(Worker& worker, Loop& loop, std::vector<Steady>& times) {
    co_await worker.run<void>([&loop, &times] { times.push_back(loop.now()); });
}

TEST(PacedWorker, ends_each_piece_after_its_time_and_the_one_before) {
    tests::FakeClock clock;
    Loop loop{clock};
    Worker worker(loop, [] { return 5ms; });
    const Steady begin = loop.now();
    std::vector<Steady> times;
    Group group(loop);
    group.add(worker_note_time(worker, loop, times));
    group.add(worker_note_time(worker, loop, times));
    EXPECT_TRUE(times.empty());
    loop.run(group.all());
    EXPECT_EQ(times, (std::vector<Steady>{begin + 5ms, begin + 10ms}));
}

}  // namespace
}  // namespace base
