// What other services keep of a user, asked over HTTP: her records at the product, her credits.
// Neither makes a page fail: what does not answer is told as not available.
#pragma once

#include <string_view>

#include "auth/options.hpp"
#include "base/json.hpp"

namespace auth {

// [{"projectId","projectName","icon","available","error"?,"entities":[{"entity","count","label"}],
// "totalCount","lastActivityAt"?}]: the known applications in their order, then unknown ones that
// have data. Blocks for at most five seconds.
base::Json fetch_projects(const Options& options, std::string_view user_id);

// Every row that the product keeps of her, as it exports them, each with its "kind":
// {"available","rows"?,"error"?}. An export that was cut counts as none.
base::Json fetch_records(const Options& options, std::string_view user_id);

// {"balance","totalEarned","totalSpent","transactionsCount","available"}; zeros when not available.
base::Json fetch_credits(const Options& options, std::string_view user_id);

struct Singletons {
    // Of the user's and of each space's one: "written", "existed" or "failed".
    base::Json answer;
    bool user_part_failed = false;
};
// Lets the product make the records that every user and every space has once; hers lives in her
// personal space.
Singletons ensure_singletons(const Options& options, std::string_view user_id,
                             const std::string& personal_space, const base::Json& space_ids);

// "taskItems" -> "Task Items", "user_context" -> "User Context". Pure.
std::string label_of_table(std::string_view table);

}  // namespace auth
