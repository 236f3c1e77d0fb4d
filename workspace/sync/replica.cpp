#include "workspace/sync/replica.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <tuple>

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

// Everything below it has been committed or given up for good.
constexpr std::string_view sync_horizon =
    "select pg_snapshot_xmin(pg_current_snapshot())::text as horizon";

constexpr std::string_view sync_changes = R"sql(
select transaction_id::text as transaction, seq, id::text as event_id, table_name, record_id, op,
       data, field_meta, schema_version, actor, origin, created_at
from workspace.changes
where space_id = $1 and app_id = $2
  and (cardinality($3::text[]) = 0 or table_name = any ($3::text[]))
  and (transaction_id, seq) > ($4::text::xid8, $5::bigint) and transaction_id < $6::text::xid8
  and ($7::text is null or client_id is distinct from $7)
order by transaction_id, seq limit $8::bigint
)sql";

constexpr std::string_view sync_known = R"sql(
select space_id, app_id, table_name, record_id, user_id from workspace.changes where id = $1::uuid
)sql";

// Held until the commit: two devices may make the same record at once, and only a row that exists
// can be locked itself.
constexpr std::string_view sync_lock = "select pg_advisory_xact_lock(hashtextextended($1, 7022))";

constexpr std::string_view sync_record = R"sql(
select created_by, data, field_times, updated_at from workspace.records
where space_id = $1 and app_id = $2 and table_name = $3 and record_id = $4 for update
)sql";

constexpr std::string_view sync_log = R"sql(
insert into workspace.changes (id, app_id, table_name, record_id, user_id, owner_id, space_id, op,
    data, field_meta, actor, origin, schema_version, client_id)
values ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb, $11::jsonb, $12, $13::integer,
        $14)
on conflict (id) do nothing returning seq
)sql";

constexpr std::string_view sync_insert = R"sql(
insert into workspace.records (space_id, app_id, table_name, record_id, created_by, updated_by,
    data, field_times, created_seq, changed_seq, created_at, updated_at, deleted_at)
values ($1, $2, $3, $4, $5, $5, $6::jsonb, $7::jsonb, $8::bigint, $8::bigint, $9::timestamptz,
        $9::timestamptz, $10::timestamptz)
)sql";

constexpr std::string_view sync_update = R"sql(
update workspace.records set data = $5::jsonb, field_times = $6::jsonb, updated_by = $7,
    changed_seq = $8::bigint, updated_at = greatest(updated_at, $9::timestamptz),
    deleted_at = $10::timestamptz
where space_id = $1 and app_id = $2 and table_name = $3 and record_id = $4
)sql";

std::uint64_t sync_number(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Json sync_printed(const base::SqlRow& row, const std::string& space_id) {
    Json change;
    change["eventId"] = row.text("event_id");
    change["schemaVersion"] = row.integer("schema_version");
    change["table"] = row.text("table_name");
    change["id"] = row.text("record_id");
    const std::string op = row.text("op");
    change["op"] = op;
    change["spaceId"] = space_id;
    change["actor"] = row.json("actor");
    change["origin"] = row.text("origin");
    Json data = row.json("data");
    const Json times = row.json("field_meta");
    if (op == "insert") {
        change["data"] = std::move(data);
        change["fieldMeta"] = times;
    } else if (op == "update") {
        change["fields"] = Json::object();
        for (const auto& [name, at] : times.items()) {
            const auto value = data.find(name);
            if (value == data.end()) continue;
            change["fields"][name] = {{"value", *value}, {"at", at}};
        }
    } else {
        const auto at = data.find("deletedAt");
        change["deletedAt"] = at == data.end() ? Json(base::to_iso(row.moment("created_at"))) : *at;
    }
    return change;
}

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

}  // namespace

std::size_t Replica::push(const PushAuthor& author, const std::vector<PushedChange>& changes) {
    // One order for everybody, so that two pushes never wait for each other; changes of one record
    // keep theirs.
    std::vector<std::size_t> order(changes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&changes](std::size_t left, std::size_t right) {
        const PushedChange &one = changes[left], &two = changes[right];
        return std::tie(one.space_id, one.table, one.record_id, left) <
               std::tie(two.space_id, two.table, two.record_id, right);
    });
    return database_.transact([&](base::Transaction& transaction) {
        std::size_t fresh = 0;
        std::string space;
        for (const std::size_t at : order) {
            const PushedChange& change = changes[at];
            if (space != change.space_id) {
                space = change.space_id;
                transaction.run(sync_enter, {author.user_id, space});
            }
            fresh += store(transaction, author, change) ? 1 : 0;
        }
        return fresh;
    });
}

bool Replica::store(base::Transaction& transaction, const PushAuthor& author,
                    const PushedChange& change) {
    const std::string& space = change.space_id;
    transaction.run(sync_lock,
                    {space + "/" + author.app_id + "/" + change.table + "/" + change.record_id});
    const auto row =
        transaction.run(sync_record, {space, author.app_id, change.table, change.record_id})
            .first();
    const auto logged =
        transaction
            .run(sync_log, {change.event_id, author.app_id, change.table, change.record_id,
                            author.user_id, row ? row->text("created_by") : author.user_id, space,
                            change.op, change.values, change.times, change.actor, change.origin,
                            change.schema_version, author.client_id})
            .first();
    if (!logged) {
        // Visible only when it is of this space, and then it must be the same change.
        const auto known = transaction.run(sync_known, {change.event_id}).first();
        const bool same = known && known->text("user_id") == author.user_id &&
                          known->text("app_id") == author.app_id &&
                          known->text("table_name") == change.table &&
                          known->text("record_id") == change.record_id;
        if (same) return false;
        throw Failure(
            Failure::Kind::conflict,
            "eventId " + change.event_id + " belongs to another change; give each its own",
            "EVENT_ID_TAKEN");
    }
    const std::int64_t seq = logged->integer("seq");
    Json data = row ? row->json("data") : Json::object();
    Json times = row ? row->json("field_times") : Json::object();
    const bool changed = merge_change(data, times, change);
    if (row && !changed) return true;  // An older writer; the log has it all the same.
    const base::Moment at = sync_newest(change.times, author.now);
    const auto deleted_at = sync_deleted_at(data);
    if (row) {
        transaction.run(sync_update, {space, author.app_id, change.table, change.record_id, data,
                                      times, author.user_id, seq, at, deleted_at});
    } else {
        transaction.run(sync_insert, {space, author.app_id, change.table, change.record_id,
                                      author.user_id, data, times, seq, at, deleted_at});
    }
    return true;
}

SyncPage Replica::pull(const SyncQuestion& question) {
    return database_.transact([&](base::Transaction& transaction) {
        SyncPage page;
        const std::string horizon = transaction.run(sync_horizon)[0].text("horizon");
        for (const std::string& space : question.spaces) {
            const auto place = question.since.find(space);
            SyncPlace at = place == question.since.end() ? SyncPlace{} : place->second;
            const std::size_t room = question.limit - page.changes.size();
            if (room == 0) {
                page.has_more = true;
                page.until[space] = at;
                continue;
            }
            transaction.run(sync_enter, {question.user_id, space});
            const base::SqlRows rows = transaction.run(
                sync_changes, {space, question.app_id, base::SqlParam::array(question.tables),
                               std::to_string(at.transaction), at.seq, horizon, question.client_id,
                               static_cast<std::int64_t>(room + 1)});
            const std::size_t count = std::min(rows.size(), room);
            for (std::size_t i = 0; i < count; ++i) {
                page.changes.push_back(sync_printed(rows[i], space));
                at = {sync_number(rows[i].text("transaction")), rows[i].integer("seq")};
            }
            if (rows.size() > room) {
                page.has_more = true;
            } else {
                // All below the horizon is read; what comes later has a transaction from it on.
                at = std::max(at, SyncPlace{sync_number(horizon), 0},
                              [](const SyncPlace& left, const SyncPlace& right) {
                                  return std::tie(left.transaction, left.seq) <
                                         std::tie(right.transaction, right.seq);
                              });
            }
            page.until[space] = at;
        }
        return page;
    });
}

}  // namespace workspace
