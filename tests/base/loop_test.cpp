#include "base/loop.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/group.hpp"
#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class LoopTest : public testing::Test {
  protected:
    tests::FakeClock clock_;
    Loop loop_{clock_};
};

using LoopDeathTest = LoopTest;

struct LoopSocketPair {
    int left = -1;
    int right = -1;
    LoopSocketPair() {
        int both[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0) {
            left = both[0];
            right = both[1];
        }
    }
    LoopSocketPair(const LoopSocketPair&) = delete;
    LoopSocketPair& operator=(const LoopSocketPair&) = delete;
    ~LoopSocketPair() {
        ::close(left);
        ::close(right);
    }
};

Task<void> loop_note_after(Loop& loop, Duration span, std::vector<int>& notes, int note) {
    co_await loop.sleep(span);
    notes.push_back(note);
}

Task<int> loop_answer_after(Loop& loop, Duration span, int answer) {
    co_await loop.sleep(span);
    co_return answer;
}

Task<int> loop_answer_at_once(int answer) {
    co_return answer;
}

Task<int> loop_fail_after(Loop& loop, Duration span) {
    co_await loop.sleep(span);
    throw std::runtime_error("late trouble");
}

Task<void> loop_forever(Loop& loop) {
    while (true) co_await loop.sleep(1h);
}

Task<void> loop_wait_for(Gate& gate, const bool& ready, int& rounds) {
    while (!ready) {
        ++rounds;
        co_await gate.wait();
    }
}

Task<void> loop_park(Waiter& waiter, int& woken) {
    co_await waiter;
    ++woken;
}

TEST_F(LoopTest, sleeping_moves_virtual_time) {
    const Steady before = clock_.steady();
    EXPECT_EQ(loop_.run(loop_answer_after(loop_, 3h, 5)), 5);
    EXPECT_EQ(clock_.steady() - before, 3h);
}

TEST_F(LoopTest, timers_fire_in_order_of_due_time_then_of_setting) {
    std::vector<int> notes;
    Task<void> late = loop_note_after(loop_, 30ms, notes, 3);
    Task<void> early = loop_note_after(loop_, 10ms, notes, 1);
    Task<void> middle = loop_note_after(loop_, 20ms, notes, 2);
    Task<void> middle_too = loop_note_after(loop_, 20ms, notes, 22);
    for (Task<void>* task : {&late, &early, &middle, &middle_too}) loop_detail::start(*task);
    loop_.run(loop_answer_after(loop_, 1s, 0));
    EXPECT_THAT(notes, ElementsAre(1, 2, 22, 3));
}

TEST_F(LoopTest, a_dropped_sleeper_leaves_no_timer) {
    std::vector<int> notes;
    {
        Task<void> sleeper = loop_note_after(loop_, 10ms, notes, 1);
        loop_detail::start(sleeper);
    }
    loop_.run(loop_answer_after(loop_, 1s, 0));
    EXPECT_TRUE(notes.empty());
}

TEST_F(LoopTest, run_rethrows_and_the_loop_stays_usable) {
    EXPECT_THROW(loop_.run(loop_fail_after(loop_, 1ms)), std::runtime_error);
    EXPECT_EQ(loop_.run(loop_answer_at_once(1)), 1);
}

TEST_F(LoopTest, within_answers_or_drops) {
    EXPECT_EQ(loop_.run(loop_.within(1s, loop_answer_after(loop_, 500ms, 4))),
              std::optional<std::optional<int>>(4));
    EXPECT_EQ(loop_.run(loop_.within(1s, loop_answer_after(loop_, 2s, 4))),
              std::optional<std::optional<int>>(std::optional<int>()));
    EXPECT_EQ(loop_.run(loop_.within(0s, loop_answer_at_once(6))),
              std::optional<std::optional<int>>(6));
    EXPECT_THROW(loop_.run(loop_.within(1s, loop_fail_after(loop_, 1ms))), std::runtime_error);
}

struct LoopFlag {
    bool& flag;
    explicit LoopFlag(bool& the_flag) : flag(the_flag) {}
    LoopFlag(const LoopFlag&) = delete;
    LoopFlag& operator=(const LoopFlag&) = delete;
    ~LoopFlag() { flag = true; }
};

Task<void> loop_holding(Loop& loop, bool& dropped) {
    const LoopFlag flag(dropped);
    co_await loop.sleep(1h);
}

Task<bool> loop_dropped_before_answer(Loop& loop, bool& dropped) {
    const bool in_time = co_await loop.within(1ms, loop_holding(loop, dropped));
    co_return !in_time && dropped;
}

TEST_F(LoopTest, within_destroys_the_task_before_it_answers) {
    bool dropped = false;
    EXPECT_EQ(loop_.run(loop_dropped_before_answer(loop_, dropped)), true);
}

TEST_F(LoopTest, dropping_within_drops_the_task_and_its_timer) {
    bool dropped = false;
    {
        Task<bool> waiting = loop_.within(1s, loop_holding(loop_, dropped));
        std::move(waiting).operator co_await().await_suspend(std::noop_coroutine()).resume();
        EXPECT_FALSE(dropped);
    }
    EXPECT_TRUE(dropped);
}

TEST_F(LoopTest, stop_drops_the_task_and_ends_one_run) {
    bool dropped = false;
    loop_.post([this] { loop_.stop(); });
    EXPECT_FALSE(loop_.run(loop_holding(loop_, dropped)));
    EXPECT_TRUE(dropped);
    EXPECT_EQ(loop_.run(loop_answer_at_once(1)), 1);
}

TEST_F(LoopTest, an_early_stop_ends_the_next_run) {
    loop_.stop();
    EXPECT_FALSE(loop_.run(loop_forever(loop_)));
    EXPECT_EQ(loop_.run(loop_answer_after(loop_, 1ms, 2)), 2);
}

TEST_F(LoopTest, gate_wakes_all_who_wait_now) {
    Gate gate(loop_);
    bool ready = false;
    int rounds = 0;
    Task<void> first = loop_wait_for(gate, ready, rounds);
    Task<void> second = loop_wait_for(gate, ready, rounds);
    {
        Task<void> dropped = loop_wait_for(gate, ready, rounds);
        loop_detail::start(first);
        loop_detail::start(dropped);
        loop_detail::start(second);
    }
    EXPECT_EQ(rounds, 3);
    gate.notify();  // Not ready yet: both look and wait again.
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(rounds, 5);
    ready = true;
    gate.notify();
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(rounds, 5);
}

TEST_F(LoopTest, a_waiter_may_outlive_its_gate) {
    bool ready = false;
    int rounds = 0;
    Task<void> waiting = [&] {
        Gate gate(loop_);
        Task<void> task = loop_wait_for(gate, ready, rounds);
        loop_detail::start(task);
        return task;
    }();
    EXPECT_EQ(rounds, 1);
}

TEST_F(LoopTest, waking_twice_resumes_once_and_early_wakes_are_lost) {
    Waiter waiter(loop_);
    int woken = 0;
    waiter.wake();
    Task<void> parked = loop_park(waiter, woken);
    loop_detail::start(parked);
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(woken, 0);
    waiter.wake();
    waiter.wake();
    EXPECT_TRUE(waiter.is_queued());
    EXPECT_EQ(woken, 0);  // Never inside the call.
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(woken, 1);
}

TEST_F(LoopTest, wake_at_moves_the_timer) {
    Waiter waiter(loop_);
    int woken = 0;
    Task<void> parked = loop_park(waiter, woken);
    loop_detail::start(parked);
    waiter.wake_at(loop_.now() + 1s);
    waiter.wake_at(loop_.now() + 3s);
    loop_.run(loop_answer_after(loop_, 2s, 0));
    EXPECT_EQ(woken, 0);
    loop_.run(loop_answer_after(loop_, 2s, 0));
    EXPECT_EQ(woken, 1);
}

TEST_F(LoopTest, wake_by_only_moves_the_timer_forward) {
    Waiter waiter(loop_);
    int woken = 0;
    Task<void> parked = loop_park(waiter, woken);
    loop_detail::start(parked);
    waiter.wake_by(loop_.now() + 3s);
    waiter.wake_by(loop_.now() + 1s);
    waiter.wake_by(loop_.now() + 2s);
    loop_.run(loop_answer_after(loop_, 999ms, 0));
    EXPECT_EQ(woken, 0);
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(woken, 1);
}

TEST_F(LoopTest, whoever_is_forgotten_is_not_resumed) {
    Waiter waiter(loop_);
    int woken = 0;
    Task<void> parked = loop_park(waiter, woken);
    loop_detail::start(parked);
    waiter.wake_at(loop_.now() + 1s);
    waiter.wake();
    waiter.forget();
    waiter.wake();
    loop_.run(loop_answer_after(loop_, 2s, 0));
    EXPECT_EQ(woken, 0);
}

TEST_F(LoopTest, thousands_of_timers_fire_in_order_however_they_were_moved_and_removed) {
    std::mt19937 chance(11);
    std::vector<int> notes;
    std::vector<Task<void>> tasks;
    std::vector<std::pair<int, int>> expected;  // Millisecond, number.
    for (int i = 0; i < 3'000; ++i) {
        const int wait = static_cast<int>(chance() % 500);
        tasks.push_back(loop_note_after(loop_, std::chrono::milliseconds{wait}, notes, i));
        loop_detail::start(tasks.back());
        expected.emplace_back(wait, i);
    }
    for (int i = 0; i < 1'000; ++i) {
        const std::size_t victim = chance() % tasks.size();
        tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(victim));
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    loop_.run(loop_answer_after(loop_, 1s, 0));
    std::sort(expected.begin(), expected.end());  // Those of one moment in the order they were set.
    std::vector<int> order;
    for (const auto& [wait, number] : expected) order.push_back(number);
    EXPECT_EQ(notes, order);
}

TEST_F(LoopTest, a_task_queued_to_run_may_be_dropped_first) {
    Waiter waiter(loop_);
    int woken = 0;
    {
        Waiter inner(loop_);
        Task<void> parked = loop_park(inner, woken);
        loop_detail::start(parked);
        inner.wake();
        EXPECT_TRUE(inner.is_queued());
    }
    loop_.run(loop_answer_after(loop_, 1ms, 0));
    EXPECT_EQ(woken, 0);
}

TEST_F(LoopTest, posted_work_runs_in_order_on_the_loop_thread) {
    clock_.set_jumping(false);
    std::vector<int> order;
    const auto loop_thread = std::this_thread::get_id();
    bool on_loop_thread = true;
    std::thread poster([&] {
        for (int i = 0; i < 1'000; ++i) {
            loop_.post([&, i] {
                order.push_back(i);
                on_loop_thread = on_loop_thread && std::this_thread::get_id() == loop_thread;
            });
        }
        loop_.stop();
    });
    loop_.run(loop_forever(loop_));
    poster.join();
    loop_.post([this] { loop_.stop(); });
    loop_.run(loop_forever(loop_));  // What was posted while the first run ended.
    ASSERT_EQ(order.size(), 1'000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_TRUE(on_loop_thread);
}

TEST_F(LoopTest, sockets_come_before_virtual_time) {
    LoopSocketPair pair;
    bool readable = false;
    loop_.watch(pair.left, EPOLLIN, [&](std::uint32_t) {
        readable = true;
        loop_.stop();
    });
    ASSERT_EQ(::write(pair.right, "x", 1), 1);
    const Steady before = clock_.steady();
    EXPECT_FALSE(loop_.run(loop_forever(loop_)));
    EXPECT_TRUE(readable);
    EXPECT_EQ(clock_.steady(), before);
    loop_.unwatch(pair.left);
}

TEST_F(LoopTest, a_watch_may_change_and_remove_itself_while_it_runs) {
    LoopSocketPair pair;
    std::vector<std::string> calls;
    const std::string captured(100, 'x');  // Freed memory would show under the sanitizer.
    loop_.watch(pair.left, EPOLLOUT, [&, captured](std::uint32_t) {
        calls.push_back("first");
        loop_.watch(pair.left, EPOLLOUT, [&, captured](std::uint32_t) {
            calls.push_back("second");
            loop_.unwatch(pair.left);
            calls.push_back(captured.substr(0, 1));
        });
        calls.push_back(captured.substr(0, 1));
    });
    loop_.run(loop_answer_after(loop_, 5ms, 0));
    EXPECT_THAT(calls, ElementsAre("first", "x", "second", "x"));
}

TEST_F(LoopTest, an_event_of_an_unwatched_socket_reaches_nobody) {
    LoopSocketPair one;
    LoopSocketPair two;
    int calls = 0;
    const auto unwatch_other = [&](int other) {
        return [&, other](std::uint32_t) {
            ++calls;
            loop_.unwatch(other);
            loop_.stop();
        };
    };
    loop_.watch(one.left, EPOLLOUT, unwatch_other(two.left));
    loop_.watch(two.left, EPOLLOUT, unwatch_other(one.left));
    EXPECT_FALSE(loop_.run(loop_forever(loop_)));
    EXPECT_EQ(calls, 1);  // Both were ready in the same round.
    loop_.unwatch(one.left);
    loop_.unwatch(two.left);
}

TEST_F(LoopTest, a_reused_socket_number_is_watched_anew) {
    int first_calls = 0;
    int second_calls = 0;
    int number = -1;
    {
        LoopSocketPair pair;
        number = pair.left;
        loop_.watch(pair.left, EPOLLIN, [&](std::uint32_t) { ++first_calls; });
    }
    LoopSocketPair pair;  // The kernel gives the lowest free number: the same one.
    ASSERT_EQ(pair.left, number);
    loop_.watch(pair.left, EPOLLOUT, [&](std::uint32_t) {
        ++second_calls;
        loop_.unwatch(pair.left);
    });
    loop_.run(loop_answer_after(loop_, 5ms, 0));
    EXPECT_EQ(first_calls, 0);
    EXPECT_EQ(second_calls, 1);
}

Task<void> loop_ping(Gate& mine, Gate& other, const bool& stop) {
    while (!stop) {
        other.notify();
        co_await mine.wait();
    }
}

TEST_F(LoopTest, tasks_that_keep_waking_each_other_do_not_starve_sockets) {
    LoopSocketPair pair;
    Gate left(loop_);
    Gate right(loop_);
    bool stop = false;
    loop_.watch(pair.left, EPOLLIN, [&](std::uint32_t) { loop_.stop(); });
    Task<void> one = loop_ping(left, right, stop);
    Task<void> two = loop_ping(right, left, stop);
    loop_detail::start(one);
    loop_detail::start(two);
    ASSERT_EQ(::write(pair.right, "x", 1), 1);
    EXPECT_FALSE(loop_.run(loop_forever(loop_)));
    loop_.unwatch(pair.left);
}

TEST_F(LoopTest, lag_tells_how_late_the_oldest_timer_was) {
    clock_.set_jumping(false);
    std::vector<int> notes;
    Task<void> sleeper = loop_note_after(loop_, 10ms, notes, 1);
    loop_detail::start(sleeper);
    clock_.advance(250ms);
    loop_.post([this] { loop_.stop(); });
    loop_.run(loop_forever(loop_));
    EXPECT_THAT(notes, ElementsAre());
    EXPECT_EQ(loop_.lag(), 240ms);
}

TEST_F(LoopDeathTest, destroying_a_loop_that_is_waited_on_is_a_bug) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            auto doomed = std::make_unique<Loop>(clock_);
            Task<void> sleeper = loop_forever(*doomed);
            loop_detail::start(sleeper);
            doomed.reset();
        },
        "before the coroutines");
}

// A piece of work that takes half a millisecond.
Task<void> loop_work(Loop& loop, tests::FakeClock& clock, std::vector<int>& notes, int note) {
    co_await loop.when_free();
    clock.advance(500us);
    notes.push_back(note);
}

Task<void> loop_tick(Loop& loop, std::vector<int>& notes) {
    for (;;) {
        co_await loop.sleep(1ms);
        notes.push_back(0);
    }
}

Task<void> loop_works_beside_a_timer(Loop& loop, tests::FakeClock& clock, std::vector<int>& notes) {
    Group group(loop);
    Group ticks(loop);
    ticks.add(loop_tick(loop, notes));
    for (int note = 1; note <= 5; ++note) group.add(loop_work(loop, clock, notes, note));
    co_await group.all();
}

TEST_F(LoopTest, large_pieces_of_work_let_timers_pass) {
    std::vector<int> notes;
    loop_.run(loop_works_beside_a_timer(loop_, clock_, notes));
    // Two pieces a round; the timer that came due with the second one has its turn a round later.
    EXPECT_THAT(notes, ElementsAre(1, 2, 3, 4, 0, 5));
}

Task<void> loop_again(Loop& loop, std::vector<int>& notes, int note) {
    for (int i = 0; i < 2; ++i) {
        co_await loop.when_free();
        notes.push_back(note);
    }
}

Task<void> loop_work_again(Loop& loop, std::vector<int>& notes) {
    Group group(loop);
    group.add(loop_again(loop, notes, 1));
    group.add(loop_again(loop, notes, 2));
    co_await group.all();
}

TEST_F(LoopTest, work_that_comes_again_stands_behind_the_others) {
    std::vector<int> notes;
    loop_.run(loop_work_again(loop_, notes));
    EXPECT_THAT(notes, ElementsAre(1, 2, 1, 2));
}

TEST_F(LoopTest, work_that_waits_can_be_dropped) {
    std::vector<int> notes;
    {
        Group group(loop_);
        group.add(loop_again(loop_, notes, 1));
        group.add(loop_again(loop_, notes, 2));
        group.drop_all();
    }
    loop_.run(loop_note_after(loop_, 1ms, notes, 3));
    EXPECT_THAT(notes, ElementsAre(3));
}

}  // namespace
}  // namespace base
