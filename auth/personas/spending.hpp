// What visits have spent, for budgets that several runners share. A runner spends only what it
// holds: money that was granted to it here, in one transaction with the sum over all others. So all
// of them together stay below the limit, whatever they do between two reports.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

// Resource; any inbound thread.
class Spending {
  public:
    explicit Spending(base::Postgres& database) : database_(database) {}
    Spending(const Spending&) = delete;
    Spending& operator=(const Spending&) = delete;

    // USD, of visits that started since `since`.
    struct Report {
        base::Moment since{};
        double open_usd = 0;  // What the runner's visits without an end hold already.
        // A runner that is held to a limit says how much it wants them to hold, and what the limit
        // of all is; its reports are numbered.
        std::optional<double> want_usd, limit_usd;
        std::int64_t number = 0;
    };
    struct Answer {
        double elsewhere_usd = 0;  // What everybody else has spent and holds.
        // open_usd at least and want_usd at most; nothing: it named no limit, or this report
        // arrived after a newer one.
        std::optional<double> granted_usd;
    };
    Answer exchange(const std::string& runner_id, const Report& report);

    // What each of these personas spent on visits that started since then; nothing: not in the map.
    std::map<std::string, double> of_personas(const std::vector<std::string>& user_ids,
                                              base::Moment since);

  private:
    base::Postgres& database_;
};

}  // namespace auth
