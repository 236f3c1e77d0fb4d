// The records that exist once: one about each user, in her personal space, and one in each space. A
// new account finds them made. Made by the service for a user whose memberships it has verified.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace workspace {

struct SingletonWish {
    std::string user_id;
    std::string personal_space;       // Where the record about the user lives.
    std::vector<std::string> spaces;  // Each gets its document.
};

// {"userContext": S, "spaces": {"<id>": S}} with S "written" or "existed". A record that was there
// once and is deleted existed, too. Callers at the same time make one record between them. Throws
// when the database does; what was written by then stays, and the next call says "existed".
base::Json ensure_singletons(base::Postgres& database, const SingletonWish& wish, base::Moment now);

}  // namespace workspace
