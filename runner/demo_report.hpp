// What a day looked like, read back from the database through the operators' views: what the demo
// shows is what is stored.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.hpp"
#include "base/postgres.hpp"

namespace runner {

// {"personas":[…], "modules":[…], "rows":{"visits","actions","ratings"}, "totals":{…}}
base::Json read_day(base::Postgres& ops);

// Two tables for people, for lines of `columns` characters (0: of any length). On a narrow terminal
// headings and gaps become shorter, then archetypes are cut, then columns are left out, which a
// last line says.
std::string day_tables(const base::Json& day, std::size_t columns = 0);

}  // namespace runner
