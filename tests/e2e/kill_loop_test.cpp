// kill -9 over and over, at seeded random moments that cover everything a daemon does, against a
// PostgreSQL that lives on. After each kill the audit joins what is recorded with what the
// workspace committed (tests/e2e/audit.hpp); at the end nothing waits in any outbox.
//
// Two worlds, each with half of the kills, because each sees what the other cannot:
// - the daemon hosts auth service and workspace itself: their transactions die with it, in the
//   middle of a claim, of a delivery, of a tool call;
// - it is a runner alone and another daemon, never killed, hosts both: calls that were under way
//   are committed after the runner's death, so `unknown` rows with a committed call are common.
//
// PERSONA_KILLS: how many kills in all (100). PERSONA_KILL_SEED: of the moments (1).
#include <poll.h>

#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "base/failure.hpp"

#include "tests/e2e/audit.hpp"
#include "tests/support/temp_database.hpp"

#include "tests/e2e/world.hpp"

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kill_personas = 4;

std::int64_t kill_number(const char* variable, std::int64_t otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::stoll(text);
}

e2e::Variables kill_database(const test_support::TempDatabase& database) {
    return {{"DATABASE_URL", database.app_url().reveal()},
            {"DATABASE_OWNER_URL", database.owner_url().reveal()},
            {"DATABASE_OPS_URL", database.ops_url().reveal()}};
}

// Where a kill strikes: while the daemon starts and recovers, at some moment of a day, or when a
// visit waits for something.
struct KillPlan {
    bool while_starting = false;
    std::string waiting_for;  // Empty: `after` decides alone.
    int tool_calls = 0;       // At least so many made by then.
    milliseconds after{0};    // Since the launch, the day's begin, or since the visit came there.
};

struct KillSpans {
    milliseconds start, day;  // How long either takes when nobody disturbs.
};

class KillPlans {
  public:
    explicit KillPlans(std::uint64_t seed) : random_(seed) {}

    KillPlan next(const KillSpans& spans) {
        static const std::vector<std::string> places{"login", "tools", "model", "tool",
                                                     "disk",  "tool",  "rating"};
        KillPlan plan;
        plan.while_starting = below(6) == 0;
        if (plan.while_starting || below(2) == 0) {
            const milliseconds span = plan.while_starting ? spans.start : spans.day;
            plan.after = milliseconds(below(span.count() + 1));
            return plan;
        }
        plan.waiting_for = places[static_cast<std::size_t>(below(std::ssize(places)))];
        const bool acts = plan.waiting_for != "login" && plan.waiting_for != "tools";
        if (acts) plan.tool_calls = static_cast<int>(below(8));
        plan.after = milliseconds(below(6));
        return plan;
    }

  private:
    std::int64_t below(std::int64_t limit) {
        return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_);
    }
    std::mt19937_64 random_;
};

class KillLoop : public testing::Test {
  protected:
    KillLoop() : superuser_({.url = database_.superuser_url(), .connections_max = 2}) {}

    void prepare(e2e::Daemon& daemon) {
        daemon.start();
        ASSERT_FALSE(HasFatalFailure());
        daemon.seed(kill_personas);
        audit_.emplace(superuser_);
        slow_the_workspace();
    }

    // A call takes a moment before its commit, so that moments within calls are hit as well.
    void slow_the_workspace() {
        audit_->query(R"sql(create function test.dawdle() returns trigger language plpgsql as $$
            begin perform pg_sleep(random() * 0.012); return null; end $$)sql");
        audit_->query(R"sql(create constraint trigger dawdle after insert on workspace.calls
            deferrable initially deferred for each row execute function test.dawdle())sql");
    }

    // One life: start, deliver what the one before left, begin a day; killed at the plan's moment.
    void live_and_die(e2e::Daemon& daemon, const KillPlan& plan) {
        daemon.launch();
        std::string phase = "starting";
        if (plan.while_starting) {
            pause_for(plan.after);
        } else {
            settle(daemon);
            ASSERT_FALSE(HasFatalFailure());
            daemon.start_tick_all();
            phase = await_phase(daemon, plan);
        }
        daemon.kill();
        ++phases_[phase];
        // Rows may still wait on the disk, but none that is here may lie.
        ASSERT_EQ(e2e::told(audit_->at_any_time()), e2e::all_well);
    }

    // What the visits were doing when the moment came, or "over" when they were all through.
    std::string await_phase(e2e::Daemon& daemon, const KillPlan& plan) {
        const auto began = std::chrono::steady_clock::now();
        std::string phase = "claiming";
        e2e::eventually([&] {
            if (plan.waiting_for.empty() &&
                std::chrono::steady_clock::now() >= began + plan.after) {
                return true;
            }
            const base::Json now = daemon.status();
            for (const base::Json& visit : now.at("running")) {
                phase = visit.at("waitingFor");
                if (phase == plan.waiting_for && visit.at("toolCalls") >= plan.tool_calls) {
                    pause_for(plan.after);
                    return true;
                }
            }
            if (!now.at("running").empty() || now.at("tickRunning") == true) return false;
            phase = "over";
            return true;
        });
        return phase;
    }

    // The moment of a kill is the test's input, not something to wait for.
    static void pause_for(milliseconds span) { ::poll(nullptr, 0, static_cast<int>(span.count())); }

    // Ready, everything recorded is delivered, and it adds up.
    void settle(e2e::Daemon& daemon) {
        ASSERT_TRUE(daemon.await_ready()) << daemon.log();
        ASSERT_TRUE(daemon.await_delivery()) << daemon.outbox().dump();
        ASSERT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
        released_ += daemon.release_quarantined();
    }

    void kill_again_and_again(e2e::Daemon& daemon, std::uint64_t world) {
        const std::int64_t kills = std::max<std::int64_t>(1, kill_number("PERSONA_KILLS", 100) / 2);
        const auto seed = static_cast<std::uint64_t>(kill_number("PERSONA_KILL_SEED", 1));
        KillPlans plans(seed * 2 + world);
        const KillSpans spans = undisturbed(daemon);
        const auto began = std::chrono::steady_clock::now();
        for (std::int64_t i = 1; i <= kills; ++i) {
            live_and_die(daemon, plans.next(spans));
            ASSERT_FALSE(HasFatalFailure()) << "at kill " << i;
        }
        daemon.launch();
        settle(daemon);
        ASSERT_FALSE(HasFatalFailure());
        EXPECT_TRUE(e2e::eventually([&] { return daemon.outbox_files() == 0; }));
        EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), kill_personas) << "and life goes on";
        report(kills, std::chrono::steady_clock::now() - began);
    }

    KillSpans undisturbed(e2e::Daemon& daemon) {
        const auto now = [] { return std::chrono::steady_clock::now(); };
        const auto since = [&](auto then) {
            return std::chrono::duration_cast<milliseconds>(now() - then);
        };
        EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), kill_personas);
        EXPECT_EQ(daemon.stop(), 0);
        KillSpans spans{};
        const auto launched = now();
        daemon.start();
        spans.start = since(launched);
        const auto began = now();
        daemon.tick_all();
        spans.day = since(began);
        daemon.kill();
        std::printf("a start takes %ld ms, a day %ld ms\n", static_cast<long>(spans.start.count()),
                    static_cast<long>(spans.day.count()));
        return spans;
    }

    void report(std::int64_t kills, std::chrono::steady_clock::duration took) {
        const e2e::AuditFigures found = audit_->figures();
        base::Json figures{
            {"kills", kills},           {"seconds", std::chrono::duration<double>(took).count()},
            {"phases", phases_},        {"released", released_},
            {"visits", found.visits},   {"lost", found.lost},
            {"calls", found.calls},     {"ok", found.ok},
            {"error", found.error},     {"never_left", found.never_left},
            {"unknown", found.unknown}, {"unknown_committed", found.unknown_committed}};
        std::printf("kill_loop %s\n", figures.dump().c_str());
        std::fflush(stdout);
        if (kills < 20) return;
        EXPECT_GT(found.unknown, 0) << "no kill hit a call; the loop proves nothing";
        EXPECT_GE(phases_.size(), 5U) << "the kills are not spread";
    }

    test_support::TempDatabase database_;
    e2e::Model model_{milliseconds{0}};
    base::Postgres superuser_;
    std::optional<e2e::Audit> audit_;
    std::map<std::string, int> phases_;
    std::size_t released_ = 0;  // Personas held because one slot crashed too often.
};

// The loop is worth as much as its audit: each lie that it looks for is told once.
TEST_F(KillLoop, ItsAuditFindsEachLie) {
    e2e::Daemon daemon(e2e::joined(model_.variables(), kill_database(database_)));
    prepare(daemon);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(daemon.tick_all().at("ranSuccessfully"), kill_personas);
    ASSERT_TRUE(daemon.await_delivery());
    ASSERT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
    EXPECT_EQ(daemon.stop(), 0);
    const auto found_after = [&](std::string_view lie) {
        std::string found;
        try {
            superuser_.transact([&](base::Transaction& transaction) {
                transaction.run(lie);
                found = e2e::in_words(e2e::Audit::look(transaction, e2e::Audit::Depth::delivered));
                throw base::Failure{base::Failure::Kind::conflict, "taken back"};
            });
        } catch (const base::Failure& failure) {
            // Lies are told in a transaction that is rolled back.
            EXPECT_STREQ(failure.what(), "taken back");
        }
        return found;
    };
    using testing::HasSubstr;
    constexpr std::string_view one = "(select min(tick_id) from auth.persona_actions)";
    const auto with_one = [&](const char* text) { return fmt::format(fmt::runtime(text), one); };
    EXPECT_THAT(found_after(with_one("delete from workspace.calls where visit_id = {}")),
                HasSubstr("the workspace committed no such call"));
    EXPECT_THAT(found_after(with_one("update auth.persona_actions set outcome = 'error', result = "
                                     "'error' where outcome = 'ok' and tick_id = {}")),
                HasSubstr("otherwise than the workspace's call"));
    EXPECT_THAT(found_after(with_one("update auth.persona_actions set module = 'unknown' "
                                     "where tick_id = {}")),
                HasSubstr("never left, but the workspace did it"));
    EXPECT_THAT(found_after(with_one("delete from auth.persona_actions where seq = 1 and "
                                     "tick_id = {}")),
                testing::AllOf(HasSubstr("call of the workspace without a row"),
                               HasSubstr("gap in a visit's rows")));
    EXPECT_THAT(found_after(with_one("insert into workspace.calls (user_id, space_id, visit_id, "
                                     "visit_seq, tool, input_hash, outcome, answer, changes) "
                                     "select 'another', space_id, visit_id, visit_seq, tool, "
                                     "input_hash, outcome, answer, changes from workspace.calls "
                                     "where visit_seq = 1 and visit_id = {}")),
                HasSubstr("call done twice"));
    EXPECT_THAT(found_after(with_one("update auth.persona_visits set status = 'lost' "
                                     "where tick_id = {}")),
                HasSubstr("visit ended twice"));
    EXPECT_THAT(found_after(with_one("update auth.persona_visits set status = 'running', "
                                     "ended_at = null where tick_id = {}")),
                HasSubstr("visit still running"));
    EXPECT_THAT(found_after(with_one("delete from test.ends where visit = {}")),
                HasSubstr("visit without its one end"));
    EXPECT_THAT(found_after("update workspace.calls set created_at = '2026-01-01', "
                            "user_id = (select min(user_id) from workspace.calls)"),
                HasSubstr("calls of two visits of one persona overlap"));
    EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well) << "all taken back";
}

TEST_F(KillLoop, OfADaemonThatHostsEverythingLosesAndDoublesNothing) {
    e2e::Daemon daemon(e2e::joined(model_.variables(), kill_database(database_)));
    daemon.environment()["PERSONA_CONCURRENCY"] = std::to_string(kill_personas);
    prepare(daemon);
    ASSERT_FALSE(HasFatalFailure());
    kill_again_and_again(daemon, 0);
}

TEST_F(KillLoop, OfARunnerWhoseServicesLiveOnLosesAndDoublesNothing) {
    e2e::Daemon host(kill_database(database_));
    prepare(host);
    ASSERT_FALSE(HasFatalFailure());
    e2e::Daemon runner(e2e::joined(model_.variables(), {{"MANA_AUTH_URL", host.auth_url()},
                                                        {"MANA_MCP_URL", host.mcp_url()},
                                                        {"PERSONA_KEEP_INPUTS", "true"}}));
    runner.environment()["PERSONA_CONCURRENCY"] = std::to_string(kill_personas);
    runner.start();
    ASSERT_FALSE(HasFatalFailure());
    kill_again_and_again(runner, 1);
}

}  // namespace
