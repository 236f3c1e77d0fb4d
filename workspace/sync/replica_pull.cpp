// The reading half of the replica: page by page, space by space.
#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/sync/replica.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::string_view pull_enter = R"sql(
select set_config('app.current_user_id', $1, true), set_config('app.current_space', $2, true)
)sql";

// Everything below it has been committed or given up for good.
constexpr std::string_view pull_horizon =
    "select pg_snapshot_xmin(pg_current_snapshot())::text as horizon";

// So many rows, and so many bytes: the row that passes the limit is the last one, so that a page of
// one long row is no end. `found`: what the page would hold without the second limit.
constexpr std::string_view pull_changes = R"sql(
select transaction_id::text as transaction, seq, event_id, table_name, record_id, op, data,
       field_meta, schema_version, actor, origin, created_at, bytes, found
from (select page.*, count(*) over () as found,
             sum(octet_length(data) + octet_length(field_meta)) over before_it as bytes
      from (select transaction_id, seq, id::text as event_id, table_name, record_id, op,
                   data::text as data, field_meta::text as field_meta, schema_version, actor,
                   origin, created_at
            from workspace.changes
            where space_id = $1 and app_id = $2
              and (cardinality($3::text[]) = 0 or table_name = any ($3::text[]))
              and (transaction_id, seq) > ($4::text::xid8, $5::bigint)
              and transaction_id < $6::text::xid8
              and ($7::text is null or client_id is distinct from $7)
            order by transaction_id, seq limit $8::bigint) page
      window before_it as (order by transaction_id, seq rows unbounded preceding)) sized
where bytes - octet_length(data) - octet_length(field_meta) < $9::bigint
order by sized.transaction_id, seq
)sql";

std::uint64_t pull_number(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Json pull_printed(const base::SqlRow& row, const std::string& space_id) {
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

}  // namespace

SyncPage Replica::pull(const SyncQuestion& question) {
    return database_.transact([&](base::Transaction& transaction) {
        SyncPage page;
        std::int64_t bytes = 0;
        const std::string horizon = transaction.run(pull_horizon)[0].text("horizon");
        for (const std::string& space : question.spaces) {
            const auto place = question.since.find(space);
            SyncPlace at = place == question.since.end() ? SyncPlace{} : place->second;
            const std::size_t room = question.limit - page.changes.size();
            if (room == 0 || bytes >= question.bytes_max) {
                page.has_more = true;
                page.until[space] = at;
                continue;
            }
            transaction.run(pull_enter, {question.user_id, space});
            const base::SqlRows rows = transaction.run(
                pull_changes, {space, question.app_id, base::SqlParam::array(question.tables),
                               std::to_string(at.transaction), at.seq, horizon, question.client_id,
                               static_cast<std::int64_t>(room + 1), question.bytes_max - bytes});
            const std::size_t count = std::min(rows.size(), room);
            for (std::size_t i = 0; i < count; ++i) {
                page.changes.push_back(pull_printed(rows[i], space));
                at = {pull_number(rows[i].text("transaction")), rows[i].integer("seq")};
            }
            if (count > 0) bytes += rows[count - 1].integer("bytes");
            if (count > 0 && rows[0].integer("found") > static_cast<std::int64_t>(count)) {
                page.has_more = true;
            } else {
                // All below the horizon is read; what comes later has a transaction from it on.
                at = std::max(at, SyncPlace{pull_number(horizon), 0},
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
