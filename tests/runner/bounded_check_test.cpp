// A question that may block is answered, or given up, within a bound.
#include "runner/bounded_check.hpp"

#include <future>

#include <gtest/gtest.h>

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BoundedCheck, AnswersWhatTheQuestionSays) {
    std::string trouble;
    runner::BoundedCheck check([&trouble] { return trouble; });
    EXPECT_EQ(check.ask(seconds{20}), "");
    trouble = "gone";
    EXPECT_EQ(check.ask(seconds{20}), "gone");
}

TEST(BoundedCheck, AQuestionThatBlocksIsGivenUpAndAnswersLater) {
    std::promise<void> gate;
    const std::shared_future<void> opened = gate.get_future().share();
    runner::BoundedCheck check([opened] {
        opened.wait();
        return std::string("well");
    });
    EXPECT_EQ(check.ask(milliseconds{5}), std::nullopt);
    EXPECT_EQ(check.ask(milliseconds{5}), std::nullopt);  // The first one still blocks.
    gate.set_value();
    EXPECT_EQ(check.ask(seconds{20}), "well");
}

}  // namespace
