#include "auth/guard/limits.hpp"

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

// What is asked often is counted in blocks: never more than the rule says, whoever asks.
TEST_F(LimitsTest, OftenAskedPathsAreCountedInBlocks) {
    auth::Limits other(true, pool_, clock_);
    const auto admitted = [&](auth::Limits& limits, int times) {
        int count = 0;
        for (int i = 0; i < times; ++i) {
            try {
                limits.admit_often(auth::native_limit, "10.0.0.1 /api/auth/ok");
                ++count;
            } catch (const base::Failure& failure) {
                EXPECT_EQ(failure.code(), "RATE_LIMITED");
                EXPECT_LE(failure.retry_after(), std::chrono::seconds(10));
            }
        }
        return count;
    };
    EXPECT_EQ(admitted(limits_, 95), 95);
    EXPECT_EQ(count("auth.request_limits where requests = 100"), 1) << "ten round trips";
    EXPECT_EQ(admitted(other, 20), 0) << "the first process holds the last five";
    EXPECT_EQ(admitted(limits_, 20), 5);
    clock_.advance(std::chrono::seconds(10));
    EXPECT_EQ(admitted(limits_, 1), 1);
    EXPECT_EQ(admitted(other, 200) + admitted(limits_, 200), 99);
}

TEST_F(LimitsTest, OftenAskedPathsAreCountedExactlyUnderParallelRequests) {
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int asked = 0; asked < 20; ++asked) {
                try {
                    limits_.admit_often(auth::native_limit, "10.0.0.1 /api/auth/ok");
                    ++admitted;
                } catch (const base::Failure& failure) {
                    EXPECT_EQ(failure.code(), "RATE_LIMITED");
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(admitted, 100);
}

TEST_F(LimitsTest, EachNativePathHasAHundredRequestsInTenSeconds) {
    auth::Options told = options();
    told.address_limits = true;
    start(told);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(get("/api/auth/ok").status, 200) << i;

    const Answer refused = get("/api/auth/ok");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.raw.header("X-Retry-After"), "10");
    EXPECT_EQ(refused.raw.header("content-type"), "text/plain");
    EXPECT_EQ(get("/api/auth/jwks").status, 200) << "another path";
    EXPECT_EQ(get("/api/auth/ok", {{"X-Service-Key", "dev-service-key"}}).status, 200);
    EXPECT_EQ(get("/api/auth/ok", {{"X-Forwarded-For", "10.9.9.9"}}).status, 429)
        << "nobody names her own address";
    clock_.advance(std::chrono::seconds(10));
    EXPECT_EQ(get("/api/auth/ok").status, 200);
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
    EXPECT_THROW(limits_.admit_often(auth::native_limit, "10.0.0.1 /api/auth/ok"), base::Failure);
}

}  // namespace
}  // namespace tests
