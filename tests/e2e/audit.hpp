// What the tests under fire believe: the database alone, asked as its superuser, never the daemons
// that are killed. Three sets are joined on visit and seq:
//
//   rows(ok|error) that left  ⊆  calls that the workspace committed  ⊆  rows(ok|error|unknown)
//
// Rows of calls that never left are told apart and looked at as well: no call may stand behind
// them. They are those of module `unknown` (no such tool, input cut off) and those whose message
// begins with "not run: " (the product refused the request or could not be reached).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/postgres.hpp"

namespace e2e {

struct AuditFigures {
    std::int64_t visits = 0, lost = 0, calls = 0;
    std::int64_t ok = 0, error = 0, never_left = 0, unknown = 0;
    std::int64_t unknown_committed = 0;  // Unknown to us, done by the workspace.
};

// Resource; any thread. The database must be migrated already: a trigger notes every end of a
// visit.
class Audit {
  public:
    explicit Audit(base::Postgres& superuser);
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;

    // Each answers what is wrong, a line each; none when all is well.
    std::vector<std::string> at_any_time();     // Also while visits run and rows wait.
    std::vector<std::string> when_delivered();  // Everything above, and nothing is missing.

    // The same within a transaction of the caller's.
    enum class Depth { always, delivered };
    static std::vector<std::string> look(base::Transaction& transaction, Depth depth);

    AuditFigures figures();
    std::int64_t count(std::string_view statement, const base::SqlParams& params = {});
    base::SqlRows query(std::string_view statement, const base::SqlParams& params = {});

  private:
    std::vector<std::string> in_one_snapshot(Depth depth);

    base::Postgres& superuser_;
};

// "all well", or the lines; for EXPECT_EQ, so that a failure prints them.
std::string in_words(const std::vector<std::string>& wrong);
// The same; what is wrong is also noted in the file $PERSONA_LIES: chance may fail a test that a
// second run passes, a lie in the database is never chance.
std::string told(const std::vector<std::string>& wrong);
inline constexpr std::string_view all_well = "all well";

}  // namespace e2e
