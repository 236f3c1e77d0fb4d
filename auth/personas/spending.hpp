// What visits have spent, for budgets that several runners share.
#pragma once

#include <map>
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

    // Keeps what `runner_id` says of its visits without an end, and answers what everybody else
    // has spent on visits that started since then, and reserved. USD.
    double exchange(const std::string& runner_id, base::Moment since, double open_usd);

    // What each of these personas spent on visits that started since then; nothing: not in the map.
    std::map<std::string, double> of_personas(const std::vector<std::string>& user_ids,
                                              base::Moment since);

  private:
    base::Postgres& database_;
};

}  // namespace auth
