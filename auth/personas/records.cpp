#include "auth/personas/records.hpp"

#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "auth/personas/slots.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view persona_exists = "select 1 from auth.personas where user_id = $1";

// Whether she exists, a visit of the list that is none of hers, and how many of them have ended.
// One look-up a visit: joined, all visits of hers would be read. The lock makes whoever ends a
// visit wait for its rows, so one side always sees the other: a visit that ends while we wait for
// it is no longer among `running`. What has ended stays so and needs no lock.
constexpr std::string_view find_owners = R"(
with listed as (
    select tick_id, user_id from auth.persona_visits where tick_id = any($2::text[])),
running as (
    select tick_id from auth.persona_visits
    where tick_id = any($2::text[]) and status = 'running'
    for key share)
select exists (select from auth.personas where user_id = $1) as known,
    (select w.tick_id from unnest($2::text[]) as w (tick_id)
    where (select l.user_id from listed l where l.tick_id = w.tick_id) is distinct from $1
    limit 1) as unknown_visit,
    (select count(*) from listed) - (select count(*) from running) as ended)";

// Arrays are read several times faster than a document of the same rows.
constexpr std::string_view insert_actions = R"(
insert into auth.persona_actions (id, persona_id, tick_id, seq, started_at, module, tool_name,
    input_hash, input, outcome, result, error_message, latency_ms, created_at)
select r.id, $1, r.tick_id, r.seq, r.started_at, r.module, r.tool_name, r.input_hash, r.input,
    r.outcome, case r.outcome when 'ok' then 'ok' else 'error' end, r.error_message, r.latency_ms,
    $13::timestamptz
from unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::text[], $7::text[],
    $8::text[], $9::jsonb[], $10::text[], $11::text[], $12::bigint[])
    as r (id, tick_id, seq, started_at, module, tool_name, input_hash, input, outcome,
        error_message, latency_ms))";

// Rows that were just inserted equal themselves; the others show whether they say the same.
constexpr std::string_view count_differing_actions = R"(
select count(*) as differing
from unnest($2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::text[], $7::text[],
    $8::text[], $9::jsonb[], $10::text[], $11::text[], $12::bigint[])
    as r (id, tick_id, seq, started_at, module, tool_name, input_hash, input, outcome,
        error_message, latency_ms)
join auth.persona_actions a
    on a.persona_id = $1 and a.tick_id = r.tick_id and a.seq = r.seq
where (a.started_at, a.module, a.tool_name, a.input_hash, a.input, a.outcome, a.error_message,
        a.latency_ms)
    is distinct from (r.started_at, r.module, r.tool_name, r.input_hash, r.input, r.outcome,
        r.error_message, r.latency_ms))";

constexpr std::string_view lock_cadence =
    "select tick_cadence from auth.personas where user_id = $1 for update";

constexpr std::string_view note_day_of_old_client = R"(
update auth.personas
set last_active_at = greatest(last_active_at, $2::timestamptz),
    next_due_at = greatest(next_due_at, $3::timestamptz), retry_slot = null, retry_attempt = null,
    following_slot = null
where user_id = $1)";

constexpr std::string_view insert_ratings_once = R"(
insert into auth.persona_feedback
    (id, persona_id, tick_id, module, status, rating, notes, evidence, created_at)
select r.id, $1, r.tick_id, r.module, r.status, r.rating, r.notes, r.evidence, $3::timestamptz
from jsonb_to_recordset($2::jsonb) as r (id text, tick_id text, module text, status text,
    rating smallint, notes text, evidence integer[])
on conflict do nothing)";

constexpr std::string_view count_differing_ratings = R"(
select count(*) as differing
from jsonb_to_recordset($2::jsonb) as r (tick_id text, module text, status text, rating smallint,
    notes text, evidence integer[])
join auth.persona_feedback f
    on f.persona_id = $1 and f.tick_id = r.tick_id and f.module = r.module
where (f.status, f.rating, f.notes, f.evidence)
    is distinct from (r.status, r.rating, r.notes, r.evidence))";

constexpr std::string_view export_visits = R"(
select tick_id as id, started_at as at, json_build_object('kind', 'visit', 'tickId', tick_id,
    'status', status, 'attempt', attempt, 'slot', slot, 'startedAt', started_at,
    'deadline', deadline, 'endedAt', ended_at, 'reason', reason, 'errorSource', error_source,
    'turns', turns, 'toolCalls', tool_calls, 'tokens', json_build_object('input', tokens_input,
        'output', tokens_output, 'cacheWrite', tokens_cache_write, 'cacheRead', tokens_cache_read),
    'costUsd', cost_usd, 'model', model,
    'product', json_build_object('name', product_name, 'version', product_version),
    'summary', summary, 'runnerId', runner_id) as row
from auth.persona_visits
where user_id = $1 and (started_at, tick_id) > ($2::timestamptz, $3)
order by started_at, tick_id limit 500)";

constexpr std::string_view export_actions = R"(
select id, created_at as at, json_build_object('kind', 'action', 'id', id, 'tickId', tick_id,
    'seq', seq, 'startedAt', started_at, 'module', module, 'toolName', tool_name,
    'inputHash', input_hash, 'input', input, 'outcome', outcome, 'result', result,
    'errorMessage', error_message, 'latencyMs', latency_ms, 'createdAt', created_at) as row
from auth.persona_actions
where persona_id = $1 and (created_at, id) > ($2::timestamptz, $3)
order by created_at, id limit 500)";

constexpr std::string_view export_ratings = R"(
select id, created_at as at, json_build_object('kind', 'rating', 'id', id, 'tickId', tick_id,
    'module', module, 'status', status, 'rating', rating, 'notes', notes,
    'evidence', evidence, 'createdAt', created_at) as row
from auth.persona_feedback
where persona_id = $1 and (created_at, id) > ($2::timestamptz, $3)
order by created_at, id limit 500)";

// The marker that old clients send in place of a module when they could not read an answer.
constexpr std::string_view unparsed_marker = "__parse";

base::Failure persona_unknown() {
    return {base::Failure::Kind::missing, "Persona not found", "persona_unknown"};
}

// Every part with its length, so that no two keys run into each other.
std::string record_id(std::initializer_list<std::string> parts) {
    std::string key;
    for (const std::string& part : parts) {
        key += std::to_string(part.size()) + ':' + part;
    }
    return base::to_hex(base::sha256(key));
}

base::Json record_text(const std::string& text) {
    return text.empty() ? base::Json(nullptr) : base::Json(text);
}

// PostgreSQL stores no NUL character; an escaped backslash before "u0000" is none.
std::string record_text_of(const base::Json& value) {
    std::string text = base::to_text(value);
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] != '\\') continue;
        if (text.compare(i, 6, "\\u0000") == 0) text.replace(i, 6, "\\ufffd");
        ++i;
    }
    return text;
}

using RecordColumn = std::vector<std::optional<std::string>>;

std::optional<std::string> record_cell(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return base::clean_utf8(text);
}

// The rows of a batch as columns, which the statements join again.
struct ActionColumns {
    RecordColumn ids, visits, seqs, starts, modules, tools, hashes, inputs, outcomes, errors,
        latencies;

    void add(const std::string& user_id, const catalog::Action& action, std::size_t index);
    base::SqlParams params(const std::string& user_id) const;
};

void ActionColumns::add(const std::string& user_id, const catalog::Action& action,
                        std::size_t index) {
    const std::string outcome(word_of(action.outcome));
    const std::string latency = action.latency_ms ? std::to_string(*action.latency_ms) : "";
    const bool keyed = action.seq > 0;
    ids.emplace_back(
        keyed ? record_id({user_id, action.visit_id, std::to_string(action.seq)})
              : record_id({user_id, action.visit_id, "old", std::to_string(index), action.tool,
                           action.input_hash, outcome, action.error_message, latency}));
    visits.emplace_back(action.visit_id);
    seqs.push_back(keyed ? std::optional(std::to_string(action.seq)) : std::nullopt);
    starts.push_back(keyed ? base::SqlParam(action.started_at).text() : std::nullopt);
    modules.push_back(record_cell(action.module));
    tools.emplace_back(base::clean_utf8(action.tool));
    hashes.push_back(record_cell(action.input_hash));
    inputs.push_back(action.input ? std::optional(record_text_of(*action.input)) : std::nullopt);
    outcomes.emplace_back(outcome);
    errors.push_back(record_cell(action.error_message));
    latencies.push_back(record_cell(latency));
}

base::SqlParams ActionColumns::params(const std::string& user_id) const {
    base::SqlParams params{user_id};
    for (const RecordColumn* column : {&ids, &visits, &seqs, &starts, &modules, &tools, &hashes,
                                       &inputs, &outcomes, &errors, &latencies}) {
        params.push_back(base::SqlParam::array(*column));
    }
    return params;
}

base::Json rating_row(const std::string& user_id, const catalog::Rating& rating) {
    using Status = catalog::Rating::Status;
    const bool marker = rating.module == unparsed_marker && rating.status == Status::rated;
    base::Json row = base::Json::object();
    row["id"] = record_id({user_id, rating.visit_id, "rating", rating.module});
    row["tick_id"] = rating.visit_id;
    row["module"] = rating.module;
    row["status"] = word_of(marker ? Status::unparsed : rating.status);
    if (rating.score && !marker) row["rating"] = *rating.score;
    row["notes"] = record_text(rating.notes);
    row["evidence"] = rating.evidence;
    return row;
}

// The rows' owner and their visits exist. Answers how many of the visits have ended.
std::int64_t require_owners(base::Transaction& transaction, const std::string& user_id,
                            const std::set<std::string>& visit_ids) {
    const std::vector<std::string> list(visit_ids.begin(), visit_ids.end());
    const auto row = transaction.run(find_owners, {user_id, base::SqlParam::array(list)})[0];
    if (!row.flag("known")) throw persona_unknown();
    if (const auto visit_id = row.text_or_none("unknown_visit")) {
        throw base::Failure(
            base::Failure::Kind::missing,
            "tickId \"" + *visit_id + "\" is no visit of this persona; send ids that a claim gave",
            "visit_unknown");
    }
    return row.integer("ended");
}

// `params`: those that both statements share; the insert takes the time as one more.
Stored store_rows(base::Transaction& transaction, std::string_view insert,
                  std::string_view count_differing, base::SqlParams params, std::size_t rows,
                  base::Moment now) {
    Stored stored;
    stored.written = rows;
    if (rows == 0) return stored;
    params.emplace_back(now);
    stored.inserted = transaction.run(insert, params).affected();
    stored.known = stored.written - stored.inserted;
    if (stored.known > 0) {
        params.pop_back();
        const auto row = transaction.run(count_differing, params)[0];
        stored.differing = static_cast<std::size_t>(row.integer("differing"));
    }
    return stored;
}

}  // namespace

Records::Records(base::Postgres& database, VisitRules rules)
    : database_(database), rules_(std::move(rules)) {}

bool Records::knows_persona(const std::string& user_id) {
    return database_.transact([&](base::Transaction& transaction) {
        return !transaction.run(persona_exists, {user_id}).empty();
    });
}

void Records::require_persona(const std::string& user_id) {
    if (!knows_persona(user_id)) throw persona_unknown();
}

// Looking for each row before inserting it costs a third more. So it is done only when a row turns
// out to be known: when an answer was lost and the batch comes again.
Stored Records::store_actions(const std::string& user_id,
                              const std::vector<catalog::Action>& actions, base::Moment now) {
    try {
        return store_actions(user_id, actions, insert_actions, now);
    } catch (const base::Failure& failure) {
        // Nothing of the batch was stored; the keys of rows are its only unique ones.
        if (failure.kind() != base::Failure::Kind::conflict) throw;
    }
    return store_actions(user_id, actions, std::string(insert_actions) + " on conflict do nothing",
                         now);
}

Stored Records::store_actions(const std::string& user_id,
                              const std::vector<catalog::Action>& actions, std::string_view insert,
                              base::Moment now) {
    ActionColumns columns;
    std::set<std::string> visit_ids;
    bool old_client = false;
    for (std::size_t i = 0; i < actions.size(); ++i) {
        columns.add(user_id, actions[i], i);
        if (actions[i].seq > 0) {
            visit_ids.insert(actions[i].visit_id);
        } else {
            old_client = true;
        }
    }
    const base::SqlParams params = columns.params(user_id);
    return database_.transact([&](base::Transaction& transaction) {
        const std::int64_t ended = require_owners(transaction, user_id, visit_ids);
        const Stored stored =
            store_rows(transaction, insert, count_differing_actions, params, actions.size(), now);
        if (ended > 0 && stored.inserted > 0) note_late_rows(transaction, user_id, visit_ids);
        if (old_client) {
            const auto row = transaction.run(lock_cadence, {user_id}).first();
            if (row) {
                const auto cadence = catalog::cadence_of(row->text("tick_cadence"));
                if (!cadence) base::strange_answer("column \"tick_cadence\" holds no cadence");
                skip_retried_slot(transaction, user_id, "lived_already", now);
                transaction.run(note_day_of_old_client,
                                {user_id, now, catalog::next_slot(*cadence, now, rules_.zone)});
            }
        }
        return stored;
    });
}

Stored Records::store_ratings(const std::string& user_id,
                              const std::vector<catalog::Rating>& ratings, bool from_visits,
                              base::Moment now) {
    base::Json rows = base::Json::array();
    std::set<std::string> visit_ids;
    for (const catalog::Rating& rating : ratings) {
        rows.push_back(rating_row(user_id, rating));
        if (from_visits) visit_ids.insert(rating.visit_id);
    }
    const base::SqlParams params{user_id, record_text_of(rows)};
    return database_.transact([&](base::Transaction& transaction) {
        require_owners(transaction, user_id, visit_ids);
        return store_rows(transaction, insert_ratings_once, count_differing_ratings, params,
                          ratings.size(), now);
    });
}

std::size_t Records::export_all(const std::string& user_id,
                                const std::function<bool(const base::Json&)>& row) {
    std::size_t rows = 0;
    for (const std::string_view statement : {export_visits, export_actions, export_ratings}) {
        std::string at = "-infinity";
        std::string id;
        while (true) {
            const base::SqlRows page = database_.transact([&](base::Transaction& transaction) {
                return transaction.run(statement, {user_id, at, id});
            });
            if (page.empty()) break;
            for (const base::SqlRow entry : page) {
                if (!row(entry.json("row"))) return rows;
                ++rows;
                at = entry.text("at");
                id = entry.text("id");
            }
        }
    }
    return rows;
}

}  // namespace auth
