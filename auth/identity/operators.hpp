// What the operator's commands do directly on the database: the first administrator, and a token
// for the admin API when nobody can log in yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

enum class AdminMade { created, promoted };

// A verified human with role admin and this password. An existing human is promoted and, when a
// password is given, gets it. Throws Failure::conflict for a persona, Failure::invalid for a bad
// address or password (a new user needs one).
AdminMade create_admin(base::Postgres& database, std::string_view email, std::string_view name,
                       const std::optional<base::Secret>& password, base::Moment now);

// An admin JWT with a session of 15 minutes behind it. `options` need the service's secret and
// base_url (its issuer). Throws Failure::missing or ::forbidden.
std::string make_admin_token(base::Postgres& database, const Options& options, base::Clock& clock,
                             std::string_view email);

}  // namespace auth
