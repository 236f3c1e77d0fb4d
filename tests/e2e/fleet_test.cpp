// Three daemons on one PostgreSQL, each hosting auth service and workspace itself. One of them is
// killed every few seconds; some come back at once, some stay away until the others have declared
// their visits lost. PostgreSQL is restarted meanwhile. At any time: no two running visits of one
// persona, no orphan that stays `running` for longer than lease + 10 s after its runner's death, no
// row that lies; at the end everything adds up.
//
// PERSONA_FLEET_SECONDS: for how long (60). PERSONA_FLEET_LEASE: seconds (8, which makes the limit
// 18 s; a day's default of 60 makes it 70 s). PERSONA_FLEET_SEED: of the moments (1).
#include <array>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "runner/config.hpp"
#include "tests/e2e/audit.hpp"
#include "tests/support/temp_database.hpp"

#include "tests/e2e/world.hpp"

namespace {

using std::chrono::seconds;
using FleetClock = std::chrono::steady_clock;

constexpr std::size_t fleet_size = 3;
constexpr std::size_t fleet_personas = 10;
constexpr seconds fleet_reap_slack{10};
constexpr std::chrono::milliseconds fleet_kill_every_min{1'500}, fleet_kill_every_max{4'000};
constexpr std::chrono::milliseconds fleet_look_every{100}, fleet_audit_every{3'000};

std::int64_t fleet_number(const char* variable, std::int64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::stoll(text);
}

// One daemon, alive or not, and what its last death left behind.
struct FleetMember {
    std::unique_ptr<e2e::Daemon> daemon;
    bool alive = false;
    bool ready = false;
    bool stays_away = false;  // Until its orphans are lost.
};

struct FleetFigures {
    int kills = 0, stayed_away = 0, database_restarts = 0, starts_without_database = 0;
    int released = 0;
    std::int64_t orphans = 0;
    double slowest_loss = 0;  // Seconds from a runner's death to `lost`.
    int looks = 0;
};

class Fleet : public testing::Test {
  protected:
    void SetUp() override {
        lease_ = seconds(fleet_number("PERSONA_FLEET_LEASE", 8));
        for (FleetMember& member : members_) {
            member.daemon = std::make_unique<e2e::Daemon>(e2e::joined(
                model_.variables(), {{"DATABASE_URL", database_.app_url().reveal()},
                                     {"DATABASE_OWNER_URL", database_.owner_url().reveal()},
                                     {"DATABASE_OPS_URL", database_.ops_url().reveal()},
                                     {"PERSONA_CONCURRENCY", "4"},
                                     {"LEASE_SECONDS", std::to_string(lease_.count())}}));
        }
        e2e::Daemon& first = *members_[0].daemon;
        first.start();
        ASSERT_FALSE(HasFatalFailure());
        first.seed(fleet_personas);
        audit_.emplace(superuser_);
        audit_->query(
            "create table test.deaths (runner text primary key, at timestamptz not null)");
        for (FleetMember& member : members_) {
            if (&member != &members_[0]) member.daemon->start();
            ASSERT_FALSE(HasFatalFailure());
            member.alive = member.ready = true;
        }
    }

    std::int64_t below(std::int64_t limit) {
        return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_);
    }

    // Kills one, notes when, and lets it come back at once or not before its orphans are lost.
    void kill_one() {
        std::vector<FleetMember*> candidates;
        bool one_is_away = false;
        for (FleetMember& member : members_) {
            if (member.alive && member.ready) candidates.push_back(&member);
            one_is_away = one_is_away || member.stays_away;
        }
        if (candidates.size() < 2) return;  // Somebody has to reap.
        FleetMember& victim = *candidates[static_cast<std::size_t>(below(std::ssize(candidates)))];
        const std::string runner = victim.daemon->status().at("lease").at("runner");
        victim.daemon->kill();
        audit_->query("insert into test.deaths values ($1, clock_timestamp())", {runner});
        victim.alive = victim.ready = false;
        ++figures_.kills;
        victim.stays_away = !one_is_away && below(2) == 0;
        if (victim.stays_away) {
            ++figures_.stayed_away;
        } else {
            launch(victim);
        }
    }

    static void launch(FleetMember& member) {
        member.daemon->launch();
        member.alive = true;
        member.ready = member.stays_away = false;
    }

    // Brings back who has stayed away long enough and gives everybody work.
    void tend() {
        for (FleetMember& member : members_) {
            if (member.stays_away && orphans_waiting() == 0) launch(member);
            if (!member.alive) continue;
            if (!member.daemon->program().is_running()) start_again(member);
            ASSERT_FALSE(HasFatalFailure());
            const bool well = member.daemon->is_well();  // Not while the database is away, say.
            member.ready = member.ready || well;
            if (!well) continue;
            figures_.released += static_cast<int>(member.daemon->release_quarantined());
            if (member.daemon->status().at("tickRunning") == false) {
                member.daemon->start_tick_all();
            }
        }
    }

    // One that found no database when it started is started again, as systemd would; nothing else
    // ends a daemon.
    void start_again(FleetMember& member) {
        ASSERT_FALSE(member.ready) << "it ended by itself\n" << member.daemon->log();
        ASSERT_EQ(member.daemon->program().wait(), runner::exit_unreachable)
            << member.daemon->log();
        ++figures_.starts_without_database;
        launch(member);
    }

    std::int64_t orphans_waiting() {
        return audit_->count(
            "select count(*) from auth.persona_visits v join test.deaths d "
            "on d.runner = v.runner_id where v.status = 'running'");
    }

    void look() {
        ++figures_.looks;
        ASSERT_EQ(audit_->count("select count(*) from (select from auth.persona_visits "
                                "where status = 'running' group by user_id "
                                "having count(*) > 1) as twice"),
                  0);
        const auto late = static_cast<double>((lease_ + fleet_reap_slack).count());
        ASSERT_EQ(audit_->count("select count(*) from auth.persona_visits v join test.deaths d "
                                "on d.runner = v.runner_id where v.status = 'running' and "
                                "d.at < clock_timestamp() - make_interval(secs => $1::float8)",
                                {late}),
                  0)
            << "orphans that nobody declared lost";
    }

    void live_under_fire(seconds span) {
        const auto began = FleetClock::now();
        auto next_kill = began, next_look = began, next_audit = began;
        // Early enough for much to follow; never while nobody is there.
        std::vector<FleetClock::time_point> restarts{began + span / 3, began + span * 2 / 3};
        e2e::eventually(
            [&] {
                const auto now = FleetClock::now();
                if (now >= next_kill) {
                    kill_one();
                    next_kill = now + fleet_kill_every_min +
                                std::chrono::milliseconds(
                                    below((fleet_kill_every_max - fleet_kill_every_min).count()));
                }
                if (!restarts.empty() && now >= restarts.front()) {
                    restarts.erase(restarts.begin());
                    database_.restart();
                    ++figures_.database_restarts;
                }
                if (now >= next_look) {
                    tend();
                    look();
                    next_look = FleetClock::now() + fleet_look_every;
                }
                if (now >= next_audit) {
                    EXPECT_EQ(e2e::told(audit_->at_any_time()), e2e::all_well);
                    next_audit = FleetClock::now() + fleet_audit_every;
                }
                return now >= began + span || HasFailure();
            },
            span + e2e::patience);
    }

    // Everybody back, every record delivered, every visit ended.
    void come_to_rest() {
        for (FleetMember& member : members_) {
            if (!member.alive) launch(member);
            ASSERT_TRUE(member.daemon->await_ready()) << member.daemon->log();
        }
        ASSERT_TRUE(e2e::eventually([&] {
            return audit_->count(
                       "select count(*) from auth.persona_visits "
                       "where status = 'running'") == 0;
        }));
        for (FleetMember& member : members_) {
            ASSERT_TRUE(member.daemon->await_delivery()) << member.daemon->outbox().dump();
            EXPECT_TRUE(e2e::eventually([&] { return member.daemon->outbox_files() == 0; }));
        }
    }

    void report(seconds span) {
        const base::SqlRow row = audit_->query(
            "select count(*) as orphans, coalesce(max(extract(epoch from e.at - d.at)), 0)::float8 "
            "as slowest from test.ends e join auth.persona_visits v on v.tick_id = e.visit "
            "join test.deaths d on d.runner = v.runner_id where e.after = 'lost'")[0];
        figures_.orphans = row.integer("orphans");
        figures_.slowest_loss = row.number("slowest");
        EXPECT_LE(figures_.slowest_loss, static_cast<double>((lease_ + fleet_reap_slack).count()));
        EXPECT_GT(figures_.orphans, 0) << "no kill made an orphan; the fleet proves nothing";
        EXPECT_GT(figures_.stayed_away, 0);
        const e2e::AuditFigures found = audit_->figures();
        const base::Json figures{{"seconds", span.count()},
                                 {"lease", lease_.count()},
                                 {"kills", figures_.kills},
                                 {"stayed_away", figures_.stayed_away},
                                 {"database_restarts", figures_.database_restarts},
                                 {"starts_without_database", figures_.starts_without_database},
                                 {"released", figures_.released},
                                 {"looks", figures_.looks},
                                 {"orphans", figures_.orphans},
                                 {"slowest_loss_s", figures_.slowest_loss},
                                 {"visits", found.visits},
                                 {"lost", found.lost},
                                 {"calls", found.calls},
                                 {"ok", found.ok},
                                 {"error", found.error},
                                 {"never_left", found.never_left},
                                 {"unknown", found.unknown},
                                 {"unknown_committed", found.unknown_committed}};
        std::printf("fleet %s\n", figures.dump().c_str());
        std::fflush(stdout);
    }

    test_support::TempDatabase database_{{}, test_support::ClusterUse::own};
    base::Postgres superuser_{{.url = database_.superuser_url(), .connections_max = 2}};
    e2e::Model model_{std::chrono::milliseconds{2}};
    std::array<FleetMember, fleet_size> members_;
    std::optional<e2e::Audit> audit_;
    std::mt19937_64 random_{static_cast<std::uint64_t>(fleet_number("PERSONA_FLEET_SEED", 1))};
    seconds lease_{};
    FleetFigures figures_;
};

TEST_F(Fleet, OfThreeLosesNothingWhileDaemonsDieAndTheDatabaseRestarts) {
    const seconds span(fleet_number("PERSONA_FLEET_SECONDS", 60));
    live_under_fire(span);
    ASSERT_FALSE(HasFailure());
    EXPECT_EQ(figures_.database_restarts, 2);
    come_to_rest();
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
    report(span);
}

}  // namespace
