#include "workspace/running_calls.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using workspace::RunningCalls;

TEST(RunningCalls, CancelsTheNamedCallOfTheSessionOnly) {
    RunningCalls running;
    const auto seven = running.begin("s1", 7);
    const auto text = running.begin("s1", "7");
    const auto other = running.begin("s2", 7);

    running.cancel("s1", {{"requestId", 7}});

    EXPECT_TRUE(*seven.flag());
    EXPECT_FALSE(*text.flag());
    EXPECT_FALSE(*other.flag());
}

TEST(RunningCalls, IgnoresUnknownFinishedAndMalformedOnes) {
    RunningCalls running;
    {
        const auto gone = running.begin("s1", 7);
    }
    running.cancel("s1", {{"requestId", 7}});
    running.cancel("s1", Json::object());
    running.cancel("s1", Json::array());

    const auto again = running.begin("s1", 7);
    EXPECT_FALSE(*again.flag());
}

}  // namespace
