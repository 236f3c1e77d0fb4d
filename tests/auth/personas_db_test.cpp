// Personas on a real database: made in one piece, followed, never mistaken for a human, and gone
// without a trace.
#include <future>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "auth/identity/credential.hpp"
#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using DeleteOutcome = auth::DeleteAnswer::Outcome;

class PersonasTest : public PersonaTest {
  protected:
    void SetUp() override { keep_alive("runner", friday); }

    static auth::PersonaSpec anna() {
        return {.persona = {.email = "persona.anna@mana.test",
                            .name = "Anna",
                            .archetype = "adhd-student",
                            .system_prompt = "Du bist Anna.",
                            .module_mix = {{"todo", 0.5}, {"mood", 0.5}}},
                .password = base::Secret("first password")};
    }

    auth::UpsertAnswer upsert(const auth::PersonaSpec& spec, base::Moment now = friday) {
        auth::Personas personas(database_, rules_);
        return personas.upsert(spec, passwords_, now);
    }

    bool can_log_in(const std::string& user_id, const std::string& password) {
        const auto hash = database_.transact([&](base::Transaction& transaction) {
            return auth::find_password_hash(transaction, user_id);
        });
        return passwords_.matches(base::Secret(password), hash);
    }

    auth::Passwords passwords_{{.parallel_max = 2, .waiting_max = 8}};
};

TEST_F(PersonasTest, a_persona_is_made_in_one_piece) {
    const auto answer = upsert(anna());
    EXPECT_TRUE(answer.created);
    const auto user = sql("select * from auth.users where id = $1", {answer.user_id})[0];
    EXPECT_EQ(user.text("kind"), "persona");
    EXPECT_EQ(user.text("access_tier"), "founder");
    EXPECT_TRUE(user.flag("email_verified"));
    EXPECT_EQ(user.text("name"), "Anna");
    // auth-api-doubts B73: no verification row waits for a mail nobody reads.
    EXPECT_EQ(count("select count(*) from auth.verification"), 0);
    EXPECT_EQ(count(R"(select count(*) from auth.members m join auth.organizations o
        on o.id = m.organization_id where m.user_id = $1 and m.role = 'owner'
        and o.metadata ->> 'type' = 'personal')",
                    {answer.user_id}),
              1);
    EXPECT_TRUE(can_log_in(answer.user_id, "first password"));
    EXPECT_EQ(next_due_of(answer.user_id), friday);
}

// auth-api-doubts B12: a failure in the last step leaves nothing of the first ones.
TEST_F(PersonasTest, a_persona_that_cannot_be_written_leaves_no_user) {
    sql("alter table auth.personas add constraint test_refuses check (archetype <> 'refused')");
    auth::PersonaSpec spec = anna();
    spec.persona.archetype = "refused";
    EXPECT_THROW(upsert(spec), base::Failure);
    EXPECT_EQ(count("select count(*) from auth.users"), 0);
    EXPECT_EQ(count("select count(*) from auth.organizations"), 0);
    EXPECT_TRUE(upsert(anna()).created);
}

// auth-api-doubts B13
TEST_F(PersonasTest, the_same_address_in_any_case_is_the_same_persona) {
    auth::PersonaSpec mixed = anna();
    mixed.persona.email = "Persona.Anna@Mana.TEST";
    const auto first = upsert(mixed);
    EXPECT_TRUE(first.created);
    const auto second = upsert(anna());
    EXPECT_FALSE(second.created);
    EXPECT_EQ(second.user_id, first.user_id);
    EXPECT_EQ(sql("select email from auth.users")[0].text("email"), "persona.anna@mana.test");
}

// auth-api-doubts B14
TEST_F(PersonasTest, nobody_else_becomes_a_persona_or_is_deleted_as_one) {
    for (const std::string kind : {"human", "system"}) {
        const std::string user_id = database_.transact([&](base::Transaction& transaction) {
            return *auth::create_user(
                transaction, {.email = kind + "@mana.test", .name = "X", .kind = kind}, friday);
        });
        auth::PersonaSpec spec = anna();
        spec.persona.email = kind + "@mana.test";
        try {
            upsert(spec);
            FAIL() << kind;
        } catch (const base::Failure& failure) {
            EXPECT_EQ(failure.kind(), base::Failure::Kind::conflict);
            EXPECT_NE(std::string(failure.what()).find(kind), std::string::npos);
        }
        auth::Personas personas(database_, rules_);
        EXPECT_EQ(personas.remove(user_id).outcome, DeleteOutcome::not_a_persona);
        const auto user = sql("select * from auth.users where id = $1", {user_id})[0];
        EXPECT_EQ(user.text("kind"), kind);
        EXPECT_EQ(user.text("access_tier"), "public");
        EXPECT_FALSE(user.flag("email_verified"));
    }
    EXPECT_EQ(count("select count(*) from auth.personas"), 0);
}

TEST_F(PersonasTest, what_changed_is_told) {
    EXPECT_FALSE(upsert(anna()).changed);  // Created.
    const auto told = [this](auto change) {
        auth::PersonaSpec spec = anna();
        change(spec.persona);
        const bool changed = upsert(spec).changed;
        EXPECT_FALSE(upsert(spec).changed);
        EXPECT_TRUE(!changed || upsert(anna()).changed);  // And back.
        return changed;
    };
    EXPECT_FALSE(told([](auto&) {}));
    EXPECT_FALSE(told([](auto& persona) { persona.module_mix = {{"mood", 0.5}, {"todo", 0.5}}; }));
    EXPECT_TRUE(told([](auto& persona) { persona.system_prompt = "Du bist jemand anders."; }));
    EXPECT_TRUE(told([](auto& persona) { persona.module_mix = {{"todo", 1}}; }));
    EXPECT_TRUE(told([](auto& persona) { persona.archetype = "ceo-busy"; }));
    EXPECT_TRUE(told([](auto& persona) { persona.name = "Anna B."; }));
    EXPECT_TRUE(told([](auto& persona) { persona.cadence = catalog::Cadence::hourly; }));
}

// One of them makes her; the others find what they wanted.
TEST_F(PersonasTest, simultaneous_calls_for_a_new_persona_agree_on_who_made_her) {
    std::vector<std::future<auth::UpsertAnswer>> calls;
    for (int i = 0; i < 8; ++i) {
        calls.push_back(std::async(std::launch::async, [this] { return upsert(anna()); }));
    }
    int created = 0;
    std::set<std::string> ids;
    for (auto& call : calls) {
        const auth::UpsertAnswer answer = call.get();
        created += answer.created ? 1 : 0;
        EXPECT_FALSE(answer.password_changed);
        EXPECT_FALSE(answer.changed);
        ids.insert(answer.user_id);
    }
    EXPECT_EQ(created, 1);
    EXPECT_EQ(ids.size(), 1U);
}

// auth-api-doubts B15
TEST_F(PersonasTest, a_changed_password_and_name_are_followed) {
    const std::string user_id = upsert(anna()).user_id;
    sql(R"(insert into auth.sessions (id, expires_at, token, user_id) values
        ('s', now() + interval '1 day', 'sha256:' || repeat('0', 64), $1))",
        {user_id});
    EXPECT_FALSE(upsert(anna()).password_changed);
    EXPECT_EQ(count("select count(*) from auth.sessions"), 1);

    auth::PersonaSpec changed = anna();
    changed.persona.name = "Anna B.";
    changed.persona.archetype = "ceo-busy";
    changed.persona.module_mix = {{"notes", 1}};
    changed.password = base::Secret("second password");
    EXPECT_TRUE(upsert(changed).password_changed);
    EXPECT_TRUE(can_log_in(user_id, "second password"));
    EXPECT_FALSE(can_log_in(user_id, "first password"));
    // auth-api-doubts B30: who knew the old password is out.
    EXPECT_EQ(count("select count(*) from auth.sessions"), 0);
    auth::Personas personas(database_, rules_);
    const auto detail = personas.detail(user_id, friday);
    EXPECT_EQ(detail->listed.persona.name, "Anna B.");
    EXPECT_EQ(detail->listed.persona.archetype, "ceo-busy");
    EXPECT_EQ(detail->listed.persona.module_mix, (catalog::ModuleMix{{"notes", 1.0}}));

    auth::PersonaSpec nameless = changed;
    nameless.persona.name.clear();
    upsert(nameless);
    EXPECT_EQ(personas.detail(user_id, friday)->listed.persona.name, "Anna B.");
}

TEST_F(PersonasTest, an_update_keeps_the_schedule_and_a_new_cadence_starts_its_own) {
    const std::string user_id = upsert(anna()).user_id;
    const auto visit = claim(friday, "r").at(0);
    finish(visit.visit_id, friday + minutes(1), finished());
    upsert(anna(), friday + minutes(2));
    EXPECT_EQ(next_due_of(user_id), friday + hours(24));
    auth::PersonaSpec hourly = anna();
    hourly.persona.cadence = catalog::Cadence::hourly;
    upsert(hourly, friday + minutes(3));
    EXPECT_EQ(next_due_of(user_id), friday + hours(1));
}

TEST_F(PersonasTest, a_weekdays_persona_made_on_a_saturday_starts_on_monday) {
    auth::PersonaSpec spec = anna();
    spec.persona.cadence = catalog::Cadence::weekdays;
    EXPECT_EQ(next_due_of(upsert(spec, saturday).user_id), monday);
}

// auth-api-doubts B6
TEST_F(PersonasTest, the_detail_shows_true_means_and_how_many) {
    const std::string user_id = upsert(anna()).user_id;
    const auto visit = claim(friday, "r").at(0);
    std::vector<catalog::Action> actions;
    for (int seq = 1; seq <= 25; ++seq) actions.push_back(action(visit.visit_id, seq));
    store(user_id, actions);
    store(user_id,
          {rating(visit.visit_id, "todo", 4), {.visit_id = visit.visit_id, .module = "mood"}});
    auth::Personas personas(database_, rules_);
    // While the visit runs nothing counts yet.
    EXPECT_EQ(personas.detail(user_id, friday)->modules.at(1).n, 0);
    finish(visit.visit_id, friday + minutes(1), finished());
    store(user_id, {rating("old tick", "todo", 2)}, false);
    const auto detail = personas.detail(user_id, friday).value();
    ASSERT_EQ(detail.modules.size(), 2u);
    EXPECT_EQ(detail.modules[0].module, "mood");
    EXPECT_EQ(detail.modules[0].mean, std::nullopt);
    EXPECT_EQ(detail.modules[0].n, 0);
    EXPECT_EQ(detail.modules[0].unrated, 1);
    EXPECT_EQ(detail.modules[1].mean, 3.0);
    EXPECT_EQ(detail.modules[1].n, 2);
    ASSERT_EQ(detail.recent.size(), 20u);
    EXPECT_EQ(detail.recent.front().action.seq, 25);
    EXPECT_EQ(detail.listed.counts.actions, 25);
    EXPECT_FALSE(personas.detail("nobody", friday).has_value());
}

TEST_F(PersonasTest, the_list_is_paged_newest_first_with_counts_of_seven_days) {
    const std::string anna_id = add_persona("anna");
    const std::string ben_id = add_persona("ben");
    sql("update auth.personas set created_at = created_at + interval '1 hour' where user_id = $1",
        {ben_id});
    const auto visits = claim(friday, "r");
    for (const auto& visit : visits) {
        store(visit.persona.user_id, {action(visit.visit_id, 1)}, friday - hours(24 * 8));
        store(visit.persona.user_id, {action(visit.visit_id, 2)}, friday);
    }
    auth::Personas personas(database_, rules_);
    const auto first = personas.list(1, std::nullopt, friday);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].persona.user_id, ben_id);
    EXPECT_EQ(first[0].actions_7d, 1);
    EXPECT_EQ(first[0].counts.actions, 2);
    EXPECT_TRUE(first[0].visiting);
    const auto second = personas.list(1, ben_id, friday);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].persona.user_id, anna_id);
    EXPECT_TRUE(personas.list(1, anna_id, friday).empty());
}

TEST_F(PersonasTest, due_lists_the_longest_idle_first) {
    const std::string hourly = add_persona("hanna", "hourly");
    const std::string daily = add_persona("dora", "daily");
    const std::string weekdays = add_persona("willi", "weekdays");
    const std::string fresh = add_persona("frida", "daily");
    const auto set_active = [&](const std::string& user, base::Moment at) {
        sql("update auth.personas set last_active_at = $2::timestamptz where user_id = $1",
            {user, at});
    };
    set_active(hourly, friday - hours(1));
    set_active(daily, friday - hours(24) + minutes(1));
    set_active(weekdays, friday - hours(24));
    auth::Personas personas(database_, rules_);
    std::vector<std::string> names;
    for (const auto& persona : personas.due(friday)) names.push_back(persona.name);
    EXPECT_EQ(names, (std::vector<std::string>{"frida", "willi", "hanna"}));
}

// auth-api-doubts B16
TEST_F(PersonasTest, a_deleted_persona_leaves_nothing_in_any_table) {
    keep_alive("runner", friday);
    std::map<std::string, std::int64_t> before;
    const auto count_tables = [&] {
        std::map<std::string, std::int64_t> counts;
        for (const base::SqlRow row : sql(R"(select table_name from information_schema.tables
                where table_schema = 'auth' and table_type = 'BASE TABLE'
                    and table_name not in ('claims', 'runners', 'security_events'))")) {
            const std::string table = row.text("table_name");
            counts[table] = count("select count(*) from auth." + table);
        }
        return counts;
    };
    upsert({.persona = {.email = "persona.ben@mana.test",
                        .archetype = "a",
                        .system_prompt = "p",
                        .module_mix = {}},
            .password = base::Secret("another password")},
           friday + hours(1));
    before = count_tables();
    EXPECT_GT(before.size(), 8u);

    const std::string user_id = upsert(anna()).user_id;
    const auto visit = claim(friday, "r").at(0);
    ASSERT_EQ(visit.persona.user_id, user_id);
    store(user_id, {action(visit.visit_id, 1), action(visit.visit_id, 2)});
    store(user_id, {rating(visit.visit_id, "todo", 4)});
    sql(R"(insert into auth.sessions (id, expires_at, token, user_id) values
        ('s', now() + interval '1 day', 'sha256:' || repeat('0', 64), $1))",
        {user_id});

    auth::Personas personas(database_, rules_);
    const auto refused = personas.remove(user_id);
    EXPECT_EQ(refused.outcome, DeleteOutcome::visiting);
    EXPECT_EQ(count("select count(*) from auth.persona_actions"), 2);

    finish(visit.visit_id, friday + minutes(1), finished());
    for (const int seen : {0, 3, 5}) {
        EXPECT_EQ(personas.remove(user_id, seen).outcome, DeleteOutcome::changed) << seen;
    }
    EXPECT_EQ(count("select count(*) from auth.persona_actions"), 2) << "nothing was removed";
    const auto deleted = personas.remove(user_id, 4);
    EXPECT_EQ(deleted.outcome, DeleteOutcome::deleted);
    EXPECT_EQ(deleted.counts.visits, 1);
    EXPECT_EQ(deleted.counts.actions, 2);
    EXPECT_EQ(deleted.counts.ratings, 1);
    EXPECT_EQ(deleted.spaces, 1);
    EXPECT_EQ(deleted.sessions, 1);
    EXPECT_EQ(count_tables(), before);
    EXPECT_EQ(personas.remove(user_id).outcome, DeleteOutcome::missing);
    EXPECT_EQ(finish(visit.visit_id, friday, finished()).outcome,
              auth::FinishAnswer::Outcome::missing);
    // The slug is free again.
    const std::string again = upsert(anna()).user_id;
    EXPECT_EQ(count(R"(select count(*) from auth.organizations
        where personal_user_id = $1 and slug like '%-2')",
                    {again}),
              0);
}

}  // namespace
}  // namespace tests
