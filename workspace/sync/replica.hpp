// Store: the change log as sync sees it. Pushed changes merge into the same records that the tools
// work on; reading goes space by space, in the order of the transactions that wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/postgres.hpp"
#include "workspace/sync/change_set.hpp"
#include "workspace/sync/cursor.hpp"

namespace workspace {

// What a reader wants to see.
struct SyncQuestion {
    std::string user_id, app_id;
    std::vector<std::string> tables;       // Empty: all of the app.
    std::optional<std::string> client_id;  // Its own changes are left out.
    std::vector<std::string> spaces;       // Whose membership was verified.
    SyncCursor since;
    std::size_t limit = 1'000;
    std::int64_t bytes_max = 8 * 1024 * 1024;  // Of JSON; the row that passes it is the last one.
};

struct SyncPage {
    base::Json changes = base::Json::array();  // In the order of writing, within a space.
    SyncCursor until;                          // Of the spaces asked for.
    bool has_more = false;
};

struct PushAuthor {
    std::string user_id, client_id, app_id;
    base::Moment now;
    bool only_new = false;  // What is there, deleted or not, stays as it is; nothing is logged.
};

// Resource; any inbound thread. Row-level security shows and takes one space at a time.
class Replica {
  public:
    explicit Replica(base::Postgres& database) : database_(database) {}
    Replica(const Replica&) = delete;
    Replica& operator=(const Replica&) = delete;

    // All or nothing. Each change has its space, in which the author may write. A change that was
    // stored before counts as stored. Answers how many were new. Throws Failure::conflict when an
    // eventId belongs to another change, Failure::invalid when a record would be larger than 2 MiB
    // or those to be changed are larger than 32 MiB together.
    std::size_t push(const PushAuthor& author, const std::vector<PushedChange>& changes);

    SyncPage pull(const SyncQuestion& question);

  private:
    base::Postgres& database_;
};

}  // namespace workspace
