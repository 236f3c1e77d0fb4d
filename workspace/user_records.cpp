#include "workspace/user_records.hpp"

#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace workspace {

namespace {

constexpr std::string_view user_tables = R"(
    select app_id, table_name, count(*) as records, max(updated_at) as last_at
      from workspace.records
     where created_by = $1 and deleted_at is null
     group by app_id, table_name order by app_id, table_name)";

constexpr std::string_view user_rows = R"(
    select app_id, table_name, record_id, space_id, data, created_at, updated_at
      from workspace.records
     where created_by = $1 and deleted_at is null
     order by changed_seq desc limit $2::bigint)";

}  // namespace

base::Json describe_user(base::Postgres& database, std::string_view user_id, bool with_rows) {
    return database.transact([&](base::Transaction& transaction) {
        // Row-level security shows a user's rows of all spaces only under this name.
        transaction.set_local("app.departing_user_id", user_id);
        base::Json answer = {{"userId", user_id}, {"tables", base::Json::array()}};
        for (const auto& row : transaction.run(user_tables, {user_id})) {
            answer["tables"].push_back({{"app", row.text("app_id")},
                                        {"table", row.text("table_name")},
                                        {"count", row.integer("records")},
                                        {"lastAt", base::to_iso(row.moment("last_at"))}});
        }
        if (!with_rows) return answer;
        base::Json records = base::Json::array();
        for (const auto& row : transaction.run(user_rows, {user_id, user_records_max + 1})) {
            if (records.size() >= user_records_max) {
                answer["cut"] = true;
                break;
            }
            records.push_back({{"app", row.text("app_id")},
                               {"table", row.text("table_name")},
                               {"id", row.text("record_id")},
                               {"spaceId", row.text("space_id")},
                               {"data", row.json("data")},
                               {"createdAt", base::to_iso(row.moment("created_at"))},
                               {"updatedAt", base::to_iso(row.moment("updated_at"))}});
        }
        answer["records"] = std::move(records);
        return answer;
    });
}

}  // namespace workspace
