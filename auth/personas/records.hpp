// Records: what visits leave behind. Rows are keyed by themselves (visit and seq, visit and
// module), so any grouping and any repetition is harmless; what was written first stays.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/personas/visits.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "catalog/record.hpp"

namespace auth {

struct Stored {
    std::size_t written = 0;    // Rows sent.
    std::size_t inserted = 0;   // New ones.
    std::size_t known = 0;      // Rows whose key was there already.
    std::size_t differing = 0;  // Of these: other content, which was not kept.
};

// Resource; any inbound thread. A row of an unknown visit is Failure::missing, except from old
// clients, which made their own visit ids: rows without seq.
class Records {
  public:
    Records(base::Postgres& database, VisitRules rules);
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;

    bool knows_persona(const std::string& user_id);
    // Failure::missing when there is no such persona; the store_… calls say the same by themselves.
    void require_persona(const std::string& user_id);

    // Rows without seq also count as her day, as old clients expect; rows with seq never move
    // due-ness, whatever the status of their visit. Those of a visit that has ended make its slot a
    // lived one all the same: when she was last active, and no row in the ledger.
    Stored store_actions(const std::string& user_id, const std::vector<catalog::Action>& actions,
                         base::Moment now);
    // `from_visits`: the sender knows the rating's status, so every visit must exist.
    Stored store_ratings(const std::string& user_id, const std::vector<catalog::Rating>& ratings,
                         bool from_visits, base::Moment now);

    // Everything kept of one persona, one object per row (kind: visit, action, rating), oldest
    // first, read in pages. Stops early when `row` answers false. Answers the number of rows.
    std::size_t export_all(const std::string& user_id,
                           const std::function<bool(const base::Json&)>& row);

  private:
    Stored store_actions(const std::string& user_id, const std::vector<catalog::Action>& actions,
                         std::string_view insert, base::Moment now);

    base::Postgres& database_;
    const VisitRules rules_;
};

}  // namespace auth
