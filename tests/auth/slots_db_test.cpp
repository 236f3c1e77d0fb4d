// Catch-up and the ledger of slots that nobody lived, on a real database.
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "auth/identity/credential.hpp"
#include "auth/personas/slots.hpp"
#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class LedgerTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday - minutes(1)); }

    // "reason attempts slots" of each row, oldest slot first.
    std::vector<std::string> ledger(const std::string& user_id) {
        std::vector<std::string> rows;
        for (const base::SqlRow row :
             sql("select * from auth.skipped_slots where user_id = $1 order by slot", {user_id})) {
            rows.push_back(row.text("reason") + " " + std::to_string(row.integer("attempts")) +
                           " " + std::to_string(row.integer("slots")));
        }
        return rows;
    }
    std::vector<base::Moment> skipped_slots(const std::string& user_id) {
        std::vector<base::Moment> slots;
        for (const base::SqlRow row :
             sql("select slot from auth.skipped_slots where user_id = $1 order by slot", {user_id}))
            slots.push_back(row.moment("slot"));
        return slots;
    }
};

using Rows = std::vector<std::string>;

TEST_F(LedgerTest, after_a_long_stop_one_late_visit_and_the_other_slots_are_missed) {
    const std::string hourly = add_persona("hanna", "hourly");
    const std::string daily = add_persona("dora", "daily");
    const base::Moment back = friday + hours(5) + minutes(10);
    const auto visits = claim(back, "r");
    ASSERT_EQ(visits.size(), 2u);
    for (const auto& visit : visits) EXPECT_EQ(visit.slot, friday);
    EXPECT_EQ(ledger(hourly), Rows(5, "missed 0 1"));
    EXPECT_EQ(skipped_slots(hourly).front(), friday + hours(1));
    EXPECT_EQ(skipped_slots(hourly).back(), friday + hours(5));
    EXPECT_TRUE(ledger(daily).empty());
    EXPECT_EQ(next_due_of(hourly), back + hours(1));
    for (const auto& visit : visits) finish(visit.visit_id, back + minutes(1), finished());
    EXPECT_TRUE(claim(back + minutes(59), "s").empty());  // At most one late visit.
}

TEST_F(LedgerTest, a_weekend_is_no_missed_slot) {
    const std::string user = add_persona("willi", "weekdays");
    EXPECT_EQ(claim(monday + hours(24), "r").size(), 1u);  // Friday's, late.
    EXPECT_EQ(skipped_slots(user), (std::vector<base::Moment>{monday, monday + hours(24)}));
}

TEST_F(LedgerTest, a_slot_whose_attempts_are_used_up_has_one_row) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        EXPECT_TRUE(ledger(user).empty());
        const auto visit = claim(now, "r" + std::to_string(attempt)).at(0);
        finish(visit.visit_id, now + seconds(5), failed());
        finish(visit.visit_id, now + seconds(6), failed());  // The same end again.
        now = next_due_of(user);
    }
    EXPECT_EQ(ledger(user), Rows{"attempts_exhausted 3 1"});
    EXPECT_EQ(skipped_slots(user).at(0), friday);
    // The next slot is one of its own.
    EXPECT_EQ(claim(now, "tomorrow").at(0).attempt, 1);
    EXPECT_EQ(ledger(user).size(), 1u);
}

TEST_F(LedgerTest, a_lived_slot_has_no_row) {
    const std::string finished_user = add_persona("anna");
    const std::string partial_user = add_persona("ben");
    const std::string lost_user = add_persona("carla");
    std::map<std::string, std::string> visit_of;
    for (const auto& visit : claim(friday, "r")) {
        visit_of[visit.persona.user_id] = visit.visit_id;
    }
    finish(visit_of[finished_user], friday + minutes(1), finished());
    store(partial_user, {action(visit_of[partial_user], 1)});
    finish(visit_of[partial_user], friday + minutes(1), failed());
    store(lost_user, {action(visit_of[lost_user], 1)});
    claim(friday + hours(1), "s");
    EXPECT_EQ(status_of(visit_of[lost_user]), "lost");
    EXPECT_EQ(count("select count(*) from auth.skipped_slots"), 0);
}

TEST_F(LedgerTest, a_slot_that_gives_way_to_the_next_one_says_so) {
    const std::string user = add_persona("hanna", "hourly");
    const auto visit = claim(friday, "r").at(0);
    rules_.retry_wait_min = minutes(90);
    finish(visit.visit_id, friday + minutes(9), failed());
    EXPECT_EQ(ledger(user), Rows{"next_slot_first 1 1"});
    EXPECT_EQ(next_due_of(user), friday + hours(1));
}

TEST_F(LedgerTest, a_handed_back_attempt_does_not_count_as_tried) {
    const std::string user = add_persona("hanna", "hourly");
    rules_.visit_max = hours(2);
    const auto visit = claim(friday, "r").at(0);
    catalog::VisitEnd end = failed();
    end.handed_back = true;
    finish(visit.visit_id, friday + hours(1), end);  // Her next slot has come meanwhile.
    EXPECT_EQ(ledger(user), Rows{"next_slot_first 0 1"});
}

TEST_F(LedgerTest, a_retry_that_the_rows_of_a_lost_visit_call_off_leaves_no_row) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    claim(friday + hours(1), "s");
    store(user, {action(visit.visit_id, 1)}, friday + hours(1));
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_TRUE(claim(next_due_of(user), "t").empty());
    EXPECT_TRUE(ledger(user).empty());
}

TEST_F(LedgerTest, rows_that_come_after_the_last_attempt_was_given_up_take_its_row_back) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (const char* request : {"r1", "r2"}) {
        finish(claim(now, request).at(0).visit_id, now + seconds(5), failed());
        now = next_due_of(user);
    }
    const auto last = claim(now, "r3").at(0);
    const base::Moment next = next_due_of(user);
    claim(now + hours(1), "after");  // Its deadline passed.
    EXPECT_EQ(status_of(last.visit_id), "lost");
    EXPECT_EQ(ledger(user), Rows{"attempts_exhausted 3 1"});
    EXPECT_EQ(last_active_of(user), std::nullopt);
    store(user, {action(last.visit_id, 1)}, now + hours(2));
    EXPECT_TRUE(ledger(user).empty());
    EXPECT_EQ(last_active_of(user), last.started_at);
    EXPECT_EQ(next_due_of(user), next);  // Rows never move due-ness.
}

TEST_F(LedgerTest, rows_of_the_attempt_before_make_a_failed_last_one_no_given_up_slot) {
    const std::string user = add_persona("dora");
    finish(claim(friday, "r1").at(0).visit_id, friday + seconds(5), failed());
    base::Moment now = next_due_of(user);
    const auto second = claim(now, "r2").at(0);
    claim(now + hours(1), "after");
    now = next_due_of(user);
    const auto third = claim(now, "r3").at(0);
    store(user, {action(second.visit_id, 1)}, now);  // While the third one runs.
    finish(third.visit_id, now + minutes(1), failed());
    EXPECT_TRUE(ledger(user).empty());
    EXPECT_EQ(last_active_of(user), second.started_at);
    EXPECT_GT(next_due_of(user), now + hours(20));
}

TEST_F(LedgerTest, a_late_retry_serves_its_slot_and_the_following_ones_are_missed_once) {
    const std::string user = add_persona("hanna", "hourly");
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), failed());
    // A stop of three hours while the second attempt waits.
    const base::Moment back = friday + hours(3) + minutes(5);
    const auto second = claim(back, "s").at(0);
    EXPECT_EQ(second.attempt, 2);
    EXPECT_EQ(second.slot, friday);
    EXPECT_EQ(ledger(user), Rows(3, "missed 0 1"));
    EXPECT_EQ(skipped_slots(user).front(), friday + hours(1));
    finish(second.visit_id, back + minutes(1), failed());
    const auto third = claim(next_due_of(user), "t").at(0);
    EXPECT_EQ(third.attempt, 3);
    EXPECT_EQ(third.slot, friday);
    EXPECT_EQ(ledger(user).size(), 3u);
    finish(third.visit_id, third.started_at + minutes(1), failed());
    Rows expected{"attempts_exhausted 3 1"};
    expected.insert(expected.end(), 3, "missed 0 1");
    EXPECT_EQ(ledger(user), expected);
}

TEST_F(LedgerTest, a_changed_cadence_gives_up_the_slot_that_waits_for_its_retry) {
    const std::string user = add_persona("dora");
    finish(claim(friday, "r").at(0).visit_id, friday + seconds(1), failed());
    auth::Passwords passwords({.parallel_max = 1, .waiting_max = 1});
    auth::Personas personas(database_, rules_);
    const auto upsert = [&](catalog::Cadence cadence) {
        personas.upsert({.persona = {.email = "persona.dora@mana.test",
                                     .name = "dora",
                                     .archetype = "tester",
                                     .system_prompt = "You are a tester.",
                                     .cadence = cadence},
                         .password = base::Secret("Aa-123456789")},
                        passwords, friday + seconds(2));
    };
    upsert(catalog::Cadence::daily);
    EXPECT_TRUE(ledger(user).empty());
    upsert(catalog::Cadence::hourly);
    EXPECT_EQ(ledger(user), Rows{"cadence_changed 1 1"});
    EXPECT_EQ(claim(friday + seconds(3), "s").at(0).attempt, 1);
}

TEST_F(LedgerTest, a_pass_over_everybody_skips_no_slot_that_is_still_to_come) {
    const std::string user = add_persona("dora");
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), finished());
    EXPECT_EQ(claim(friday + hours(5), "all", 10, true).size(), 1u);
    EXPECT_TRUE(ledger(user).empty());
    EXPECT_EQ(next_due_of(user), friday + hours(29));
}

TEST_F(LedgerTest, two_rows_for_one_persona_and_slot_are_refused_by_the_table) {
    const std::string user = add_persona("dora");
    const auto write = [&](const std::string& reason) {
        database_.transact([&](base::Transaction& transaction) {
            auth::skip_slots(transaction, {{.user_id = user, .slot = friday, .reason = reason}},
                             friday);
        });
    };
    write("missed");
    write("paused");
    EXPECT_EQ(ledger(user), Rows{"missed 0 1"});
    EXPECT_THROW(sql(R"(insert into auth.skipped_slots
        (user_id, slot, slots, reason, attempts, given_up_at)
        select user_id, slot, 1, 'missed', 0, now() from auth.skipped_slots)"),
                 base::Failure);
}

TEST_F(LedgerTest, daemons_that_claim_after_a_stop_at_once_write_each_slot_once) {
    for (int i = 0; i < 30; ++i) add_persona("p" + std::to_string(i), "hourly");
    const base::Moment back = friday + hours(4) + minutes(1);
    for (const bool everybody : {false, true}) {
        const base::Moment now = everybody ? back + hours(4) : back;
        std::vector<std::thread> daemons;
        for (int i = 0; i < 4; ++i) {
            daemons.emplace_back([&, i] {
                auth::Visits visits(database_, rules_);
                for (int round = 0; round < 5; ++round) {
                    visits.claim({.runner_id = "runner",
                                  .request_id = std::to_string(i) + "-" + std::to_string(round) +
                                                (everybody ? "all" : "due"),
                                  .limit = 5,
                                  .everybody = everybody},
                                 now);
                }
            });
        }
        for (std::thread& daemon : daemons) daemon.join();
        claim(now, everybody ? "rest-all" : "rest", 1000, everybody);
        EXPECT_EQ(count("select count(*) from auth.persona_visits where status = 'running'"), 30);
        sql("update auth.persona_visits set status = 'finished', ended_at = now()");
    }
    // Four slots of the first stop, then those of the second: the late visit served one of four.
    EXPECT_EQ(count("select count(*) from auth.skipped_slots where reason <> 'missed'"), 0);
    EXPECT_EQ(count("select count(*) from auth.skipped_slots"), 30 * (4 + 3));
}

TEST_F(LedgerTest, a_spread_delays_a_seeded_persona_and_is_carried_on) {
    rules_.spread = minutes(30);
    auth::Passwords passwords({.parallel_max = 1, .waiting_max = 1});
    auth::Personas personas(database_, rules_);
    const std::string email = "persona.anna@mana.test";
    const std::string user = personas
                                 .upsert({.persona = {.email = email,
                                                      .name = "anna",
                                                      .archetype = "tester",
                                                      .system_prompt = "You are a tester.",
                                                      .cadence = catalog::Cadence::daily},
                                          .password = base::Secret("Aa-123456789")},
                                         passwords, friday)
                                 .user_id;
    const auto delay = auth::start_delay(email, rules_.spread);
    ASSERT_GT(delay, seconds(1));
    EXPECT_TRUE(claim(friday + delay - seconds(1), "early").empty());
    const base::Moment start = friday + delay;
    finish(claim(start, "r").at(0).visit_id, start + minutes(9), finished());
    EXPECT_EQ(next_due_of(user), start + hours(24));
}

}  // namespace
}  // namespace tests
