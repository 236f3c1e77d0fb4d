// What operators see, and the take-over of a database that the former service filled.
#include <algorithm>

#include <gtest/gtest.h>

#include "auth/personas/holds.hpp"
#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class OpsViewsTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday); }

    base::SqlRows ops(std::string_view statement) {
        return ops_.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement); });
    }

    base::Postgres ops_{{.url = temp_.ops_url(), .connections_max = 1}};
};

TEST_F(OpsViewsTest, a_day_is_readable_by_the_ops_role) {
    const std::string user = add_persona("dora");
    const auto visit = claim(friday, "r").at(0);
    catalog::Action wrong = action(visit.visit_id, 2);
    wrong.outcome = catalog::Action::Outcome::error;
    wrong.error_message = "no such list";
    catalog::Action unknown = action(visit.visit_id, 3);
    unknown.outcome = catalog::Action::Outcome::unknown;
    store(user, {action(visit.visit_id, 1), wrong, unknown});
    store(user,
          {rating(visit.visit_id, "todo", 4), {.visit_id = visit.visit_id, .module = "notes"}});
    finish(visit.visit_id, friday + minutes(2), finished());

    const auto row = ops("select * from ops.visits")[0];
    EXPECT_EQ(row.text("visit"), visit.visit_id);
    EXPECT_EQ(row.text("persona"), "dora");
    EXPECT_EQ(row.text("status"), "finished");
    EXPECT_EQ(row.number("seconds"), 120);
    EXPECT_EQ(row.integer("actions_ok"), 1);
    EXPECT_EQ(row.integer("actions_error"), 1);
    EXPECT_EQ(row.integer("actions_unknown"), 1);
    EXPECT_EQ(row.integer("ratings"), 1);
    EXPECT_EQ(row.integer("ratings_unrated"), 1);
    EXPECT_EQ(row.text("node"), "node-of-runner");
    EXPECT_EQ(ops("select * from ops.actions where outcome <> 'ok'").size(), 2u);
    EXPECT_EQ(ops("select * from ops.ratings").size(), 2u);
}

TEST_F(OpsViewsTest, averages_count_only_real_ratings_of_finished_and_partial_visits) {
    int score = 1;
    for (const std::string status : {"finished", "partial", "failed", "lost", "running"}) {
        const std::string user = add_persona(status);
        const auto visit = claim(friday, status).at(0);
        store(user, {rating(visit.visit_id, "todo", score)});
        store(user, {{.visit_id = visit.visit_id,
                      .module = "notes",
                      .status = catalog::Rating::Status::unparsed}});
        if (status != "running") {
            sql("update auth.persona_visits set status = $1, ended_at = now() where tick_id = $2",
                {status, visit.visit_id});
        }
        score = score == 1 ? 4 : 5;
    }
    // Rows of old clients have no visit and count: (1 + 4 + 4) / 3.
    const std::string old = add_persona("old");
    store(old, {rating("tick", "todo", 4)}, false);
    const auto todo = ops("select * from ops.module_ratings where module = 'todo'")[0];
    EXPECT_EQ(todo.integer("n"), 3);
    EXPECT_EQ(todo.number("mean_rating"), 3.0);
    const auto notes = ops("select * from ops.module_ratings where module = 'notes'")[0];
    EXPECT_EQ(notes.integer("n"), 0);
    EXPECT_TRUE(notes.is_null("mean_rating"));
    EXPECT_EQ(notes.integer("unparsed"), 5);
    EXPECT_EQ(ops("select * from ops.ratings where counts").size(), 3u);
}

TEST_F(OpsViewsTest, health_tells_whether_the_fleet_keeps_up) {
    const base::Moment now = sql("select now() as at")[0].moment("at");
    keep_alive("fresh", now, hours(1));
    add_persona("dora", "daily", now - hours(1));
    add_persona("emma", "daily", now - hours(1));
    add_persona("frida", "daily", now + hours(1));
    const auto visits = claim(now, "r", 2, false, "fresh");
    ASSERT_EQ(visits.size(), 2u);
    finish(visits[0].visit_id, now, failed());
    sql("update auth.personas set next_due_at = now() - interval '1 minute' where user_id = $1",
        {visits[0].persona.user_id});
    const auto row = ops("select * from ops.health")[0];
    EXPECT_GE(row.integer("runners_alive"), 1);
    EXPECT_EQ(row.integer("visits_running"), 1);
    EXPECT_EQ(row.integer("visits_late"), 0);
    EXPECT_EQ(row.integer("personas"), 3);
    EXPECT_EQ(row.integer("personas_overdue"), 1);
    EXPECT_EQ(row.moment("last_visit_at"), now);
    EXPECT_EQ(row.integer("failed_24h"), 1);
    EXPECT_EQ(row.integer("lost_24h"), 0);
}

TEST_F(OpsViewsTest, the_ops_role_sees_the_views_and_nothing_behind_them) {
    for (const char* table : {"auth.users", "auth.accounts", "auth.sessions", "auth.personas",
                              "auth.persona_visits", "auth.persona_actions"}) {
        try {
            ops(std::string("select * from ") + table);
            FAIL() << table;
        } catch (const base::Failure& failure) {
            EXPECT_NE(std::string(failure.what()).find("42501"), std::string::npos)
                << failure.what();
        }
    }
    EXPECT_THROW(ops("delete from ops.actions"), base::Failure);
}

TEST_F(OpsViewsTest, every_column_is_explained) {
    const auto rows = sql(R"(
select c.relname || '.' || a.attname as name
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'ops'
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relkind = 'v' and col_description(c.oid, a.attnum) is null)");
    for (const base::SqlRow row : rows) ADD_FAILURE() << row.text("name");
    EXPECT_GE(count(R"(select count(*) from pg_class c join pg_namespace n
        on n.oid = c.relnamespace and n.nspname = 'ops' where c.relkind = 'v')"),
              10);
}

TEST_F(OpsViewsTest, holds_and_the_ledger_are_readable_by_the_ops_role) {
    const base::Moment now = sql("select now() as at")[0].moment("at");
    keep_alive("fresh", now, hours(1));
    add_persona("hanna", "hourly", now - hours(3) - minutes(1));
    catalog::VisitEnd handed_back = failed();
    handed_back.handed_back = true;
    finish(claim(now, "r", 1, false, "fresh").at(0).visit_id, now, handed_back);
    auth::Holds holds(database_);
    holds.pause({catalog::Whom::Scope::persona, "persona.hanna@mana.test"}, now);
    holds.pause({}, now);
    holds.resume({}, now);

    const auto skipped = ops("select * from ops.skipped_slots order by slot");
    ASSERT_EQ(skipped.size(), 3u);
    EXPECT_EQ(skipped[0].text("persona"), "hanna");
    EXPECT_EQ(skipped[0].moment("slot"), now - hours(2) - minutes(1));
    EXPECT_EQ(skipped[0].text("reason"), "missed");
    const auto open = ops("select * from ops.holds where open");
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(open[0].text("email"), "persona.hanna@mana.test");
    EXPECT_EQ(ops("select * from ops.holds").size(), 2u);
    EXPECT_TRUE(ops("select handed_back from ops.visits")[0].flag("handed_back"));
    const auto health = ops("select * from ops.health")[0];
    EXPECT_EQ(health.integer("pauses"), 1);
    EXPECT_EQ(health.integer("quarantined"), 0);
    EXPECT_EQ(health.integer("skipped_24h"), 3);
    EXPECT_EQ(health.integer("failed_24h"), 0);        // It was handed back.
    EXPECT_EQ(health.integer("personas_overdue"), 0);  // She is paused.
}

// The schema and some rows as the former service leaves them.
constexpr const char* ancestor[] = {
    "create schema auth",
    "create type auth.user_role as enum ('user', 'admin', 'service')",
    "create type auth.access_tier as enum ('guest', 'public', 'beta', 'alpha', 'founder')",
    "create type auth.user_kind as enum ('human', 'persona', 'system')",
    R"(create table auth.users (id text primary key, name text not null,
        email text not null constraint users_email_unique unique,
        email_verified boolean not null default false, image text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        role auth.user_role not null default 'user',
        access_tier auth.access_tier not null default 'public',
        kind auth.user_kind not null default 'human', two_factor_enabled boolean default false,
        deleted_at timestamptz, onboarding_completed_at timestamptz,
        feedback_show_real_name boolean not null default false,
        feedback_karma integer not null default 0))",
    R"(create table auth.personas (user_id text primary key references auth.users on delete cascade,
        archetype text not null, system_prompt text not null, module_mix jsonb not null,
        tick_cadence text not null default 'daily', last_active_at timestamptz,
        created_at timestamptz not null default now()))",
    "create index personas_archetype_idx on auth.personas (archetype)",
    R"(create table auth.persona_actions (id text primary key,
        persona_id text not null references auth.personas on delete cascade, tick_id text not null,
        tool_name text not null, input_hash text, result text not null, error_message text,
        latency_ms integer, created_at timestamptz not null default now()))",
    R"(create table auth.persona_feedback (id text primary key,
        persona_id text not null references auth.personas on delete cascade, tick_id text not null,
        module text not null, rating smallint not null, notes text,
        created_at timestamptz not null default now()))",
    R"(insert into auth.users (id, name, email, kind) values
        ('u1', 'Anna', 'persona.anna@mana.test', 'persona'),
        ('u2', 'Ben', 'persona.ben@mana.test', 'persona'),
        ('u3', 'Cem', 'persona.cem@mana.test', 'persona'),
        ('u4', 'Dora', 'persona.dora@mana.test', 'persona'))",
    R"(insert into auth.personas values
        ('u1', 'a', 'p', '{"todo":0.5,"bad":"x","less":-1}', 'daily', '2026-11-19 10:00+00', now()),
        ('u2', 'a', 'p', '["todo"]', 'weekdays', '2026-11-20 10:00+00', now()),
        ('u3', 'a', 'p', '{"notes":1}', 'yearly', null, now()),
        ('u4', 'a', 'p', '{"notes":1}', 'hourly', '2026-11-20 10:00+00', now()))",
    R"(insert into auth.persona_actions (id, persona_id, tick_id, tool_name, result) values
        ('t-0-todo.create', 'u1', 't', 'todo.create', 'ok'),
        ('t-1-todo.list', 'u1', 't', 'todo.list', 'error'))",
    R"(insert into auth.persona_feedback (id, persona_id, tick_id, module, rating) values
        ('t-todo', 'u1', 't', 'todo', 4), ('t-notes', 'u1', 't', 'notes', 2),
        ('t-mood', 'u1', 't', 'mood', 9), ('t-__parse', 'u1', 't', '__parse', 3),
        ('s-todo', 'u1', 's', 'todo', 2))",
};

class TakeOverTest : public testing::Test {
  protected:
    test_support::TempDatabase temp_;
    base::Postgres owner_{{.url = temp_.owner_url(), .connections_max = 2}};
    auth::VisitRules rules_;
};

TEST_F(TakeOverTest, rows_of_the_former_service_stay_and_lose_only_invented_numbers) {
    owner_.transact([](base::Transaction& transaction) {
        for (const char* statement : ancestor) transaction.run(statement);
    });
    base::migrate(temp_.owner_url(), "auth", auth::migrations());
    base::Postgres database({.url = temp_.app_url(), .connections_max = 2});
    const auto rows = [&](std::string_view statement) {
        return database.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement); });
    };
    const auto due = rows("select user_id, next_due_at from auth.personas order by user_id");
    EXPECT_EQ(due[0].moment("next_due_at"), base::from_iso("2026-11-20T10:00:00Z"));
    EXPECT_EQ(due[1].moment("next_due_at"), base::from_iso("2026-11-23T10:00:00Z"));
    EXPECT_EQ(due[3].moment("next_due_at"), base::from_iso("2026-11-20T11:00:00Z"));
    EXPECT_EQ(rows("select * from auth.persona_actions where outcome = result").size(), 2u);
    const auto unparsed =
        rows("select * from auth.persona_feedback where status = 'unparsed' order by module");
    ASSERT_EQ(unparsed.size(), 2u);
    EXPECT_TRUE(unparsed[0].is_null("rating"));
    EXPECT_EQ(rows("select * from auth.persona_feedback where status = 'rated'").size(), 3u);

    auth::Personas personas(database, rules_);
    const auto detail = personas.detail("u1", friday);
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->listed.persona.module_mix, (catalog::ModuleMix{{"todo", 0.5}}));
    EXPECT_EQ(detail->recent.size(), 2u);
    for (const auto& module : detail->modules) {
        if (module.module == "todo") {
            EXPECT_EQ(module.n, 2);
            EXPECT_EQ(module.mean, 3.0);
        }
        if (module.module == "mood") EXPECT_EQ(module.mean, std::nullopt);
    }
    EXPECT_EQ(personas.detail("u2", friday)->listed.persona.module_mix, catalog::ModuleMix{});
    EXPECT_EQ(personas.detail("u3", friday)->listed.persona.cadence, catalog::Cadence::daily);

    auth::Runners runners(database, rules_);
    ASSERT_EQ(runners.heartbeat({.runner_id = "r", .node = "n"}, friday + hours(2)),
              auth::Runners::Answer::alive);
    auth::Visits visits(database, rules_);
    const auto claimed =
        visits.claim({.runner_id = "r", .request_id = "q", .limit = 10}, friday + hours(2));
    std::vector<std::string> users;
    for (const auto& visit : claimed.value()) users.push_back(visit.persona.user_id);
    EXPECT_EQ(std::count(users.begin(), users.end(), "u1"), 1);
    EXPECT_EQ(std::count(users.begin(), users.end(), "u2"), 0);
    EXPECT_EQ(std::count(users.begin(), users.end(), "u4"), 1);
}

}  // namespace
}  // namespace tests
