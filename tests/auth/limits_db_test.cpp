#include "auth/identity/limits.hpp"

#include <thread>

#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class LimitsTest : public ServiceTest {
  protected:
    std::optional<std::chrono::milliseconds> wait(auth::Limits& limits, const std::string& who) {
        try {
            limits.admit(auth::sign_in_limit, who);
        } catch (const base::Failure& failure) {
            EXPECT_EQ(failure.code(), "RATE_LIMITED");
            EXPECT_EQ(failure.kind(), base::Failure::Kind::throttled);
            return failure.retry_after();
        }
        return std::nullopt;
    }

    auth::Limits limits_{true, pool_, clock_};
};

// auth-api-doubts B24: what counts is the socket's address, so nobody goes uncounted.
TEST_F(LimitsTest, TheFourthRequestInTenSecondsWaits) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(wait(limits_, "10.0.0.1"));

    EXPECT_EQ(wait(limits_, "10.0.0.1"), std::chrono::seconds(10));
    EXPECT_FALSE(wait(limits_, "10.0.0.2"));

    clock_.advance(std::chrono::seconds(4));
    EXPECT_EQ(wait(limits_, "10.0.0.1"), std::chrono::seconds(6)) << "refusals extend nothing";
    clock_.advance(std::chrono::seconds(6));
    EXPECT_FALSE(wait(limits_, "10.0.0.1"));
}

TEST_F(LimitsTest, OneNetworkOfIpv6IsOne) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(wait(limits_, "2001:db8:1:2::" + std::to_string(i + 1)));
    }

    EXPECT_TRUE(wait(limits_, "2001:db8:1:2:ffff::9"));
    EXPECT_FALSE(wait(limits_, "2001:db8:1:3::1"));
}

TEST_F(LimitsTest, SwitchedOffTheyAdmitEverybody) {
    auth::Limits off(false, pool_, clock_);
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(wait(off, "10.0.0.1"));
}

TEST_F(LimitsTest, ParallelRequestsOverTwoProcessesAreCountedExactly) {
    auth::Limits other(true, pool_, clock_);
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&, i] {
            if (!wait(i % 2 == 0 ? limits_ : other, "10.0.0.1")) ++admitted;
        });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(admitted, 3);
}

TEST_F(LimitsTest, WindowsThatAreOverAreClearedAway) {
    sql(R"(insert into auth.request_limits (rule, who, until, requests)
           select 'sign-in', n::text, '2026-11-20 08:00+00', 1 from generate_series(1, 400) as n)");

    for (int i = 0; i < 2'000 && count("auth.request_limits") > 300; ++i) {
        limits_.admit(auth::mail_limit, "who" + std::to_string(i));
        clock_.advance(std::chrono::minutes(2));
    }

    EXPECT_EQ(count("auth.request_limits where until = '2026-11-20 08:00+00'"), 0);
}

TEST_F(LimitsTest, WithoutTheDatabaseNobodyIsAdmitted) {
    base::Postgres owner({.url = database_.owner_url()});
    owner.transact([](base::Transaction& transaction) {
        transaction.run("revoke insert on auth.request_limits from mana_app");
    });

    EXPECT_THROW(limits_.admit(auth::sign_in_limit, "10.0.0.1"), base::Failure);
}

}  // namespace
}  // namespace tests
