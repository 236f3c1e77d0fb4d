// Pausing and resuming a live daemon by verbs, and what `status` shows of it.
#include "tests/e2e/world.hpp"

namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

class Pause : public e2e::World {
  protected:
    static e2e::Outcome status() { return daemon().verb({"status", "--url", daemon().ops_url()}); }
    static std::int64_t visits_of_a_pass() { return daemon().tick_all().at("due"); }
};

constexpr const char* pause_anna = "persona.anna@mana.test";

TEST_F(Pause, APauseStopsClaimsOfThoseItIsAboutUntilItIsLifted) {
    EXPECT_THAT(status().out, Not(HasSubstr("paused  ")));

    EXPECT_THAT(daemon().verb({"pause", "--all"}).out, HasSubstr("everybody paused"));
    EXPECT_THAT(daemon().verb({"pause", "--all"}).out, HasSubstr("paused already, since"));
    const e2e::Outcome idle = daemon().verb({"tick", "--all", "--url", daemon().ops_url()});
    EXPECT_EQ(idle.exit_code, 0) << idle.err;
    EXPECT_THAT(idle.out, HasSubstr("0 due"));
    EXPECT_THAT(idle.out, HasSubstr("paused  everybody since"));
    EXPECT_THAT(status().out, HasSubstr("paused  everybody since"));
    EXPECT_THAT(daemon().verb({"resume", "--all"}).out, HasSubstr("everybody resumed"));

    EXPECT_EQ(daemon().verb({"pause", pause_anna}).exit_code, 0);
    EXPECT_EQ(visits_of_a_pass(), static_cast<std::int64_t>(personas) - 1);
    EXPECT_THAT(status().out, HasSubstr(std::string("paused  ") + pause_anna));
    EXPECT_EQ(daemon().verb({"resume", pause_anna}).exit_code, 0);
    ASSERT_TRUE(daemon().await_delivery());

    const base::SqlRow row = daemon().query(
        "select p.archetype from auth.personas p join auth.users u on u.id = p.user_id "
        "where u.email = $1",
        {pause_anna})[0];
    const std::string archetype = row.text("archetype");
    EXPECT_EQ(daemon().verb({"pause", "--archetype", archetype}).exit_code, 0);
    EXPECT_LT(visits_of_a_pass(), static_cast<std::int64_t>(personas));
    EXPECT_EQ(daemon().verb({"resume", "--archetype", archetype, "--json"}).json().at("ok"), true);
    EXPECT_THAT(status().out, Not(HasSubstr("paused  ")));
    ASSERT_TRUE(daemon().await_delivery());
}

TEST_F(Pause, AQuarantineIsShownAndEndsWithPersonaResume) {
    daemon().superuser().transact([](base::Transaction& transaction) {
        transaction.run(
            "insert into auth.holds (cause, scope, user_id, slot, since) "
            "select 'quarantined', 'persona', id, now(), now() from auth.users "
            "where email = $1",
            {pause_anna});
    });
    EXPECT_THAT(status().out,
                HasSubstr(std::string("persona-runner persona resume ") + pause_anna));
    EXPECT_THAT(daemon().verb({"resume", pause_anna}).err,
                HasSubstr("is not paused; but she is quarantined"));
    EXPECT_THAT(daemon().verb({"persona", "resume", pause_anna}).out,
                HasSubstr("no longer quarantined; due at 20"));
    const e2e::Outcome again = daemon().verb({"persona", "resume", pause_anna});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("is not quarantined"));
    EXPECT_THAT(status().out, Not(HasSubstr("quarantined")));
}

TEST_F(Pause, WrongWordsAreAnsweredWithTheRightOnes) {
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"pause"}, {"pause", "--all", pause_anna}, {"resume", "--all", "--archetype", "x"}}) {
        const e2e::Outcome refused = daemon().verb(words);
        EXPECT_EQ(refused.exit_code, 2);
        EXPECT_THAT(refused.err, HasSubstr("exactly one of EMAIL, --archetype NAME and --all"));
    }
    EXPECT_EQ(daemon().verb({"pause", "anna"}).exit_code, 2);
    const e2e::Outcome nobody = daemon().verb({"pause", "nobody@mana.test"});
    EXPECT_EQ(nobody.exit_code, 1);
    EXPECT_THAT(nobody.err, HasSubstr("no persona has the address nobody@mana.test"));
    EXPECT_THAT(daemon().verb({"pause", "--archetype", "typo"}).err, HasSubstr("there are: "));
    EXPECT_EQ(daemon().verb({"persona", "resume", "nobody@mana.test"}).exit_code, 1);
    const e2e::Outcome absent = daemon().verb({"pause", "--all", "--auth", "http://127.0.0.1:9"});
    EXPECT_EQ(absent.exit_code, 3);
}

}  // namespace
