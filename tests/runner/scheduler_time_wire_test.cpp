// The timer in virtual time: hours of ticks and heartbeats pass in a moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "runner/scheduler.hpp"
#include "tests/clients/far_end.hpp"

namespace {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct TimerRoom : tests::Outbound<tests::CourteousClock> {
    TimerRoom() {
        far_end.otherwise([](const ServerRequest& request) {
            const bool claim = request.path.ends_with("/due");
            return ServerResponse::json(
                claim ? Json{{"visits", Json::array()}, {"serverTime", "2026-11-21T00:00:00.000Z"}}
                      : Json{{"ok", true}});
        });
    }
    ~TimerRoom() { std::filesystem::remove_all(folder); }

    runner::Services services() {
        return {loop, auth, claude, mcp, outbox, lease, prices, metrics, random, logins};
    }
    // Lease and scheduler live for `span` of virtual time.
    void pass(runner::Scheduler& scheduler, base::Duration span) {
        base::Group group(loop);
        group.add(lease.keep([](const std::string&) {}));
        loop.run(lease.until_held());
        group.add(scheduler.run());
        loop.run(rest(loop, span));
    }
    static base::Task<void> rest(base::Loop& loop, base::Duration span) {
        co_await loop.sleep(span);
    }
    std::vector<base::Steady> asked(std::string_view path) const {
        std::vector<base::Steady> times;
        for (const auto& seen : far_end.seen()) {
            if (seen.request.path.ends_with(path)) times.push_back(seen.at);
        }
        return times;
    }

    const std::filesystem::path folder = [] {
        std::string pattern = (std::filesystem::temp_directory_path() / "timer-XXXXXX").string();
        return std::filesystem::path(::mkdtemp(pattern.data()));
    }();
    // Virtual time does not wait for another thread.
    base::Worker disk{loop, base::Worker::Mode::on_the_loop};
    clients::Auth auth{http, {.url = far_end.url(), .service_key = base::Secret{"key"}}};
    clients::Claude claude{http, {}, metrics, random};
    clients::Mcp mcp{http, {}, metrics};
    const catalog::Prices prices = catalog::shipped_prices();
    runner::Outbox outbox{loop, disk, auth, {.folder = folder / "outbox"}, metrics, random};
    runner::Lease lease{loop, auth, {.node = "node-1"}, metrics, random};
    runner::Logins logins{loop, auth, {.seed_secret = base::Secret{"seed"}}, metrics};
};

TEST(SchedulerTime, TheTimerTicksOnceAnIntervalAndDoesNotDrift) {
    TimerRoom room;
    runner::Scheduler scheduler(room.services(), {.tick_interval = minutes{1}}, {});
    room.pass(scheduler, hours{2} + seconds{30});
    const auto claims = room.asked("/due");
    ASSERT_EQ(claims.size(), 121U);
    EXPECT_LT(claims.back() - claims.front(), hours{2} + seconds{1});
    EXPECT_GE(claims.back() - claims.front(), hours{2});
}

TEST(SchedulerTime, HeartbeatsKeepTheLeaseBetweenTicks) {
    TimerRoom room;
    runner::Scheduler scheduler(room.services(), {.tick_interval = hours{1}}, {});
    room.pass(scheduler, hours{1});
    EXPECT_GE(room.asked("/heartbeat").size(), 360U);
    EXPECT_TRUE(room.lease.is_held());
}

// Whoever is claimed then could only fail: her tool calls do not leave.
TEST(SchedulerTime, NobodyIsClaimedUnderALeaseThatIsTooShortForAToolCall) {
    TimerRoom room;
    runner::VisitOptions visits;
    visits.tool_limit = seconds{61};  // The lease is 60 s.
    runner::Scheduler scheduler(room.services(), {.tick_interval = minutes{1}}, visits);
    room.pass(scheduler, minutes{10});
    EXPECT_TRUE(room.asked("/due").empty());
    EXPECT_TRUE(room.lease.is_held());
}

TEST(SchedulerTime, PausedTheTimerClaimsNothing) {
    TimerRoom room;
    runner::Scheduler scheduler(room.services(), {.tick_interval = minutes{1}, .paused = true}, {});
    room.pass(scheduler, hours{3});
    EXPECT_TRUE(room.asked("/due").empty());
}

}  // namespace
