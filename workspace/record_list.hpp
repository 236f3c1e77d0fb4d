// The statement behind lists of records: what a filter asks for, bounded in rows and in bytes.
#pragma once

#include "base/json.hpp"
#include "base/postgres.hpp"
#include "workspace/changes.hpp"

namespace workspace {

// record_id, data, created_at, updated_at, and in each row `found`: how many rows there would be
// without the limit in bytes (8 MiB of JSON; the row that passes it is the last one). `equal` as in
// Records::list().
base::SqlRows listed_rows(base::Transaction& transaction, const Scope& scope, const Table& table,
                          const base::Json& equal, const RecordFilter& filter);

}  // namespace workspace
