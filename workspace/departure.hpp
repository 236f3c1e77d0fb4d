// What a user or a space leaves in the workspace: a user's rows are told whole before they are
// removed. For the service itself, which nobody's membership binds here; row-level security shows
// it the rows of this one user, or space, only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/json.hpp"
#include "base/postgres.hpp"

namespace workspace {

struct Departed {
    std::size_t records = 0, changes = 0, calls = 0, policy_events = 0, permissions = 0;
    std::size_t rows() const { return records + changes + calls + policy_events + permissions; }
};

// Her records, every change of them or by her, her calls, what the policy said about them, and what
// she permitted: one object per row with its "kind" (record, change, call, policy_event,
// permissions), read in pages. `write` answers false to stop.
Departed export_user(base::Postgres& database, std::string_view user_id,
                     const std::function<bool(const base::Json&)>& write);

// Removes what export_user tells. `rows`: how many rows the caller has seen; when there are more
// now, nothing is removed: Failure::conflict with code CHANGED. Fewer there may be: what a member
// of a shared space leaves takes changes of others along.
Departed remove_user(base::Postgres& database, std::string_view user_id,
                     std::optional<std::int64_t> rows = std::nullopt);

// Removes whatever anybody has in a space that is gone. Twice is harmless.
Departed remove_space(base::Postgres& database, std::string_view space_id);

// How many records a user created that are not deleted, by table: {"userId",
// "tables":[{"app","table","count","lastAt"}]}.
base::Json count_user(base::Postgres& database, std::string_view user_id);

}  // namespace workspace
