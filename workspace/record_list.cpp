#include "workspace/record_list.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace workspace {

namespace {

using base::Json;

// Of a word that very many records have, the newest so many are looked at, fewer at first.
constexpr std::int64_t list_hits_max = 5'000;
constexpr std::int64_t list_hits_first = 200;

// What is read of records for one list, whether a tool can show them or not.
constexpr std::int64_t list_read_bytes_max = 8 * 1024 * 1024;

// What a record must hold. A flag that is false may be absent: devices leave out what is not set.
Json list_given(const Json& equal) {
    Json given = Json::object();
    for (const auto& [name, value] : equal.items()) {
        if (value != false) given[name] = value;
    }
    return given;
}

// Only what the filter asks for is part of the statement, so that each form gets its own plan.
class ListStatement {
  public:
    ListStatement(const Scope& scope, const Table& table, const base::Json& equal,
                  const RecordFilter& filter, std::int64_t hits_max)
        : params_{scope.space_id, table.app, table.name, list_given(equal)} {
        text_ =
            "select record_id, data, created_at, updated_at, found from (select page.*, count(*) "
            "over () as found, sum(octet_length(data)) over (rows unbounded preceding) as bytes "
            "from (select r.record_id, r.data::text as data, r.created_at, r.updated_at from ";
        if (filter.text.empty()) {
            text_ += "workspace.records r where true";
        } else {
            // Record by record through the primary key, whatever the planner believes of the table.
            text_ += fmt::format(
                "workspace.found($2, $3, {}, {}) hit cross join lateral (select * from "
                "workspace.records kept where kept.space_id = $1 and kept.app_id = $2 and "
                "kept.table_name = $3 and kept.record_id = hit.record_id offset 0) r where true",
                param(filter.text), param(hits_max));
        }
        text_ +=
            " and r.space_id = $1 and r.app_id = $2 and r.table_name = $3"
            " and r.deleted_at is null and r.data @> $4::jsonb";
        if (!filter.without.is_null()) {
            text_ += fmt::format(" and not r.data @> {}::jsonb", param(filter.without));
        }
        for (const auto& [name, value] : equal.items()) {
            if (value == false)
                text_ += fmt::format(" and not r.data @> {}::jsonb", param(Json{{name, true}}));
        }
        keep(filter.range);
        keep(filter.second_range);
        const char* direction = filter.ascending ? "asc" : "desc";
        text_ += " order by ";
        for (const std::string& field : {filter.order, filter.second_order}) {
            if (!field.empty()) text_ += fmt::format("{} {} nulls last, ", value(field), direction);
        }
        text_ += fmt::format("r.created_seq {} limit {}::bigint", direction, param(filter.limit));
        text_ += fmt::format(") page) sized where bytes - octet_length(data) < {}::bigint",
                             param(list_read_bytes_max));
    }

    base::SqlRows run(base::Transaction& transaction) { return transaction.run(text_, params_); }

  private:
    std::string param(base::SqlParam one) {
        params_.push_back(std::move(one));
        return fmt::format("${}", params_.size());
    }
    std::string value(const std::string& field) {
        return fmt::format("(r.data ->> {}::text) collate \"C\"", param(field));
    }
    void keep(const RecordFilter::Range& range) {
        if (range.from)
            text_ += fmt::format(" and {} >= {}", value(range.field), param(*range.from));
        if (range.before) {
            text_ += fmt::format(" and {} < {}", value(range.field), param(*range.before));
        }
    }

    base::SqlParams params_;
    std::string text_;
};

}  // namespace

base::SqlRows listed_rows(base::Transaction& transaction, const Scope& scope, const Table& table,
                          const base::Json& equal, const RecordFilter& filter) {
    if (!filter.text.empty() && filter.order.empty() && !filter.ascending) {
        // Hits come newest first: when the newest fill the list, they are the list.
        base::SqlRows rows =
            ListStatement(scope, table, equal, filter, list_hits_first).run(transaction);
        if (!rows.empty() && rows[0].integer("found") == filter.limit) return rows;
    }
    return ListStatement(scope, table, equal, filter, list_hits_max).run(transaction);
}

}  // namespace workspace
