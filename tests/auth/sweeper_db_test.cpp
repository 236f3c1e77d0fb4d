#include "auth/guard/sweeper.hpp"

#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class SweeperTest : public ServiceTest {};

// auth-api-doubts B69: what has ended goes although nobody presents it any more.
TEST_F(SweeperTest, WhatHasEndedGoesAndTheRestStays) {
    start();
    add_user("anna@example.com");
    add_user("new@example.com", "user", false);
    login("anna@example.com");
    login("anna@example.com", "wrong-password");
    post("/api/v1/auth/forgot-password", {{"email", "anna@example.com"}});
    post("/api/v1/auth/resend-verification", {{"email", "new@example.com"}});
    service_->deliver_due();
    sql("insert into auth.request_limits (rule, who, until, requests) values "
        "('sign-in', 'x', $1::timestamptz, 1)",
        {clock_.now()});
    auth::Sweeper sweeper(pool_, clock_);
    const auto rows = [&] {
        return count("auth.sessions") + count("auth.verification") + count("auth.login_locks") +
               count("auth.login_attempts") + count("auth.outbound");
    };
    const std::int64_t all = rows();

    EXPECT_EQ(sweeper.sweep(), 1u) << "the window that is over";
    EXPECT_EQ(rows(), all);
    clock_.advance(std::chrono::hours(24 * 7));
    sweeper.sweep();
    EXPECT_EQ(count("auth.sessions"), 0);
    EXPECT_EQ(count("auth.verification"), 0);
    EXPECT_EQ(count("auth.login_locks"), 0);
    EXPECT_EQ(count("auth.login_attempts"), 2);
    clock_.advance(std::chrono::hours(24 * 83) + std::chrono::seconds(1));
    sweeper.sweep();

    EXPECT_EQ(rows(), 0);
    EXPECT_EQ(count("auth.users"), 2);
    EXPECT_GT(count("auth.security_events"), 0) << "the audit stays";
}

TEST_F(SweeperTest, AThousandRowsGoInSmallSteps) {
    sql(R"(insert into auth.request_limits (rule, who, until, requests)
           select 'sign-in', n::text, $1::timestamptz, 1 from generate_series(1, 1200) as n)",
        {clock_.now()});
    auth::Sweeper sweeper(pool_, clock_);

    EXPECT_EQ(sweeper.sweep(), 1200u);
}

TEST_F(SweeperTest, TheServiceSweepsWhenItStarts) {
    sql("insert into auth.request_limits (rule, who, until, requests) values "
        "('sign-in', 'x', $1::timestamptz, 1)",
        {clock_.now()});
    start();

    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (count("auth.request_limits") > 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_EQ(count("auth.request_limits"), 0);
    service_->stop();
    service_->stop();
}

}  // namespace
}  // namespace tests
