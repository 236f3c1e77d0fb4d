// Pauses and quarantines on a real database: whom no claim takes, and what becomes of their slots.
#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "auth/personas/holds.hpp"
#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using catalog::Whom;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Scope = catalog::Whom::Scope;

class HoldsTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday - minutes(1)); }

    static Whom her(const std::string& name) {
        return {Scope::persona, "persona." + name + "@mana.test"};
    }
    void set_archetype(const std::string& user_id, const std::string& archetype) {
        sql("update auth.personas set archetype = $2 where user_id = $1", {user_id, archetype});
    }
    std::vector<std::string> claimed_names(base::Moment now, const std::string& request_id,
                                           bool everybody = false) {
        std::vector<std::string> names;
        for (const auto& visit : claim(now, request_id, 100, everybody))
            names.push_back(visit.persona.name);
        std::sort(names.begin(), names.end());
        return names;
    }
    std::vector<std::string> reasons_of(const std::string& user_id) {
        std::vector<std::string> reasons;
        for (const base::SqlRow row :
             sql("select reason from auth.skipped_slots where user_id = $1 order by slot",
                 {user_id}))
            reasons.push_back(row.text("reason"));
        return reasons;
    }
    base::Failure failure_of(const std::function<void()>& call) {
        try {
            call();
        } catch (const base::Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "nothing was refused";
        return {base::Failure::Kind::internal, "none"};
    }
    // Her visit is claimed by a runner that dies at once; answers when that was noticed.
    base::Moment crash(base::Moment now, const std::string& name) {
        keep_alive(name, now, seconds(60));
        EXPECT_EQ(claim(now, "claim-" + name, 1, false, name).size(), 1u);
        const base::Moment noticed = now + seconds(61);
        keep_alive("runner", noticed);
        return noticed;
    }

    auth::Holds holds_{database_};
};

using Names = std::vector<std::string>;

TEST_F(HoldsTest, nobody_paused_is_claimed_by_any_form_of_claim) {
    set_archetype(add_persona("anna"), "manager");
    set_archetype(add_persona("ben"), "student");
    set_archetype(add_persona("carla"), "student");
    holds_.pause({Scope::all}, friday);
    EXPECT_TRUE(claimed_names(friday, "a").empty());
    EXPECT_TRUE(claimed_names(friday, "b", true).empty());
    EXPECT_TRUE(auth::Personas(database_, rules_).due(friday).empty());
    holds_.resume({Scope::all}, friday);

    holds_.pause({Scope::archetype, "student"}, friday);
    EXPECT_EQ(auth::Personas(database_, rules_).due(friday).size(), 1u);
    holds_.pause(her("anna"), friday);
    EXPECT_TRUE(claimed_names(friday, "c", true).empty());
    holds_.resume(her("anna"), friday);
    EXPECT_EQ(claimed_names(friday, "d"), Names{"anna"});
    holds_.resume({Scope::archetype, "student"}, friday);
    EXPECT_EQ(claimed_names(friday, "e", true), (Names{"ben", "carla"}));
}

TEST_F(HoldsTest, a_running_visit_goes_on_through_a_pause) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    holds_.pause(her("dora"), friday + seconds(1));
    holds_.pause({Scope::all}, friday + seconds(1));
    keep_alive("runner", friday + minutes(2));
    store(user, {action(visit.visit_id, 1)});
    EXPECT_EQ(finish(visit.visit_id, friday + minutes(3), finished()).outcome,
              auth::FinishAnswer::Outcome::applied);
    EXPECT_EQ(last_active_of(user), friday);
    EXPECT_TRUE(reasons_of(user).empty());
}

TEST_F(HoldsTest, slots_of_a_pause_are_given_up_as_paused_and_others_as_missed) {
    const std::string user = add_persona("hanna", "hourly");
    // Claims run until 9:30, then a pause until 12:30, then a stop until 15:10.
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), finished());
    holds_.pause(her("hanna"), friday + minutes(30));
    EXPECT_TRUE(claim(friday + hours(2), "paused").empty());
    holds_.resume(her("hanna"), friday + hours(3) + minutes(30));
    const auto late = claim(friday + hours(6) + minutes(10), "late").at(0);
    EXPECT_EQ(late.slot, friday + hours(1));
    EXPECT_EQ(reasons_of(user), (Names{"paused", "paused", "missed", "missed", "missed"}));
}

TEST_F(HoldsTest, a_pause_of_everybody_or_an_archetype_explains_slots_as_well) {
    const std::string anna = add_persona("anna", "hourly");
    const std::string ben = add_persona("ben", "hourly");
    set_archetype(ben, "student");
    holds_.pause({Scope::archetype, "student"}, friday - minutes(1));
    finish(claim(friday, "r").at(0).visit_id, friday + minutes(1), finished());
    holds_.resume({Scope::archetype, "student"}, friday + hours(1) + minutes(30));
    holds_.pause({Scope::all}, friday + hours(1) + minutes(30));
    holds_.resume({Scope::all}, friday + hours(2) + minutes(30));
    EXPECT_EQ(claim(friday + hours(2) + minutes(31), "s").size(), 2u);
    EXPECT_EQ(reasons_of(anna), Names{"paused"});  // 11:00; 10:00 is served late.
    EXPECT_EQ(reasons_of(ben), (Names{"paused", "paused"}));
}

TEST_F(HoldsTest, pausing_twice_keeps_the_first_and_resuming_twice_is_refused) {
    add_persona("dora");
    const auto first = holds_.pause(her("dora"), friday);
    EXPECT_TRUE(first.changed);
    const auto second = holds_.pause(her("dora"), friday + hours(1));
    EXPECT_FALSE(second.changed);
    EXPECT_EQ(second.since, friday);
    holds_.resume(her("dora"), friday + hours(2));
    const auto refused = failure_of([&] { holds_.resume(her("dora"), friday + hours(2)); });
    EXPECT_EQ(refused.code(), "NOT_PAUSED");
    EXPECT_TRUE(holds_.pause(her("dora"), friday + hours(3)).changed);
    EXPECT_EQ(count("select count(*) from auth.holds"), 2);
}

TEST_F(HoldsTest, pausing_at_the_same_time_is_one_pause) {
    add_persona("dora");
    std::atomic<int> changed{0};
    std::vector<std::thread> operators;
    for (int i = 0; i < 6; ++i) {
        operators.emplace_back([&] {
            if (auth::Holds(database_).pause(her("dora"), friday).changed) ++changed;
        });
    }
    for (std::thread& one : operators) one.join();
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(count("select count(*) from auth.holds where until is null"), 1);
}

TEST_F(HoldsTest, resuming_while_daemons_claim_gives_each_persona_one_visit) {
    for (int i = 0; i < 20; ++i) add_persona("p" + std::to_string(i));
    holds_.pause({Scope::all}, friday);
    std::atomic<bool> resumed{false};
    std::vector<std::thread> daemons;
    for (int i = 0; i < 3; ++i) {
        daemons.emplace_back([&, i] {
            auth::Visits visits(database_, rules_);
            for (int round = 0; round < 200; ++round) {
                const bool was_resumed = resumed;
                const auto some =
                    visits.claim({.runner_id = "runner",
                                  .request_id = std::to_string(i) + "-" + std::to_string(round),
                                  .limit = 3},
                                 friday);
                if (some->empty() && was_resumed) return;  // All of them are out.
            }
        });
    }
    EXPECT_EQ(count("select count(*) from auth.persona_visits"), 0);
    auth::Holds(database_).resume({Scope::all}, friday);
    resumed = true;
    for (std::thread& daemon : daemons) daemon.join();
    claim(friday, "rest", 100);
    EXPECT_EQ(count("select count(*) from auth.persona_visits where status = 'running'"), 20);
    EXPECT_EQ(count("select count(distinct user_id) as count from auth.persona_visits"), 20);
}

TEST_F(HoldsTest, what_is_unknown_or_held_otherwise_is_named) {
    add_persona("dora");
    const auto nobody = failure_of([&] { holds_.pause(her("nobody"), friday); });
    EXPECT_EQ(nobody.kind(), base::Failure::Kind::missing);
    EXPECT_NE(std::string(nobody.what()).find("persona.nobody@mana.test"), std::string::npos);
    const auto kind = failure_of([&] { holds_.pause({Scope::archetype, "testr"}, friday); });
    EXPECT_EQ(kind.kind(), base::Failure::Kind::missing);
    EXPECT_NE(std::string(kind.what()).find("there are: tester"), std::string::npos);
    EXPECT_EQ(failure_of([&] { holds_.resume(her("nobody"), friday); }).kind(),
              base::Failure::Kind::missing);
    holds_.pause({Scope::archetype, "tester"}, friday);
    holds_.pause({Scope::all}, friday);
    const std::string why = failure_of([&] { holds_.resume(her("dora"), friday); }).what();
    EXPECT_NE(why.find("archetype tester is paused, everybody is paused"), std::string::npos)
        << why;
    const auto release = failure_of([&] { holds_.release("persona.dora@mana.test", friday); });
    EXPECT_EQ(release.code(), "NOT_QUARANTINED");
    EXPECT_EQ(failure_of([&] { holds_.release("x@mana.test", friday); }).kind(),
              base::Failure::Kind::missing);
}

TEST_F(HoldsTest, a_pause_can_be_lifted_when_its_archetype_has_nobody_left) {
    const std::string user = add_persona("dora");
    holds_.pause({Scope::archetype, "tester"}, friday);
    set_archetype(user, "other");
    EXPECT_NO_THROW(holds_.resume({Scope::archetype, "tester"}, friday));
}

TEST_F(HoldsTest, three_crashes_of_the_same_slot_are_a_quarantine) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        EXPECT_EQ(holds_.standing(now).quarantined_count, 0);
        const base::Moment noticed = crash(now, "mortal" + std::to_string(attempt));
        now = std::max(noticed, next_due_of(user));
    }
    const catalog::Standing standing = holds_.standing(now);
    ASSERT_EQ(standing.quarantined.size(), 1u);
    EXPECT_EQ(standing.quarantined[0].email, "persona.dora@mana.test");
    EXPECT_EQ(standing.quarantined[0].slot, friday);
    EXPECT_EQ(reasons_of(user), Names{"quarantined"});
    // Neither her next slot nor a pass over everybody takes her.
    EXPECT_TRUE(claim(friday + hours(72), "due").empty());
    EXPECT_TRUE(claim(friday + hours(72), "all", 10, true).empty());
    EXPECT_TRUE(auth::Personas(database_, rules_).due(friday + hours(72)).empty());

    const base::Moment next = holds_.release("persona.dora@mana.test", friday + hours(72));
    EXPECT_EQ(next, next_due_of(user));
    const auto visit = claim(friday + hours(72), "again").at(0);
    EXPECT_EQ(visit.attempt, 1);
    const Names reasons = reasons_of(user);
    ASSERT_GE(reasons.size(), 2u);
    for (const std::string& reason : reasons) EXPECT_EQ(reason, "quarantined");
}

TEST_F(HoldsTest, failures_and_passed_deadlines_are_no_crashes) {
    const std::string user = add_persona("dora");
    base::Moment now = crash(friday, "mortal1");
    now = std::max(now, next_due_of(user));
    const auto second = claim(now, "second").at(0);
    const base::Moment late = second.deadline + minutes(6);
    claim(late, "reaps", 1);  // Lost, but its runner lives.
    EXPECT_EQ(status_of(second.visit_id), "lost");
    now = std::max(late, next_due_of(user));
    crash(now, "mortal2");
    EXPECT_EQ(holds_.standing(now).quarantined_count, 0);
    EXPECT_EQ(reasons_of(user), Names{"attempts_exhausted"});
}

TEST_F(HoldsTest, crashes_of_different_slots_do_not_add_up) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (int day = 0; day < 4; ++day) {
        crash(now, "mortal" + std::to_string(day));
        // The second attempt of each day is lived.
        const auto visit = claim(next_due_of(user), "day" + std::to_string(day)).at(0);
        EXPECT_EQ(visit.attempt, 2);
        finish(visit.visit_id, visit.started_at + minutes(1), finished());
        now = next_due_of(user);
    }
    EXPECT_EQ(holds_.standing(now).quarantined_count, 0);
}

TEST_F(HoldsTest, a_third_crash_that_left_rows_is_a_quarantine_though_it_was_her_day) {
    const std::string user = add_persona("dora");
    base::Moment now = friday;
    for (int attempt = 1; attempt <= 2; ++attempt) {
        now = std::max(crash(now, "mortal" + std::to_string(attempt)), next_due_of(user));
    }
    keep_alive("mortal3", now, seconds(60));
    const auto visit = claim(now, "third", 1, false, "mortal3").at(0);
    store(user, {action(visit.visit_id, 1)}, now);
    keep_alive("runner", now + seconds(61));
    EXPECT_EQ(status_of(visit.visit_id), "lost");
    EXPECT_EQ(last_active_of(user), visit.started_at);
    EXPECT_EQ(holds_.standing(now).quarantined_count, 1);
    EXPECT_TRUE(reasons_of(user).empty());
}

TEST_F(HoldsTest, standing_shows_what_happened_within_a_day_newest_first) {
    const std::string old = add_persona("old", "hourly", friday - hours(60));
    const auto before = claim(friday - hours(30), "before").at(0);
    finish(before.visit_id, friday - hours(30), finished());
    const std::string user = add_persona("hanna", "hourly", friday - hours(40));
    claim(friday, "now", 1);
    const catalog::Standing standing = holds_.standing(friday + hours(1));
    EXPECT_EQ(standing.skipped.size(), catalog::standing_skipped_max);
    EXPECT_EQ(standing.skipped_24h, 40);
    EXPECT_EQ(standing.skipped[0].email, "persona.hanna@mana.test");
    EXPECT_EQ(standing.skipped[0].slot, friday);
    EXPECT_EQ(standing.skipped[0].reason, "missed");
    EXPECT_EQ(standing.skipped[0].given_up_at, friday);
    EXPECT_GT(count("select count(*) from auth.skipped_slots where user_id = $1", {old}), 0);
}

TEST_F(HoldsTest, deleting_a_persona_takes_her_holds_and_ledger_with_her) {
    const std::string user = add_persona("hanna", "hourly");
    finish(claim(friday + hours(5), "r").at(0).visit_id, friday + hours(5), finished());
    holds_.pause(her("hanna"), friday + hours(6));
    EXPECT_EQ(auth::Personas(database_, rules_).remove(user).outcome,
              auth::DeleteAnswer::Outcome::deleted);
    EXPECT_EQ(count("select count(*) from auth.holds"), 0);
    EXPECT_EQ(count("select count(*) from auth.skipped_slots"), 0);
}

}  // namespace
}  // namespace tests
