// What the workspace keeps of one user, for her export: counts by table, and the records she made.
#pragma once

#include <string_view>

#include "base/json.hpp"
#include "base/postgres.hpp"

namespace workspace {

inline constexpr int user_records_max = 20'000;

// {"userId","tables":[{"app","table","count","lastAt"}]} of the records she created that are not
// deleted; `with_rows` adds "records":[{"app","table","id","spaceId","data","createdAt",
// "updatedAt"}], the newest, and "cut": true when there are more than user_records_max.
base::Json describe_user(base::Postgres& database, std::string_view user_id, bool with_rows);

}  // namespace workspace
