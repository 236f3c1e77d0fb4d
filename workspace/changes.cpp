#include "workspace/changes.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "workspace/dates.hpp"
#include "workspace/record_list.hpp"
#include "workspace/schema.hpp"

namespace workspace {

// What one write puts into the log and into the record.
struct RecordChange {
    base::Json logged;  // The changed fields.
    base::Json times;   // Their times.
    base::Json data;    // The whole record afterwards.
    base::Json data_times;
    std::string owner_id;
    base::Moment updated_at;
    std::optional<std::int64_t> position;
};

namespace {

using base::Json;

constexpr std::size_t changes_list_bytes_max = 512 * 1024;

constexpr std::string_view name_the_scope = R"sql(
select set_config('app.current_user_id', $1, true), set_config('app.current_space', $2, true),
       to_char($3::timestamptz at time zone $4::text, 'YYYY-MM-DD HH24:MI') as local
)sql";

// Whether it is deleted is told, not asked for: with "deleted_at is null" the index of lists would
// fit as well, and before the first statistics the planner takes it and reads the whole table.
constexpr std::string_view find_record = R"sql(
select record_id, created_by, data, field_times, created_at, updated_at,
       deleted_at is not null as deleted from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3 and record_id = $4
)sql";

constexpr std::string_view lock_record = R"sql(
select record_id, created_by, data, field_times, created_at, updated_at,
       deleted_at is not null as deleted from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3 and record_id = $4
for update
)sql";

constexpr std::string_view tally_records = R"sql(
select data ->> $4::text as one, data ->> $5::text as two, count(*) as records
from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3 and deleted_at is null
  and data ->> $4::text is not null and (data ->> $5::text) collate "C" >= $6
group by 1, 2
)sql";

// So many records that no tool can show are passed over in search of others.
constexpr int changes_left_out_max = 1'000;

// Held until the commit: the next position is read by one transaction of a table at a time.
constexpr std::string_view lock_positions =
    "select pg_advisory_xact_lock(hashtextextended($1, 7020))";

// Held until the commit: one transaction at a time saves a value that may exist once.
constexpr std::string_view lock_value = "select pg_advisory_xact_lock(hashtextextended($1, 7021))";

constexpr std::string_view find_holder = R"sql(
select record_id from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3 and once_key = $4 and deleted_at is null
)sql";

constexpr std::string_view next_position = R"sql(
select coalesce(max(position) + 1, 0) as next from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3
)sql";

constexpr std::string_view insert_record = R"sql(
with change as (
    insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, space_id,
        op, data, field_meta, actor, origin, visit_id, visit_seq)
    values ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11::jsonb, 'agent',
            $12, $13::integer)
    returning seq)
insert into workspace.records (space_id, app_id, table_name, record_id, created_by, updated_by,
    data, field_times, once_key, position, created_seq, changed_seq, created_at, updated_at)
select $7, $2, $3, $4, $6, $5, $14::jsonb, $15::jsonb, $17, $18::bigint, seq, seq,
       $16::timestamptz, $16::timestamptz
from change
)sql";

constexpr std::string_view change_record = R"sql(
with change as (
    insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, space_id,
        op, data, field_meta, actor, origin, visit_id, visit_seq)
    values ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11::jsonb, 'agent',
            $12, $13::integer)
    returning seq)
update workspace.records set data = $14::jsonb, field_times = $15::jsonb, updated_by = $5,
    once_key = case when $18::boolean then $17 else once_key end,
    updated_at = greatest(updated_at, $16::timestamptz), changed_seq = change.seq,
    deleted_at = case when $8 = 'delete' then $16::timestamptz end
from change
where space_id = $7 and app_id = $2 and table_name = $3 and record_id = $4
)sql";

Json changes_printed(const Table& table, const std::string& id, const Json& data,
                     base::Moment created_at, base::Moment updated_at) {
    Json record;
    record["id"] = id;
    for (const std::string_view field : table.fields) {
        const auto value = data.find(std::string(field));
        if (value != data.end()) record[std::string(field)] = *value;
    }
    record["createdAt"] = base::to_iso(created_at);
    record["updatedAt"] = base::to_iso(updated_at);
    return record;
}

// Nothing: no tool could show it.
std::optional<Json> changes_seen(const Table& table, const base::SqlRow& row) {
    Json record = changes_printed(table, row.text("record_id"), row.json("data"),
                                  row.moment("created_at"), row.moment("updated_at"));
    if (table.form && !fit(table.form(), record)) return std::nullopt;
    return record;
}

// The tools are used by an AI on behalf of a user; people must be able to tell its edits apart.
Json changes_actor(const std::string& user_id) {
    Json actor;
    actor["kind"] = "ai";
    actor["principalId"] = user_id;
    actor["client"] = "workspace";
    return actor;
}

std::string changes_digest(const std::string& value) {
    return base::to_hex(base::sha256(value));
}

Json changes_times_of(const Json& fields, const std::string& at) {
    Json times = Json::object();
    for (const auto& [name, unused] : fields.items()) times[name] = at;
    return times;
}

}  // namespace

Json merge_fields(Json& data, Json& times, const Json& changed, const std::string& at) {
    Json applied = Json::object();
    for (const auto& [name, value] : changed.items()) {
        if (at < times.value(name, std::string())) continue;
        data[name] = value;
        times[name] = at;
        applied[name] = value;
    }
    return applied;
}

std::string enter(base::Transaction& transaction, const Scope& scope, base::Moment now,
                  std::string_view zone) {
    const auto row = transaction.run(name_the_scope, {scope.user_id, scope.space_id, now, zone})[0];
    std::string local = row.text("local");
    const std::size_t space = local.find(' ');
    const bool is_moment = space != local.npos && is_date(local.substr(0, space)) &&
                           is_time(std::string_view(local).substr(space + 1));
    if (!is_moment) base::strange_answer("column \"local\" holds no day and time");
    return local;
}

Records::Records(base::Transaction& transaction, const Scope& scope, base::Moment now)
    : transaction_(transaction), scope_(scope), now_(now) {}

std::optional<Json> Records::find(const Table& table, std::string_view id) {
    const auto row =
        transaction_
            .run(find_record, {scope_.space_id, table.app, table.name, base::lower_ascii(id)})
            .first();
    if (!row || row->flag("deleted")) return std::nullopt;
    return changes_seen(table, *row);
}

Json Records::list(const Table& table, const Json& equal, const RecordFilter& filter) {
    const auto wanted = static_cast<std::size_t>(filter.limit);
    RecordFilter wider = filter;
    for (;;) {
        const base::SqlRows rows = listed_rows(transaction_, scope_, table, equal, wider);
        Json records = Json::array();
        std::size_t bytes = 0;
        int left_out = 0;
        for (const base::SqlRow row : rows) {
            auto record = changes_seen(table, row);
            if (!record) {
                ++left_out;
                continue;
            }
            bytes += row.text("data").size();
            // One record always fits: a list that shows nothing would hide that there is something.
            was_cut_ = bytes > changes_list_bytes_max && !records.empty();
            if (was_cut_ || records.size() == wanted) break;
            records.push_back(std::move(*record));
        }
        const auto found = rows.empty() ? 0 : static_cast<std::size_t>(rows[0].integer("found"));
        was_cut_ = was_cut_ || (rows.size() < found && records.size() < wanted);
        // What is left out takes no other record's place.
        const bool more = !was_cut_ && found == static_cast<std::size_t>(wider.limit);
        if (left_out > 0 && more && records.size() < wanted && wider.limit == filter.limit) {
            wider.limit += changes_left_out_max;
            continue;
        }
        left_out_ += left_out;
        return records;
    }
}

Records::Tally Records::tally(const Table& table, std::string_view field, std::string_view second,
                              const std::string& from) {
    Tally counts;
    for (const base::SqlRow row : transaction_.run(
             tally_records, {scope_.space_id, table.app, table.name, field, second, from})) {
        counts[row.text("one")][row.text("two")] = static_cast<int>(row.integer("records"));
    }
    return counts;
}

std::int64_t Records::next_place(const Table& table) {
    base::require(table.numbered, "the table keeps an order");
    transaction_.run(lock_positions,
                     {fmt::format("{}/{}/{}", scope_.space_id, table.app, table.name)});
    return transaction_.run(next_position, {scope_.space_id, table.app, table.name})[0].integer(
        "next");
}

std::optional<std::string> Records::holder(const Table& table, const std::string& value) {
    base::require(!table.once.empty(), "the table has a value that exists once");
    const std::string key = changes_digest(value);
    transaction_.run(lock_value,
                     {fmt::format("{}/{}/{}/{}", scope_.space_id, table.app, table.name, key)});
    const auto row =
        transaction_.run(find_holder, {scope_.space_id, table.app, table.name, key}).first();
    if (!row) return std::nullopt;
    return row->text("record_id");
}

Json Records::insert(const Table& table, Json fields) {
    RecordChange change;
    if (table.numbered) {
        change.position = next_place(table);
        fields["order"] = *change.position;
    }
    const std::string id = base::random_uuid();
    change.logged = fields;
    change.times = changes_times_of(fields, base::to_iso(now_));
    change.data = std::move(fields);
    change.data_times = change.times;
    change.owner_id = scope_.user_id;
    change.updated_at = now_;
    write(table, id, "insert", change);
    return changes_printed(table, id, change.data, now_, now_);
}

std::optional<base::SqlRow> Records::lock(const Table& table, std::string_view id) {
    auto row =
        transaction_
            .run(lock_record, {scope_.space_id, table.app, table.name, base::lower_ascii(id)})
            .first();
    if (row && row->flag("deleted")) return std::nullopt;
    return row;
}

std::optional<Json> Records::hold(const Table& table, std::string_view id) {
    const auto row = lock(table, id);
    if (!row) return std::nullopt;
    return changes_seen(table, *row);
}

std::optional<Json> Records::update(const Table& table, std::string_view id, const Json& fields) {
    const auto row = lock(table, id);
    if (!row || !changes_seen(table, *row)) return std::nullopt;
    RecordChange change;
    change.data = row->json("data");
    change.data_times = row->json("field_times");
    // The caller changes what she has just read. When another daemon's clock is ahead of ours, her
    // change still counts as the later one.
    change.updated_at = std::max(now_, row->moment("updated_at"));
    const std::string at = base::to_iso(change.updated_at);
    change.logged = merge_fields(change.data, change.data_times, fields, at);
    change.times = changes_times_of(change.logged, at);
    change.owner_id = row->text("created_by");
    write(table, row->text("record_id"), "update", change);
    Json record = changes_printed(table, row->text("record_id"), change.data,
                                  row->moment("created_at"), change.updated_at);
    if (table.form) fit(table.form(), record);  // What is absent was absent before.
    return record;
}

bool Records::remove(const Table& table, std::string_view id) {
    const auto row = lock(table, id);
    if (!row) return false;
    RecordChange change;
    change.data = row->json("data");
    change.data_times = row->json("field_times");
    change.logged["deletedAt"] = base::to_iso(now_);
    change.times["deletedAt"] = base::to_iso(now_);
    change.owner_id = row->text("created_by");
    change.updated_at = now_;
    write(table, row->text("record_id"), "delete", change);
    return true;
}

void Records::write(const Table& table, std::string_view id, std::string_view op,
                    const RecordChange& change) {
    base::SqlParams params = {base::random_uuid(),
                              table.app,
                              table.name,
                              id,
                              scope_.user_id,
                              change.owner_id,
                              scope_.space_id,
                              op,
                              change.logged,
                              change.times,
                              changes_actor(scope_.user_id),
                              scope_.visit_id,
                              scope_.visit_seq,
                              change.data,
                              change.data_times,
                              change.updated_at};
    const auto value = change.logged.find(std::string(table.once));
    const bool sets_value = !table.once.empty() && value != change.logged.end();
    std::optional<std::string> once_key;
    if (sets_value && value->is_string()) once_key = changes_digest(value->get<std::string>());
    params.emplace_back(once_key);
    if (op == "insert") {
        params.emplace_back(change.position);
    } else {
        params.emplace_back(sets_value);
    }
    transaction_.run(op == "insert" ? insert_record : change_record, params);
    ++written_;
}

}  // namespace workspace
