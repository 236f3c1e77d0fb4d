// Claim, finish and reap on a real database: the invariants of a visit, with tests that try to
// break them.
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Outcome = auth::FinishAnswer::Outcome;

class VisitsTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday - minutes(1)); }
};

// auth-api-doubts B10
TEST_F(VisitsTest, two_claimers_never_get_the_same_persona) {
    constexpr int personas = 40;
    constexpr int claimers = 6;
    for (int i = 0; i < personas; ++i) add_persona("p" + std::to_string(i));
    for (const bool everybody : {false, true}) {
        const base::Moment now = everybody ? friday + hours(2) : friday;
        std::vector<std::vector<auth::ClaimedVisit>> got(claimers);
        std::vector<std::thread> threads;
        for (int i = 0; i < claimers; ++i) {
            threads.emplace_back([&, i] {
                auth::Visits visits(database_, rules_);
                for (int round = 0; round < 5; ++round) {
                    const auto some = visits.claim(
                        {.runner_id = "runner",
                         .request_id = "r" + std::to_string(i) + "-" + std::to_string(round) +
                                       (everybody ? "all" : "due"),
                         .limit = 4,
                         .everybody = everybody},
                        now);
                    if (some) got[i].insert(got[i].end(), some->begin(), some->end());
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        std::set<std::string> users;
        std::size_t visits = 0;
        for (const auto& some : got) {
            visits += some.size();
            for (const auto& visit : some) users.insert(visit.persona.user_id);
        }
        EXPECT_EQ(visits, users.size());
        EXPECT_EQ(count("select count(*) from auth.persona_visits where status = 'running'"),
                  static_cast<std::int64_t>(visits));
        // Claimers that met may each have come away with less; what is left is still there.
        const auto rest = claim(now, everybody ? "rest-all" : "rest-due", 1000, everybody);
        EXPECT_EQ(visits + rest.size(), static_cast<std::size_t>(personas));
        sql("update auth.persona_visits set status = 'finished', ended_at = now()");
    }
}

TEST_F(VisitsTest, the_same_request_gets_the_same_visits) {
    add_persona("anna");
    add_persona("ben");
    const auto first = claim(friday, "request", 1);
    const auto again = claim(friday + seconds(5), "request", 1);
    ASSERT_EQ(first.size(), 1u);
    ASSERT_EQ(again.size(), 1u);
    EXPECT_EQ(first[0].visit_id, again[0].visit_id);
    EXPECT_EQ(first[0].deadline, friday + minutes(10));
    EXPECT_EQ(again[0].deadline, first[0].deadline);
    EXPECT_EQ(again[0].persona, first[0].persona);
    EXPECT_EQ(claim(friday, "other").size(), 1u);
    // An empty answer is remembered too: the repeated request must not start visits later.
    EXPECT_TRUE(claim(friday, "empty").empty());
    add_persona("carla");
    EXPECT_TRUE(claim(friday, "empty").empty());
}

TEST_F(VisitsTest, the_same_request_at_the_same_time_gets_the_same_visits) {
    for (int i = 0; i < 6; ++i) add_persona("p" + std::to_string(i));
    std::vector<std::vector<std::string>> got(4);
    std::vector<std::thread> threads;
    for (auto& ids : got) {
        threads.emplace_back([&] {
            auth::Visits visits(database_, rules_);
            const auto some =
                visits.claim({.runner_id = "runner", .request_id = "one", .limit = 3}, friday);
            for (const auto& visit : some.value()) ids.push_back(visit.visit_id);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(got[0].size(), 3u);
    for (const auto& ids : got) EXPECT_EQ(ids, got[0]);
}

TEST_F(VisitsTest, old_claims_are_forgotten) {
    claim(friday, "old");
    claim(friday + hours(2), "new");
    EXPECT_EQ(count("select count(*) from auth.claims"), 1);
}

TEST_F(VisitsTest, claiming_moves_to_the_next_slot_without_drift) {
    const std::string hourly = add_persona("hanna", "hourly");
    const std::string daily = add_persona("dora", "daily");
    const std::string weekdays = add_persona("willi", "weekdays");
    ASSERT_EQ(claim(friday + minutes(7), "r").size(), 3u);
    const base::Moment started = friday + minutes(7);
    EXPECT_EQ(next_due_of(hourly), started + hours(1));
    EXPECT_EQ(next_due_of(daily), started + hours(24));
    EXPECT_EQ(next_due_of(weekdays), started + hours(72));  // Saturday moves to Monday.
}

TEST_F(VisitsTest, on_a_saturday_weekdays_personas_stay_at_home_in_both_forms_of_due) {
    add_persona("dora", "daily");
    add_persona("willi", "weekdays");  // Overdue since Friday.
    const auto visits = claim(saturday, "r");
    ASSERT_EQ(visits.size(), 1u);
    EXPECT_EQ(visits[0].persona.name, "dora");
    sql("update auth.persona_visits set status = 'finished', ended_at = now()");
    auth::Personas personas(database_, rules_);
    const auto due = personas.due(saturday);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].name, "dora");
    // The demo takes everybody, whatever her cadence and whatever the day.
    EXPECT_EQ(claim(saturday + minutes(1), "all", 100, true).size(), 2u);
}

TEST_F(VisitsTest, weekends_are_those_of_the_configured_zone) {
    add_persona("willi", "weekdays");
    rules_.zone = "Pacific/Auckland";  // Friday noon UTC is Saturday there.
    EXPECT_TRUE(claim(friday + hours(3), "r").empty());
    rules_.zone = "UTC";
    EXPECT_EQ(claim(friday + hours(3), "s").size(), 1u);
}

// auth-api-doubts B11
TEST_F(VisitsTest, a_long_visit_does_not_make_the_next_day_later) {
    const std::string user = add_persona("dora", "daily");
    const auto visit = claim(friday, "r").at(0);
    finish(visit.visit_id, friday + minutes(9), finished());
    EXPECT_EQ(next_due_of(user), friday + hours(24));
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_TRUE(claim(friday + hours(24) - seconds(1), "early").empty());
    auth::Personas personas(database_, rules_);
    EXPECT_TRUE(personas.due(friday + hours(24) - seconds(1)).empty());
    EXPECT_EQ(personas.due(friday + hours(24)).size(), 1u);
    EXPECT_EQ(claim(friday + hours(24), "in time").size(), 1u);
}

// auth-api-doubts B9
TEST_F(VisitsTest, an_empty_visit_is_a_day_as_well) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(1), finished()).outcome, Outcome::applied);
    EXPECT_EQ(status_of(visit.visit_id), "finished");
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_TRUE(claim(friday + minutes(2), "s").empty());
    auth::Personas personas(database_, rules_);
    EXPECT_TRUE(personas.due(friday + minutes(2)).empty());
}

TEST_F(VisitsTest, a_visiting_persona_is_due_in_no_form) {
    add_persona("hanna", "hourly");
    EXPECT_EQ(claim(friday, "r").size(), 1u);
    auth::Personas personas(database_, rules_);
    EXPECT_TRUE(personas.due(friday).empty());
    EXPECT_TRUE(claim(friday, "all", 100, true).empty());
    EXPECT_THROW(sql(R"(insert into auth.persona_visits (tick_id, user_id, runner_id, request_id,
        attempt, slot, started_at, deadline)
        select 'second', user_id, 'x', 'x', 1, now(), now(), now() from auth.personas)"),
                 base::Failure);
}

TEST_F(VisitsTest, three_attempts_per_slot_each_after_a_bounded_wait) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        const auto visits = claim(now, "r" + std::to_string(attempt));
        ASSERT_EQ(visits.size(), 1u) << attempt;
        EXPECT_EQ(visits[0].attempt, attempt);
        EXPECT_EQ(visits[0].slot, friday);
        const base::Moment ended = now + minutes(1);
        finish(visits[0].visit_id, ended, failed());
        EXPECT_EQ(status_of(visits[0].visit_id), "failed");
        EXPECT_EQ(last_active_of(user), std::nullopt);
        // Invariant: a failed visit never makes her due again at once.
        EXPECT_TRUE(claim(ended, "at once" + std::to_string(attempt)).empty());
        const base::Moment next = next_due_of(user);
        if (attempt < 3) {
            EXPECT_GE(next, ended + rules_.retry_wait_min);
            EXPECT_LE(next, ended + rules_.retry_wait_base * (1 << (attempt - 1)));
        } else {
            EXPECT_EQ(next, visits[0].started_at + hours(24));
        }
        now = next;
    }
    const auto tomorrow = claim(now, "tomorrow");
    ASSERT_EQ(tomorrow.size(), 1u);
    EXPECT_EQ(tomorrow[0].attempt, 1);
    EXPECT_EQ(tomorrow[0].slot, now);
}

TEST_F(VisitsTest, a_visit_handed_back_without_rows_is_due_at_once_as_the_same_attempt) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    catalog::VisitEnd handed_back = failed();
    handed_back.handed_back = true;
    for (const int attempt : {1, 1, 1, 1}) {
        const auto visit = claim(now, "first" + base::to_iso(now)).at(0);
        EXPECT_EQ(visit.attempt, attempt);
        EXPECT_EQ(visit.slot, friday);
        now += minutes(1);
        EXPECT_EQ(finish(visit.visit_id, now, handed_back).outcome, Outcome::applied);
        EXPECT_EQ(status_of(visit.visit_id), "failed");
        EXPECT_EQ(next_due_of(user), now);
        EXPECT_EQ(last_active_of(user), std::nullopt);
    }
    // A failed attempt counts, one handed back after it does not.
    finish(claim(now, "fails").at(0).visit_id, now, failed());
    now = next_due_of(user);
    for (const int attempt : {2, 2}) {
        const auto visit = claim(now, "second" + base::to_iso(now)).at(0);
        EXPECT_EQ(visit.attempt, attempt);
        now += minutes(1);
        finish(visit.visit_id, now, handed_back);
    }
    EXPECT_EQ(count("select count(*) from auth.persona_visits where handed_back"), 6);
}

// Her money of the day is used up.
TEST_F(VisitsTest, a_visit_handed_back_until_later_is_the_same_attempt_then) {
    const std::string user = add_persona("dora");
    catalog::VisitEnd unpaid = failed();
    unpaid.handed_back = true;
    unpaid.not_before = friday + hours(15);
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), unpaid);
    EXPECT_EQ(next_due_of(user), friday + hours(15));
    EXPECT_TRUE(claim(friday + hours(14), "early").empty());
    const auto next = claim(friday + hours(15), "s").at(0);
    EXPECT_EQ(next.attempt, 1);
    EXPECT_EQ(next.slot, friday);
}

TEST_F(VisitsTest, a_slot_whose_money_comes_after_the_next_slot_is_given_up) {
    const std::string user = add_persona("dora", "hourly");
    catalog::VisitEnd unpaid = failed();
    unpaid.handed_back = true;
    unpaid.not_before = friday + hours(15);
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), unpaid);
    EXPECT_EQ(next_due_of(user), friday + hours(1));
    const auto ledger = sql("select slot, reason, attempts from auth.skipped_slots")[0];
    EXPECT_EQ(ledger.moment("slot"), friday);
    EXPECT_EQ(ledger.text("reason"), "budget");
    EXPECT_EQ(ledger.integer("attempts"), 0);
}

TEST_F(VisitsTest, the_same_handing_back_again_does_not_move_her_schedule) {
    const std::string user = add_persona("dora");
    catalog::VisitEnd handed_back = failed();
    handed_back.handed_back = true;
    const auto visit = claim(friday, "r").at(0);
    finish(visit.visit_id, friday + minutes(1), handed_back);
    const auto next = claim(friday + minutes(2), "s").at(0);
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(3), handed_back).outcome, Outcome::applied);
    EXPECT_EQ(next_due_of(user), friday + minutes(2) + hours(24));
    EXPECT_EQ(status_of(next.visit_id), "running");
}

TEST_F(VisitsTest, a_visit_handed_back_with_rows_is_partial_and_was_her_day) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    store(user, {action(visit.visit_id, 1)});
    catalog::VisitEnd handed_back = failed();
    handed_back.actions = 1;
    handed_back.handed_back = true;
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(1), handed_back).outcome, Outcome::applied);
    EXPECT_EQ(status_of(visit.visit_id), "partial");
    EXPECT_EQ(next_due_of(user), friday + hours(24));
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_EQ(count("select count(*) from auth.persona_visits where handed_back"), 0);
}

TEST_F(VisitsTest, a_retry_never_passes_the_next_slot) {
    const std::string user = add_persona("hanna", "hourly");
    const auto visit = claim(friday, "r").at(0);
    // The end is learned late; the next slot is nearer than any wait.
    rules_.retry_wait_min = minutes(90);
    finish(visit.visit_id, friday + minutes(9), failed());
    EXPECT_EQ(next_due_of(user), friday + hours(1));
    EXPECT_EQ(claim(friday + hours(1), "s").at(0).attempt, 1);
}

TEST_F(VisitsTest, a_failed_visit_that_acted_is_partial_and_was_her_day) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    store(user, {action(visit.visit_id, 1)});
    catalog::VisitEnd end = failed();
    end.actions = 1;
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(1), end).outcome, Outcome::applied);
    EXPECT_EQ(status_of(visit.visit_id), "partial");
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_EQ(next_due_of(user), friday + hours(24));
}

TEST_F(VisitsTest, a_partial_visit_without_rows_failed) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    catalog::VisitEnd end = failed();
    end.status = catalog::VisitEnd::Status::partial;
    finish(visit.visit_id, friday + minutes(1), end);
    EXPECT_EQ(status_of(visit.visit_id), "failed");
    EXPECT_LT(next_due_of(user), friday + hours(1));
}

TEST_F(VisitsTest, an_end_without_its_rows_is_incomplete) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    store(user, {action(visit.visit_id, 1)});
    catalog::VisitEnd end = finished();
    end.actions = 3;
    end.ratings = 1;
    const auto answer = finish(visit.visit_id, friday + minutes(1), end);
    EXPECT_EQ(answer.outcome, Outcome::incomplete);
    EXPECT_EQ(answer.actions_missing, 2);
    EXPECT_EQ(answer.ratings_missing, 1);
    EXPECT_EQ(status_of(visit.visit_id), "running");
    store(user, {action(visit.visit_id, 2), action(visit.visit_id, 3)});
    store(user, {rating(visit.visit_id, "todo", 4)});
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(2), end).outcome, Outcome::applied);
}

TEST_F(VisitsTest, the_same_end_again_is_applied_and_another_one_is_not) {
    add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    catalog::VisitEnd end = finished();
    end.turns = 7;
    end.tokens = {.input = 10, .output = 20, .cache_write = 30, .cache_read = 40};
    end.cost_usd = 0.125;
    end.model = "model";
    end.product_name = "workspace";
    end.product_version = "1";
    end.summary = "A day.";
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(1), end).outcome, Outcome::applied);
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(2), end).outcome, Outcome::applied);
    catalog::VisitEnd other = end;
    other.turns = 8;
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(3), other).outcome, Outcome::differing);
    const auto row =
        sql("select * from auth.persona_visits where tick_id = $1", {visit.visit_id})[0];
    EXPECT_EQ(row.integer("turns"), 7);
    EXPECT_EQ(row.moment("ended_at"), friday + minutes(1));
    EXPECT_EQ(row.integer("tokens_cache_read"), 40);
    EXPECT_EQ(row.number("cost_usd"), 0.125);
    EXPECT_EQ(row.text("product_name"), "workspace");
    EXPECT_EQ(finish("nobody", friday, end).outcome, Outcome::missing);
}

TEST_F(VisitsTest, limit_is_kept_and_the_longest_due_come_first) {
    add_persona("late", "daily", friday - hours(1));
    add_persona("later", "daily", friday - minutes(1));
    add_persona("latest", "daily", friday - hours(2));
    const auto visits = claim(friday, "r", 2);
    ASSERT_EQ(visits.size(), 2u);
    EXPECT_EQ(visits[0].persona.name, "latest");
    EXPECT_EQ(visits[1].persona.name, "late");
}

TEST_F(VisitsTest, a_pass_over_everybody_takes_each_of_them_once) {
    add_persona("anna");
    add_persona("ben");
    const auto first = claim(friday, "r", 1, true).at(0);
    finish(first.visit_id, friday + seconds(5), finished());
    const auto rest = claim(friday + seconds(6), "s", 10, true, "runner", friday);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_NE(rest[0].persona.user_id, first.persona.user_id);
    finish(rest[0].visit_id, friday + seconds(7), finished());
    EXPECT_TRUE(claim(friday + seconds(8), "t", 10, true, "runner", friday).empty());
    EXPECT_EQ(claim(friday + seconds(9), "u", 10, true).size(), 2u);
}

TEST_F(VisitsTest, deleted_users_are_never_claimed) {
    const std::string user = add_persona("gone");
    sql("update auth.users set deleted_at = now() where id = $1", {user});
    EXPECT_TRUE(claim(friday, "r").empty());
    EXPECT_TRUE(claim(friday, "s", 10, true).empty());
    auth::Personas personas(database_, rules_);
    EXPECT_TRUE(personas.due(friday).empty());
}

// Claiming walks an index, so the number of personas who are not due does not matter.
TEST_F(VisitsTest, the_claim_reads_an_index) {
    sql(R"(insert into auth.users (id, name, email, kind)
        select 'u' || i, 'n', 'u' || i || '@mana.test', 'persona'
        from generate_series(1, 20000) i)");
    sql(R"(insert into auth.personas (user_id, archetype, system_prompt, module_mix, next_due_at)
        select 'u' || i, 'a', 's', '{}', '2030-01-01' from generate_series(1, 20000) i)");
    add_persona("dora");
    sql("analyze auth.personas");
    sql("analyze auth.users");
    // One connection only: a session flushes its own statistics, and only its own.
    base::Postgres single({.url = temp_.app_url(), .connections_max = 1});
    const auto table_scans = [&] {
        single.transact([](base::Transaction& transaction) {
            transaction.run("select pg_stat_force_next_flush()");
        });
        return single.transact([](base::Transaction& transaction) {
            return transaction
                .run(R"(select seq_scan from pg_stat_user_tables
                where schemaname = 'auth' and relname = 'personas')")[0]
                .integer("seq_scan");
        });
    };
    auth::Visits visits(single, rules_);
    for (const base::Moment now : {friday, saturday}) {
        const std::int64_t before = table_scans();
        const auto claimed = visits.claim(
            {.runner_id = "runner", .request_id = base::to_iso(now), .limit = 10}, now);
        EXPECT_EQ(claimed.value().size(), 1u);
        EXPECT_EQ(table_scans(), before);
        sql("update auth.persona_visits set status = 'finished', ended_at = now()");
    }
}

// A catalog is seeded at once: everybody is due at the same moment.
TEST_F(VisitsTest, the_claim_reads_no_more_personas_than_it_takes) {
    sql(R"(insert into auth.users (id, name, email, kind)
        select 'u' || i, 'n', 'u' || i || '@mana.test', 'persona'
        from generate_series(1, 20000) i)");
    sql(R"(insert into auth.personas (user_id, archetype, system_prompt, module_mix, next_due_at)
        select 'u' || i, 'a', 's', '{}', $1::timestamptz from generate_series(1, 20000) i)",
        {friday});
    sql("analyze auth.personas");
    sql("analyze auth.users");
    // One connection only: a session flushes its own statistics, and only its own.
    base::Postgres single({.url = temp_.app_url(), .connections_max = 1});
    const auto rows_read = [&] {
        single.transact([](base::Transaction& transaction) {
            transaction.run("select pg_stat_force_next_flush()");
        });
        return single.transact([](base::Transaction& transaction) {
            return transaction
                .run(R"(select seq_tup_read + idx_tup_fetch as n from pg_stat_user_tables
                where schemaname = 'auth' and relname = 'personas')")[0]
                .integer("n");
        });
    };
    auth::Visits visits(single, rules_);
    for (const bool everybody : {false, true}) {
        const std::int64_t before = rows_read();
        const auto claimed = visits.claim({.runner_id = "runner",
                                           .request_id = everybody ? "all" : "due",
                                           .limit = 10,
                                           .everybody = everybody},
                                          friday);
        EXPECT_EQ(claimed.value().size(), 10u);
        EXPECT_LT(rows_read() - before, 200);
    }
}

// A claim costs what it takes, not what there is: it walks its index and reads no table. The
// figures at a thousand to a million personas are those of scripts/bench.
class ClaimPlanTest : public PersonaTest {
  protected:
    static constexpr int many = 150'000;  // So few as 20,000 are read faster than looked up.
    static constexpr int due = 300;

    void SetUp() override {
        keep_alive("runner", friday);
        sql(R"(
insert into auth.users (id, name, email, email_verified, role, access_tier, kind, created_at,
    updated_at)
select 'u' || i, 'p' || i, 'persona.p' || i || '@mana.test', true, 'user', 'founder', 'persona',
    $1::timestamptz, $1::timestamptz
from generate_series(1, $2::integer) i)",
            {friday, many});
        sql(R"(
insert into auth.personas (user_id, archetype, system_prompt, module_mix, tick_cadence, created_at,
    next_due_at)
select 'u' || i, 'tester', 'You are a tester.', '{"todo":1}',
    case i % 3 when 0 then 'hourly' when 1 then 'daily' else 'weekdays' end, $1::timestamptz,
    $1::timestamptz + case when i <= $3::integer then -i else i end * interval '1 second'
from generate_series(1, $2::integer) i)",
            {friday, many, due});
        sql("analyze auth.users");
        sql("analyze auth.personas");
        sql("analyze auth.persona_visits");
    }

    struct Reads {
        std::int64_t scanned = 0, fetched = 0;
    };
    Reads reads() {
        database_.transact([](base::Transaction& transaction) {
            transaction.run("select pg_stat_force_next_flush()");
        });
        const base::SqlRow row = sql(
            "select coalesce(seq_tup_read, 0) as scanned, coalesce(idx_tup_fetch, 0) as fetched "
            "from pg_stat_user_tables where schemaname = 'auth' and relname = 'personas'")[0];
        return {row.integer("scanned"), row.integer("fetched")};
    }
    void expect_walks_its_index(bool everybody) {
        const Reads before = reads();
        EXPECT_EQ(claim(friday, everybody ? "all" : "due", 100, everybody).size(), 100U);
        const Reads after = reads();
        EXPECT_EQ(after.scanned, before.scanned) << "rows of the table were read one by one";
        EXPECT_GE(after.fetched - before.fetched, 100) << "the statistics have not arrived";
        EXPECT_LE(after.fetched - before.fetched, 1'500);
    }
};

TEST_F(ClaimPlanTest, walks_the_index_of_due_times) {
    expect_walks_its_index(false);
    expect_walks_its_index(true);  // Everybody, due or not.
}

}  // namespace
}  // namespace tests
