#include "base/log.hpp"

#include <concepts>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/secret.hpp"
#include "base/text.hpp"

namespace base {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

static_assert(!std::constructible_from<LogField, std::string_view, Secret>,
              "a secret must not become a log field");

struct LogCapture {
    LogCapture() { testing::internal::CaptureStderr(); }
    std::string take() { return testing::internal::GetCapturedStderr(); }
};

TEST(log, line_has_event_then_fields_in_order) {
    EXPECT_EQ(log_line("visit done", {{"persona", "anna"},
                                      {"actions", 6},
                                      {"mean", 3.5},
                                      {"late", true},
                                      {"ms", std::chrono::milliseconds{40'210}}}),
              "visit done persona=anna actions=6 mean=3.5 late=true ms=40210");
}

TEST(log, odd_values_are_quoted) {
    EXPECT_EQ(log_line("e", {{"a", ""}, {"b", "two words"}, {"c", "x=y"}, {"d", "say \"hi\"\\"}}),
              R"(e a="" b="two words" c="x=y" d="say \"hi\"\\")");
}

TEST(log, nobody_forges_a_second_line) {
    const std::string line = log_line(
        "bad\nevent", {{"reason", "one\ninfo login user=admin\r\x1b[2J"}, {"next", "\xC2\x85now"}});
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\r")));
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    EXPECT_THAT(line, Not(HasSubstr("\xC2\x85")));
    EXPECT_THAT(line, HasSubstr(R"(reason="one\ninfo login user=admin\r\x1b[2J")"));
}

TEST(log, values_are_cut_and_cleaned) {
    const std::string line = log_line("e", {{"a", std::string(5'000, 'x')}, {"b", "\xFF"}});
    EXPECT_LT(line.size(), 2'100u);
    EXPECT_TRUE(is_valid_utf8(line));
    EXPECT_THAT(line, EndsWith("b=\xEF\xBF\xBD"));
}

TEST(log, level_decides_what_is_written) {
    LogCapture capture;
    set_log_level(LogLevel::warning);
    log_info("quiet");
    log_warning("loud", {{"n", 1}});
    set_log_level(LogLevel::off);
    log_error("silent");
    set_log_level(LogLevel::info);
    EXPECT_EQ(capture.take(), "warning loud n=1\n");
}

}  // namespace
}  // namespace base
