#include "sim/faults.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

TEST(Faults, words_are_read) {
    const sim::Fault status = sim::parse_fault("status=429; retry-after=2; should-retry=true");
    EXPECT_EQ(status.kind, sim::Fault::Kind::status);
    EXPECT_EQ(status.status, 429);
    EXPECT_EQ(status.retry_after, "2");
    EXPECT_EQ(status.should_retry, "true");
    EXPECT_EQ(sim::parse_fault("cut=5").event, 5U);
    EXPECT_EQ(sim::parse_fault("error=0").type, "overloaded_error");
    EXPECT_EQ(sim::parse_fault("slow=20").wait.count(), 20);
    EXPECT_TRUE(sim::parse_fault("status=502;html").html);
}

TEST(Faults, unknown_words_are_named) {
    for (const char* text : {"", "explode=1", "status=200", "cut=x", "cut=1;color=red"}) {
        EXPECT_THROW(sim::parse_fault(text), base::Failure) << text;
    }
    try {
        sim::parse_fault("explode=1");
    } catch (const base::Failure& failure) {
        EXPECT_NE(std::string(failure.what()).find("explode"), std::string::npos);
    }
}

TEST(Faults, rules_wait_match_and_wear_out) {
    sim::FaultQueue queue;
    queue.add({.fault = "status=529", .match = "Anna", .skip = 1, .times = 2});
    queue.add({.fault = "cut=3", .match = "Ben", .times = 1});
    EXPECT_FALSE(queue.take("Anna"));
    EXPECT_FALSE(queue.take("Carla"));
    EXPECT_EQ(queue.take("Anna")->status, 529);
    EXPECT_EQ(queue.take("Ben")->event, 3U);
    EXPECT_FALSE(queue.take("Ben"));
    EXPECT_EQ(queue.take("Anna")->status, 529);
    EXPECT_FALSE(queue.take("Anna"));
}

TEST(Faults, zero_times_means_always_until_cleared) {
    sim::FaultQueue queue;
    queue.add({.fault = "status=500", .times = 0});
    for (int at = 0; at < 5; ++at) EXPECT_TRUE(queue.take("x"));
    queue.clear();
    EXPECT_FALSE(queue.take("x"));
}

}  // namespace
