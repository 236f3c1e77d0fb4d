// What a day looked like, read back from the database through the operators' views: what the demo
// shows is what is stored.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/postgres.hpp"

namespace runner {

// {"personas":[…], "modules":[…], "rows":{"visits","actions","ratings"}, "totals":{…}}
base::Json read_day(base::Postgres& ops);

// Two tables for people.
std::string day_tables(const base::Json& day);

}  // namespace runner
