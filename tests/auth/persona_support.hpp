// What the tests of personas, visits and records share: a migrated database of their own, personas
// without passwords (hashing is slow), runners with a lease, and a Friday morning to start from.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "auth/identity/users.hpp"
#include "auth/migrations.hpp"
#include "auth/personas/personas.hpp"
#include "auth/personas/records.hpp"
#include "auth/personas/runners.hpp"
#include "auth/personas/visits.hpp"
#include "base/postgres.hpp"
#include "tests/support/temp_database.hpp"

namespace tests {

// 2026-11-20 is a Friday.
inline constexpr base::Moment friday =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{9};
inline constexpr base::Moment saturday = friday + std::chrono::hours{24};
inline constexpr base::Moment monday = friday + std::chrono::hours{72};

class PersonaTest : public testing::Test {
  protected:
    base::SqlRows sql(std::string_view statement, const base::SqlParams& params = {}) {
        return owner_.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement, params); });
    }

    std::int64_t count(std::string_view statement, const base::SqlParams& params = {}) {
        return sql(statement, params)[0].integer("count");
    }

    // Never came, first slot at `due`.
    std::string add_persona(const std::string& name, const std::string& cadence = "daily",
                            base::Moment due = friday) {
        return database_.transact([&](base::Transaction& transaction) {
            const auto user_id = auth::create_user(transaction,
                                                   {.email = "persona." + name + "@mana.test",
                                                    .name = name,
                                                    .kind = "persona",
                                                    .tier = "founder",
                                                    .verified = true},
                                                   friday);
            transaction.run(R"(
insert into auth.personas (user_id, archetype, system_prompt, module_mix, tick_cadence, created_at,
    next_due_at)
values ($1, 'tester', 'You are a tester.', '{"todo":1}', $2, $3::timestamptz, $3::timestamptz))",
                            {*user_id, cadence, due});
            return *user_id;
        });
    }

    void keep_alive(const std::string& runner_id, base::Moment now,
                    std::chrono::seconds lease = std::chrono::hours(24 * 30)) {
        auth::Runners runners(database_, rules_);
        ASSERT_EQ(
            runners.heartbeat(
                {.runner_id = runner_id, .node = "node-of-" + runner_id, .lease = lease}, now),
            auth::Runners::Answer::alive);
    }

    std::vector<auth::ClaimedVisit> claim(base::Moment now, const std::string& request_id,
                                          int limit = 100, bool everybody = false,
                                          const std::string& runner_id = "runner",
                                          std::optional<base::Moment> idle_since = {}) {
        auth::Visits visits(database_, rules_);
        const auto claimed = visits.claim({.runner_id = runner_id,
                                           .request_id = request_id,
                                           .limit = limit,
                                           .everybody = everybody,
                                           .idle_since = idle_since},
                                          now);
        EXPECT_TRUE(claimed.has_value());
        return claimed.value_or(std::vector<auth::ClaimedVisit>{});
    }

    auth::FinishAnswer finish(const std::string& visit_id, base::Moment now,
                              const catalog::VisitEnd& end) {
        auth::Visits visits(database_, rules_);
        return visits.finish(visit_id, end, now);
    }

    static catalog::VisitEnd finished() {
        return {.status = catalog::VisitEnd::Status::finished, .reason = "end_turn"};
    }
    static catalog::VisitEnd failed() {
        return {.status = catalog::VisitEnd::Status::failed,
                .reason = "claude answered 529",
                .source = catalog::VisitEnd::Source::model};
    }

    static catalog::Action action(const std::string& visit_id, int seq,
                                  const std::string& tool = "todo.create") {
        return {.visit_id = visit_id,
                .seq = seq,
                .started_at = friday,
                .module = "todo",
                .tool = tool,
                .input_hash = "00ff",
                .outcome = catalog::Action::Outcome::ok,
                .latency_ms = 12};
    }
    static catalog::Rating rating(const std::string& visit_id, const std::string& module,
                                  int score) {
        return {.visit_id = visit_id,
                .module = module,
                .status = catalog::Rating::Status::rated,
                .score = score,
                .notes = "fine",
                .evidence = {1}};
    }

    auth::Stored store(const std::string& user_id, const std::vector<catalog::Action>& actions,
                       base::Moment now = friday) {
        auth::Records records(database_, rules_);
        return records.store_actions(user_id, actions, now);
    }
    auth::Stored store(const std::string& user_id, const std::vector<catalog::Rating>& ratings,
                       bool from_visits = true, base::Moment now = friday) {
        auth::Records records(database_, rules_);
        return records.store_ratings(user_id, ratings, from_visits, now);
    }

    std::string status_of(const std::string& visit_id) {
        return sql("select status from auth.persona_visits where tick_id = $1", {visit_id})[0].text(
            "status");
    }
    base::Moment next_due_of(const std::string& user_id) {
        return sql("select next_due_at from auth.personas where user_id = $1", {user_id})[0].moment(
            "next_due_at");
    }
    std::optional<base::Moment> last_active_of(const std::string& user_id) {
        return sql("select last_active_at from auth.personas where user_id = $1", {user_id})[0]
            .moment_or_none("last_active_at");
    }

    test_support::TempDatabase temp_{{{"auth", auth::migrations()}}};
    base::Postgres owner_{{.url = temp_.owner_url(), .connections_max = 2}};
    base::Postgres database_{{.url = temp_.app_url(), .connections_max = 8}};
    auth::VisitRules rules_;
};

}  // namespace tests
