#include "workspace/departure.hpp"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::int64_t departure_page = 500;

// Each row as JSON behind its place in the order, so that the next page begins there.
constexpr std::string_view page_of_records = R"(
select json_build_object('kind', 'record', 'spaceId', space_id, 'app', app_id,
    'table', table_name, 'id', record_id, 'createdBy', created_by, 'updatedBy', updated_by,
    'data', data, 'createdAt', created_at, 'updatedAt', updated_at, 'deletedAt', deleted_at,
    'changedSeq', changed_seq) as row, created_seq as number
from workspace.records where created_by = $1 and created_seq > $2
order by created_seq limit $3)";

constexpr std::string_view page_of_changes = R"(
select json_build_object('kind', 'change', 'seq', seq, 'id', id, 'spaceId', space_id,
    'app', app_id, 'table', table_name, 'recordId', record_id, 'userId', user_id,
    'ownerId', owner_id, 'op', op, 'data', data, 'fieldMeta', field_meta, 'actor', actor,
    'origin', origin, 'tickId', visit_id, 'tickSeq', visit_seq, 'createdAt', created_at) as row,
    seq as number
from workspace.changes where (user_id = $1 or owner_id = $1) and seq > $2
order by seq limit $3)";

constexpr std::string_view page_of_calls = R"(
select json_build_object('kind', 'call', 'id', id, 'spaceId', space_id, 'tickId', visit_id,
    'tickSeq', visit_seq, 'tool', tool, 'inputHash', input_hash, 'outcome', outcome,
    'answer', answer, 'changes', changes, 'createdAt', created_at) as row, id as number
from workspace.calls where user_id = $1 and id > $2
order by id limit $3)";

constexpr std::string_view page_of_policy_events = R"(
select json_build_object('kind', 'policy_event', 'id', id, 'spaceId', space_id, 'tool', tool,
    'decision', decision, 'reason', reason, 'marker', marker, 'place', place, 'mode', mode,
    'tickId', visit_id, 'tickSeq', visit_seq, 'createdAt', created_at) as row, id as number
from workspace.policy_events where user_id = $1 and id > $2
order by id limit $3)";

constexpr std::string_view page_of_permissions = R"(
select json_build_object('kind', 'permissions', 'allowDestructive', allow_destructive,
    'updatedAt', updated_at) as row, 0 as number
from workspace.permissions where user_id = $1 and 0 > $2::bigint limit $3)";

constexpr std::string_view delete_records = "delete from workspace.records where created_by = $1";
constexpr std::string_view delete_changes =
    "delete from workspace.changes where user_id = $1 or owner_id = $1";
constexpr std::string_view delete_calls = "delete from workspace.calls where user_id = $1";
constexpr std::string_view delete_policy_events =
    "delete from workspace.policy_events where user_id = $1";
constexpr std::string_view delete_permissions =
    "delete from workspace.permissions where user_id = $1";

constexpr std::string_view delete_space_records =
    "delete from workspace.records where space_id = $1";
constexpr std::string_view delete_space_changes =
    "delete from workspace.changes where space_id = $1";
constexpr std::string_view delete_space_calls = "delete from workspace.calls where space_id = $1";
constexpr std::string_view delete_space_policy_events =
    "delete from workspace.policy_events where space_id = $1";

constexpr std::string_view tables_of_user = R"(
    select app_id, table_name, count(*) as records, max(updated_at) as last_at
      from workspace.records
     where created_by = $1 and deleted_at is null
     group by app_id, table_name order by app_id, table_name)";

// How many rows were written; `open` becomes false when the writer stopped.
std::size_t export_pages(base::Postgres& database, std::string_view page, std::string_view user_id,
                         const std::function<bool(const Json&)>& write, bool& open) {
    std::size_t written = 0;
    std::int64_t after = -1;
    while (open) {
        const base::SqlRows rows = database.transact([&](base::Transaction& transaction) {
            transaction.set_local("app.departing_user_id", user_id);
            return transaction.run(page, {user_id, after, departure_page});
        });
        for (const base::SqlRow row : rows) {
            open = open && write(row.json("row"));
            if (!open) return written;
            after = row.integer("number");
            ++written;
        }
        if (static_cast<std::int64_t>(rows.size()) < departure_page) break;
    }
    return written;
}

}  // namespace

Departed export_user(base::Postgres& database, std::string_view user_id,
                     const std::function<bool(const Json&)>& write) {
    bool open = true;
    Departed told;
    told.records = export_pages(database, page_of_records, user_id, write, open);
    told.changes = export_pages(database, page_of_changes, user_id, write, open);
    told.calls = export_pages(database, page_of_calls, user_id, write, open);
    told.policy_events = export_pages(database, page_of_policy_events, user_id, write, open);
    told.permissions = export_pages(database, page_of_permissions, user_id, write, open);
    return told;
}

Departed remove_user(base::Postgres& database, std::string_view user_id,
                     std::optional<std::int64_t> rows) {
    return database.transact([&](base::Transaction& transaction) {
        transaction.set_local("app.departing_user_id", user_id);
        Departed departed;
        departed.records = transaction.run(delete_records, {user_id}).affected();
        departed.changes = transaction.run(delete_changes, {user_id}).affected();
        departed.calls = transaction.run(delete_calls, {user_id}).affected();
        departed.policy_events = transaction.run(delete_policy_events, {user_id}).affected();
        departed.permissions = transaction.run(delete_permissions, {user_id}).affected();
        // Fewer are well: whoever shared a space with her may have left it, or the space is gone.
        if (rows && *rows < static_cast<std::int64_t>(departed.rows())) {
            throw base::Failure(
                base::Failure::Kind::conflict,
                fmt::format("the user has {} rows (records, changes, calls …) now, "
                            "more than the query parameter rows says; export again, "
                            "then delete",
                            departed.rows()),
                "CHANGED");
        }
        return departed;
    });
}

Departed remove_space(base::Postgres& database, std::string_view space_id) {
    return database.transact([&](base::Transaction& transaction) {
        transaction.set_local("app.departing_space", space_id);
        Departed departed;
        departed.records = transaction.run(delete_space_records, {space_id}).affected();
        departed.changes = transaction.run(delete_space_changes, {space_id}).affected();
        departed.calls = transaction.run(delete_space_calls, {space_id}).affected();
        departed.policy_events = transaction.run(delete_space_policy_events, {space_id}).affected();
        return departed;
    });
}

Json count_user(base::Postgres& database, std::string_view user_id) {
    return database.transact([&](base::Transaction& transaction) {
        transaction.set_local("app.departing_user_id", user_id);
        Json answer = {{"userId", user_id}, {"tables", Json::array()}};
        for (const auto& row : transaction.run(tables_of_user, {user_id})) {
            answer["tables"].push_back({{"app", row.text("app_id")},
                                        {"table", row.text("table_name")},
                                        {"count", row.integer("records")},
                                        {"lastAt", base::to_iso(row.moment("last_at"))}});
        }
        return answer;
    });
}

}  // namespace workspace
