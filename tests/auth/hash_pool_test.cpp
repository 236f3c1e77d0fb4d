#include "auth/guard/hash_pool.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "base/failure.hpp"

namespace auth {
namespace {

TEST(HashPool, WorkRunsElsewhereWithLowPriority) {
    HashPool pool(1, 0);
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id there;
    int niceness = 0;

    pool.run([&] {
        there = std::this_thread::get_id();
        niceness = ::getpriority(PRIO_PROCESS, 0);
    });

    EXPECT_NE(there, here);
    EXPECT_GE(niceness, 5);
}

TEST(HashPool, PastItsPlacesItRefusesAtOnceWithATimeToComeBack) {
    HashPool pool(1, 1);
    std::promise<void> running, go;
    const std::shared_future<void> gone = go.get_future().share();
    auto first = std::async(std::launch::async, [&] {
        pool.run([&] {
            running.set_value();
            gone.wait();
        });
    });
    running.get_future().wait();
    std::atomic<int> waited{0}, refused{0};
    std::vector<std::future<void>> more;
    for (int i = 0; i < 5; ++i) {
        more.push_back(std::async(std::launch::async, [&] {
            try {
                pool.run([&] { ++waited; });
            } catch (const base::Failure& failure) {
                EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable);
                EXPECT_EQ(failure.retry_after(), std::chrono::seconds(1));
                // The last refusal lets the first one go: nobody waits for the clock here.
                if (++refused == 4) go.set_value();
            }
        }));
    }
    for (auto& one : more) one.wait();
    first.wait();

    EXPECT_EQ(refused, 4);
    EXPECT_EQ(waited, 1);
}

TEST(HashPool, AnExceptionReachesWhoeverWaits) {
    HashPool pool(2, 2);

    EXPECT_THROW(pool.run([] { throw std::runtime_error("no memory"); }), std::runtime_error);
    bool ran = false;
    pool.run([&] { ran = true; });
    EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace auth
