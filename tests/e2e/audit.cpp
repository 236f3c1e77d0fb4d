#include "tests/e2e/audit.hpp"

#include <cstdlib>
#include <fstream>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace e2e {

namespace {

struct AuditRule {
    std::string_view wrong;      // What it means when rows come back.
    std::string_view statement;  // Answers `which`, one row per offence.
};

// Visits end where the runner never sees it, too; so the table itself tells of every end.
constexpr std::string_view audit_trigger = R"sql(
create schema if not exists test;
create table if not exists test.ends (
    visit text not null, before text not null, after text not null,
    at timestamptz not null default clock_timestamp());
create or replace function test.note_end() returns trigger language plpgsql security definer as $$
begin
    insert into test.ends (visit, before, after) values (new.tick_id, old.status, new.status);
    return null;
end $$;
drop trigger if exists note_end on auth.persona_visits;
create trigger note_end after update of status on auth.persona_visits for each row
    when (old.status is distinct from new.status) execute function test.note_end();
create or replace view test.rows as
    select visit, seq, outcome, tool,
        module = 'unknown' or coalesce(error_message, '') like 'not run: %' as never_left
    from ops.actions;
)sql";

constexpr AuditRule audit_always[] = {
    {"row says ok or error, but the workspace committed no such call",
     R"sql(select format('%s#%s %s %s', r.visit, r.seq, r.tool, r.outcome) as which from test.rows r
     where r.outcome in ('ok', 'error') and not r.never_left and not exists (
         select from workspace.calls c where c.visit_id = r.visit and c.visit_seq = r.seq)
     -- What the workspace's policy refused (too many calls within a minute, say) is committed there.
     and not (r.outcome = 'error' and exists (
         select from workspace.policy_events e where e.visit_id = r.visit
             and e.visit_seq = r.seq and e.decision = 'deny')))sql"},
    {"row says otherwise than the workspace's call",
     R"sql(select format('%s#%s row %s, call %s', r.visit, r.seq, r.outcome, c.outcome) as which
     from test.rows r join workspace.calls c on c.visit_id = r.visit and c.visit_seq = r.seq
     where r.outcome <> 'unknown' and not r.never_left and r.outcome <> c.outcome)sql"},
    {"row says that the call never left, but the workspace did it",
     R"sql(select format('%s#%s %s', r.visit, r.seq, r.tool) as which
     from test.rows r join workspace.calls c on c.visit_id = r.visit and c.visit_seq = r.seq
     where r.never_left)sql"},
    {"row twice",
     R"sql(select format('%s#%s', visit, seq) as which from test.rows
     group by visit, seq having count(*) > 1 or seq is null)sql"},
    {"call done twice",
     R"sql(select format('%s#%s', visit_id, visit_seq) as which from workspace.calls
     group by visit_id, visit_seq having count(*) > 1 or visit_id is null)sql"},
    {"record made twice by one call",
     R"sql(select format('%s#%s', visit_id, visit_seq) as which from workspace.changes
     where visit_id is not null and op = 'insert'
     group by visit_id, visit_seq, table_name, data having count(*) > 1)sql"},
    {"rating twice",
     R"sql(select format('%s %s', visit, module) as which from ops.ratings
     group by visit, module having count(*) > 1)sql"},
    {"visit ended twice",
     R"sql(select format('%s: %s', visit, string_agg(before || '>' || after, ', ' order by at))
         as which
     from test.ends group by visit having count(*) > 1 or bool_or(before <> 'running'))sql"},
    {"persona in two running visits",
     R"sql(select user_id as which from auth.persona_visits where status = 'running'
     group by user_id having count(*) > 1)sql"},
    {"calls of two visits of one persona overlap",
     R"sql(with spans as (select user_id, visit_id, min(created_at) as first, max(created_at) as last
         from workspace.calls group by user_id, visit_id)
     select format('%s and %s', a.visit_id, b.visit_id) as which from spans a
     join spans b on a.user_id = b.user_id and a.visit_id < b.visit_id
     where a.first <= b.last and b.first <= a.last)sql"},
};

constexpr AuditRule audit_delivered[] = {
    {"call of the workspace without a row",
     R"sql(select format('%s#%s %s', c.visit_id, c.visit_seq, c.tool) as which
     from workspace.calls c where not exists (
         select from test.rows r where r.visit = c.visit_id and r.seq = c.visit_seq))sql"},
    {"row of no known visit",
     R"sql(select format('%s#%s', r.visit, r.seq) as which from test.rows r
     where not exists (select from ops.visits v where v.visit = r.visit))sql"},
    {"gap in a visit's rows",
     R"sql(select visit as which from test.rows group by visit having max(seq) <> count(*))sql"},
    {"visit still running", "select visit as which from ops.visits where status = 'running'"},
    {"visit without its one end",
     R"sql(select v.visit as which from ops.visits v
     where (select count(*) from test.ends e where e.visit = v.visit) <> 1)sql"},
};

}  // namespace

Audit::Audit(base::Postgres& superuser) : superuser_(superuser) {
    // One statement each: parameters and scripts do not go together.
    std::string_view rest = audit_trigger;
    bool quoted = false;
    std::string statement;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest.substr(i, 2) == "$$") quoted = !quoted;
        if (rest[i] != ';' || quoted) {
            statement += rest[i];
            continue;
        }
        query(std::exchange(statement, {}));
    }
}

std::vector<std::string> Audit::look(base::Transaction& transaction, Depth depth) {
    std::vector<std::string> wrong;
    const auto apply = [&](std::span<const AuditRule> rules) {
        for (const AuditRule& rule : rules) {
            for (const base::SqlRow row : transaction.run(rule.statement)) {
                wrong.push_back(fmt::format("{}: {}", rule.wrong, row.text("which")));
            }
        }
    };
    apply(audit_always);
    if (depth == Depth::delivered) apply(audit_delivered);
    return wrong;
}

// One snapshot, so that a row never seems to be without its call.
std::vector<std::string> Audit::in_one_snapshot(Depth depth) {
    return superuser_.transact([depth](base::Transaction& transaction) {
        transaction.run("set transaction isolation level repeatable read");
        return look(transaction, depth);
    });
}

std::vector<std::string> Audit::at_any_time() {
    return in_one_snapshot(Depth::always);
}

std::vector<std::string> Audit::when_delivered() {
    return in_one_snapshot(Depth::delivered);
}

AuditFigures Audit::figures() {
    const base::SqlRow row = query(R"sql(select
        (select count(*) from ops.visits) as visits,
        (select count(*) from ops.visits where status = 'lost') as lost,
        (select count(*) from workspace.calls) as calls,
        count(*) filter (where outcome = 'ok') as ok,
        count(*) filter (where outcome = 'error' and not never_left) as error,
        count(*) filter (where never_left) as never_left,
        count(*) filter (where outcome = 'unknown') as unknown,
        count(*) filter (where outcome = 'unknown' and exists (select from workspace.calls c
            where c.visit_id = r.visit and c.visit_seq = r.seq)) as unknown_committed
        from test.rows r)sql")[0];
    return {.visits = row.integer("visits"),
            .lost = row.integer("lost"),
            .calls = row.integer("calls"),
            .ok = row.integer("ok"),
            .error = row.integer("error"),
            .never_left = row.integer("never_left"),
            .unknown = row.integer("unknown"),
            .unknown_committed = row.integer("unknown_committed")};
}

base::SqlRows Audit::query(std::string_view statement, const base::SqlParams& params) {
    return superuser_.transact(
        [&](base::Transaction& transaction) { return transaction.run(statement, params); });
}

std::int64_t Audit::count(std::string_view statement, const base::SqlParams& params) {
    return query(statement, params)[0].integer("count");
}

std::string in_words(const std::vector<std::string>& wrong) {
    return wrong.empty() ? std::string(all_well) : fmt::format("{}", fmt::join(wrong, "\n"));
}

std::string told(const std::vector<std::string>& wrong) {
    std::string words = in_words(wrong);
    const char* file = std::getenv("PERSONA_LIES");
    if (file != nullptr && !wrong.empty()) std::ofstream(file, std::ios::app) << words << '\n';
    return words;
}

}  // namespace e2e
