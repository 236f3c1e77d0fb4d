#include "workspace/sync/replica.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;

constexpr std::string_view sync_enter = R"sql(
select set_config('app.current_user_id', $1, true), set_config('app.current_space', $2, true)
)sql";

constexpr std::string_view sync_known = R"sql(
select id::text as id, app_id, table_name, record_id, user_id from workspace.changes
where id = any ($1::uuid[])
)sql";

// Held until the commit: two devices may make the same record at once, and only a row that exists
// can be locked itself. In one order for everybody.
constexpr std::string_view sync_lock = R"sql(
select pg_advisory_xact_lock(hashtextextended(one.key, 7022))
from unnest($1::text[]) with ordinality as one (key, place) order by one.place
)sql";

// Record by record through the primary key, whatever the planner believes of the space's size.
// `bytes`: of all of them; too many are not handed out.
constexpr std::string_view sync_records = R"sql(
select table_name, record_id, created_by, bytes,
       case when bytes <= $5::bigint then data end as data,
       case when bytes <= $5::bigint then field_times end as field_times
from (select stored.*, sum(octet_length(data::text)) over () as bytes
      from unnest($3::text[], $4::text[]) as one (tab, record)
      cross join lateral (
          select table_name, record_id, created_by, data, field_times from workspace.records
          where space_id = $1 and app_id = $2 and table_name = one.tab and record_id = one.record
          for update) stored) sized
)sql";
constexpr std::int64_t sync_records_bytes_max = 32 * 1024 * 1024;  // Changed by one push.
constexpr std::size_t sync_record_bytes_max = 2 * 1024 * 1024;

constexpr std::string_view sync_log = R"sql(
insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, space_id, op,
    data, field_meta, actor, origin, schema_version, client_id)
select one.id, $2, one.tab, one.record, $3, one.owner, $1, one.op, one.data, one.times, one.actor,
       one.origin, one.version, $4
from rows from (jsonb_to_recordset($5::jsonb) as (id uuid, tab text, record text, owner text,
    op text, data jsonb, times jsonb, actor jsonb, origin text, version integer))
    with ordinality as one (id, tab, record, owner, op, data, times, actor, origin, version, place)
order by one.place
on conflict (id) do nothing returning id::text as id, seq
)sql";

// What is there already keeps its creator and its beginning. It holds its value that exists once
// per space (see Table::once) only as long as it has that value and lives: devices may double one.
constexpr std::string_view sync_keep = R"sql(
insert into workspace.records as r (space_id, app_id, table_name, record_id, created_by, updated_by,
    data, field_times, created_seq, changed_seq, created_at, updated_at, deleted_at)
select $1, $2, one.tab, one.record, $3, $3, one.data, one.times, one.first_seq, one.last_seq,
       one.first_at, one.last_at, one.deleted_at
from jsonb_to_recordset($4::jsonb) as one (tab text, record text, data jsonb, times jsonb,
    first_seq bigint, last_seq bigint, first_at timestamptz, last_at timestamptz,
    deleted_at timestamptz)
on conflict (space_id, app_id, table_name, record_id) do update set data = excluded.data,
    field_times = excluded.field_times, updated_by = excluded.updated_by,
    changed_seq = excluded.changed_seq, updated_at = greatest(r.updated_at, excluded.updated_at),
    deleted_at = excluded.deleted_at,
    once_key = case when r.once_key is not null and r.deleted_at is null and exists (
        select from jsonb_each_text(excluded.data) field
        where encode(sha256(convert_to(field.value, 'UTF8')), 'hex') = r.once_key)
        then r.once_key end
)sql";

// When the record was deleted, as its fields have it now.
std::optional<base::Moment> sync_deleted_at(const Json& data) {
    const auto at = data.find("deletedAt");
    if (at == data.end() || !at->is_string()) return std::nullopt;
    return base::from_iso(at->get_ref<const std::string&>());
}

base::Moment sync_newest(const Json& times, base::Moment otherwise) {
    std::string newest;
    for (const auto& [name, at] : times.items()) newest = std::max(newest, at.get<std::string>());
    return base::from_iso(newest).value_or(otherwise);
}

// One record while the changes of a push are merged into it.
struct SyncRecord {
    std::string table, id, owner;
    bool exists = false, changed = false;
    Json data = Json::object(), times = Json::object();
    std::int64_t first_seq = 0, last_seq = 0;
    base::Moment first_at, last_at;
};
using SyncChanges = std::vector<const PushedChange*>;  // Of one space, each record's together.

// What is stored of the records that are changed, locked; new ones are empty and the author's.
std::vector<SyncRecord> sync_lock_records(base::Transaction& transaction, const PushAuthor& author,
                                          const std::string& space, const SyncChanges& changes) {
    std::vector<SyncRecord> records;
    std::vector<std::string> keys, tables, ids;
    for (const PushedChange* change : changes) {
        if (!ids.empty() && tables.back() == change->table && ids.back() == change->record_id) {
            continue;
        }
        records.push_back(
            {.table = change->table, .id = change->record_id, .owner = author.user_id});
        keys.push_back(space + "/" + author.app_id + "/" + change->table + "/" + change->record_id);
        tables.push_back(change->table);
        ids.push_back(change->record_id);
    }
    transaction.run(sync_lock, {base::SqlParam::array(keys)});
    std::map<std::pair<std::string, std::string>, base::SqlRow> stored;
    for (const base::SqlRow& row :
         transaction.run(sync_records, {space, author.app_id, base::SqlParam::array(tables),
                                        base::SqlParam::array(ids), sync_records_bytes_max})) {
        if (row.integer("bytes") > sync_records_bytes_max) {
            throw Failure{Failure(Failure::Kind::invalid,
                                  "the records that these changes belong to are larger than 32 MiB "
                                  "together; push fewer changes at once",
                                  "RECORDS_TOO_LARGE")
                              .status(413)};
        }
        stored.emplace(std::pair{row.text("table_name"), row.text("record_id")}, row);
    }
    for (SyncRecord& record : records) {
        const auto row = stored.find({record.table, record.id});
        if (row == stored.end()) continue;
        record.exists = true;
        record.owner = row->second.text("created_by");
        record.data = row->second.json("data");
        record.times = row->second.json("field_times");
    }
    return records;
}

// The record of each change: both are in the same order.
std::vector<SyncRecord*> sync_pair(const SyncChanges& changes, std::vector<SyncRecord>& records) {
    std::vector<SyncRecord*> of;
    auto record = records.begin();
    for (const PushedChange* change : changes) {
        if (record->table != change->table || record->id != change->record_id) ++record;
        of.push_back(&*record);
    }
    return of;
}

// Leaves out the records that exist, and what was to change them.
void sync_keep_new(SyncChanges& changes, std::vector<SyncRecord>& records) {
    const std::vector<SyncRecord*> of = sync_pair(changes, records);
    SyncChanges fresh;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        if (!of[i]->exists) fresh.push_back(changes[i]);
    }
    changes = std::move(fresh);
    std::erase_if(records, [](const SyncRecord& record) { return record.exists; });
}

using SyncLogged = std::map<std::string, std::int64_t, std::less<>>;  // Event id -> seq.

SyncLogged sync_write_log(base::Transaction& transaction, const PushAuthor& author,
                          const std::string& space, const SyncChanges& changes,
                          const std::vector<SyncRecord*>& of) {
    Json lines = Json::array();
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const PushedChange& change = *changes[i];
        lines.push_back({{"id", change.event_id},
                         {"tab", change.table},
                         {"record", change.record_id},
                         {"owner", of[i]->owner},
                         {"op", change.op},
                         {"data", change.values},
                         {"times", change.times},
                         {"actor", change.actor},
                         {"origin", change.origin},
                         {"version", change.schema_version}});
    }
    SyncLogged logged;
    for (const base::SqlRow& row : transaction.run(
             sync_log,
             {space, author.app_id, author.user_id, author.client_id, base::SqlParam(lines)})) {
        logged.emplace(row.text("id"), row.integer("seq"));
    }
    return logged;
}

// Those that were in the log before are visible only when they are of this space, and then they
// must be the same changes.
void sync_check_known(base::Transaction& transaction, const PushAuthor& author,
                      const SyncChanges& known) {
    if (known.empty()) return;
    std::vector<std::string> ids;
    for (const PushedChange* change : known) ids.push_back(change->event_id);
    std::map<std::string, base::SqlRow> stored;
    for (const base::SqlRow& row : transaction.run(sync_known, {base::SqlParam::array(ids)})) {
        stored.emplace(row.text("id"), row);
    }
    for (const PushedChange* change : known) {
        const auto row = stored.find(change->event_id);
        if (row != stored.end() && row->second.text("user_id") == author.user_id &&
            row->second.text("app_id") == author.app_id &&
            row->second.text("table_name") == change->table &&
            row->second.text("record_id") == change->record_id) {
            continue;
        }
        throw Failure(
            Failure::Kind::conflict,
            "eventId " + change->event_id + " belongs to another change; give each its own",
            "EVENT_ID_TAKEN");
    }
}

void sync_merge(SyncRecord& record, const PushedChange& change, std::int64_t seq,
                base::Moment now) {
    const bool merged = merge_change(record.data, record.times, change);
    // An older writer changes nothing; the log has it all the same.
    if (!merged && (record.exists || record.changed)) return;
    const base::Moment at = sync_newest(change.times, now);
    if (!record.changed) {
        record.first_seq = seq;
        record.first_at = record.last_at = at;
    }
    record.last_at = std::max(record.last_at, at);
    record.last_seq = seq;
    record.changed = true;
}

void sync_write_records(base::Transaction& transaction, const PushAuthor& author,
                        const std::string& space, const std::vector<SyncRecord>& records) {
    Json rows = Json::array();
    for (const SyncRecord& record : records) {
        if (!record.changed) continue;
        if (base::to_text(record.data).size() > sync_record_bytes_max) {
            throw Failure(Failure::Kind::invalid,
                          "record " + record.id + " of " + record.table +
                              " must not be larger than 2 MiB with all of its fields",
                          "RECORD_TOO_LARGE");
        }
        const auto deleted_at = sync_deleted_at(record.data);
        rows.push_back({{"tab", record.table},
                        {"record", record.id},
                        {"data", record.data},
                        {"times", record.times},
                        {"first_seq", record.first_seq},
                        {"last_seq", record.last_seq},
                        {"first_at", base::to_iso(record.first_at)},
                        {"last_at", base::to_iso(record.last_at)},
                        {"deleted_at", deleted_at ? Json(base::to_iso(*deleted_at)) : Json()}});
    }
    if (rows.empty()) return;
    transaction.run(sync_keep, {space, author.app_id, author.user_id, base::SqlParam(rows)});
}

// The changes of one space, in five or six statements, however many they are.
std::size_t sync_push(base::Transaction& transaction, const PushAuthor& author,
                      const std::string& space, SyncChanges changes) {
    transaction.run(sync_enter, {author.user_id, space});
    std::vector<SyncRecord> records = sync_lock_records(transaction, author, space, changes);
    if (author.only_new) sync_keep_new(changes, records);
    const std::vector<SyncRecord*> of = sync_pair(changes, records);
    SyncLogged logged = sync_write_log(transaction, author, space, changes, of);
    const std::size_t fresh = logged.size();
    SyncChanges known;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const auto line = logged.find(changes[i]->event_id);
        if (line == logged.end()) {
            known.push_back(changes[i]);
            continue;
        }
        sync_merge(*of[i], *changes[i], line->second, author.now);
        logged.erase(line);  // A second one of this id was not stored.
    }
    sync_check_known(transaction, author, known);
    sync_write_records(transaction, author, space, records);
    return fresh;
}

}  // namespace

std::size_t Replica::push(const PushAuthor& author, const std::vector<PushedChange>& changes) {
    // One order for everybody, so that two pushes never wait for each other; changes of one record
    // keep theirs.
    SyncChanges order;
    for (const PushedChange& change : changes) order.push_back(&change);
    std::sort(order.begin(), order.end(), [](const PushedChange* one, const PushedChange* two) {
        return std::tie(one->space_id, one->table, one->record_id, one) <
               std::tie(two->space_id, two->table, two->record_id, two);
    });
    return database_.transact([&](base::Transaction& transaction) {
        std::size_t fresh = 0;
        for (auto first = order.begin(); first != order.end();) {
            const std::string& space = (*first)->space_id;
            const auto last = std::find_if(first, order.end(), [&](const PushedChange* change) {
                return change->space_id != space;
            });
            fresh += sync_push(transaction, author, space, SyncChanges(first, last));
            first = last;
        }
        return fresh;
    });
}

}  // namespace workspace
