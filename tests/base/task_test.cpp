#include "base/task.hpp"

#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "base/loop.hpp"
#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

struct TaskWorld {
    tests::FakeClock clock;
    Loop loop{clock};
};

// Says when the frame that owns it goes.
struct TaskTrace {
    std::string& log;
    std::string name;
    TaskTrace(std::string& the_log, std::string the_name)
        : log(the_log), name(std::move(the_name)) {}
    TaskTrace(const TaskTrace&) = delete;
    TaskTrace& operator=(const TaskTrace&) = delete;
    ~TaskTrace() { log += "-" + name; }
};

Task<int> task_number(int number) {
    co_return number;
}

Task<std::string> task_text(std::string text) {
    co_return text + "!";
}

Task<int> task_failing() {
    throw std::runtime_error("broken");
    co_return 1;
}

Task<void> task_traced(std::string& log, std::string name, Loop& loop) {
    const TaskTrace trace(log, name);
    log += "+" + name;
    co_await loop.sleep(std::chrono::hours{1});
    log += "!" + name;
}

Task<void> task_outer(std::string& log, Loop& loop) {
    const TaskTrace trace(log, "outer");
    co_await task_traced(log, "inner", loop);
}

Task<std::size_t> task_many_steps(std::size_t count) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const int one = co_await task_number(1);
        sum += static_cast<std::size_t>(one);
    }
    co_return sum;
}

Task<std::string> task_catching() {
    try {
        co_await task_failing();
    } catch (const std::runtime_error& error) {
        co_return error.what();
    }
    co_return "no failure";
}

Task<std::unique_ptr<int>> task_unique(std::unique_ptr<int> value) {
    *value += 1;
    co_return value;
}

TEST(task, answers_its_value) {
    TaskWorld world;
    EXPECT_EQ(world.loop.run(task_number(7)), 7);
    EXPECT_EQ(world.loop.run(task_text("hello")), "hello!");
    const auto unique = world.loop.run(task_unique(std::make_unique<int>(41)));
    ASSERT_TRUE(unique.has_value());
    EXPECT_EQ(**unique, 42);
}

TEST(task, failures_travel_to_whoever_awaits) {
    TaskWorld world;
    EXPECT_EQ(world.loop.run(task_catching()), "broken");
    EXPECT_THROW(world.loop.run(task_failing()), std::runtime_error);
}

TEST(task, is_lazy_and_may_be_dropped_unstarted) {
    TaskWorld world;
    std::string log;
    {
        const Task<void> never = task_traced(log, "never", world.loop);
    }
    EXPECT_EQ(log, "");
}

TEST(task, dropping_destroys_the_frames_inside_out) {
    TaskWorld world;
    std::string log;
    {
        Task<void> outer = task_outer(log, world.loop);
        loop_detail::start(outer);
        EXPECT_EQ(log, "+inner");
    }
    EXPECT_EQ(log, "+inner-inner-outer");
}

TEST(task, assigning_drops_the_old_one) {
    TaskWorld world;
    std::string log;
    Task<void> task = task_traced(log, "a", world.loop);
    loop_detail::start(task);
    task = task_traced(log, "b", world.loop);
    EXPECT_EQ(log, "+a-a");
}

// Symmetric transfer: a million awaits that finish at once use no stack.
TEST(task, a_million_synchronous_awaits_fit_the_stack) {
    TaskWorld world;
    EXPECT_EQ(world.loop.run(task_many_steps(1'000'000)), 1'000'000u);
}

}  // namespace
}  // namespace base
