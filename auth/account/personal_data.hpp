// Store: what the service knows of one user: counts for a page, everything for an export. Secrets
// (password hashes, tokens, keys) are no part of it. Everything runs in the caller's transaction.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/identity/users.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

// {"user","auth"}: who she is, how she logs in. Nothing when there is no such user.
std::optional<base::Json> summarise_account(base::Transaction& transaction,
                                            std::string_view user_id, base::Moment now);

// One list of the export: a query over one table with the user's id as $1, rows as they are shown.
struct DataPart {
    std::string_view name;   // In the export, e.g. "sessions".
    std::string_view table;  // In the schema auth.
    std::string_view query;  // Answers one column "row" of JSON.
};
std::span<const DataPart> data_parts();

// Every part by name; a part stops after 10,000 rows, the newest, and says so in "<name>Cut".
base::Json export_account(base::Transaction& transaction, std::string_view user_id);

struct AccountCounts {
    std::int64_t sessions = 0;
    std::int64_t accounts = 0;
};

AccountCounts count_account(base::Transaction& transaction, std::string_view user_id);

}  // namespace auth
