// What an operator with the database in hand may do without HTTP: make the first administrator, and
// mint a short-lived token for one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

// Creates the administrator, verified, or makes an existing human one and sets the password. Throws
// Failure::conflict when the address belongs to a persona. True: created.
bool create_administrator(base::Postgres& database, base::Clock& clock, std::string_view email,
                          const base::Secret& password);

// An access token of an administrator, with a session that lives as long. Throws Failure::missing
// when there is no such user and Failure::forbidden when she is no administrator.
base::Secret mint_admin_token(base::Postgres& database, base::Clock& clock, const Options& options,
                              std::string_view email, std::chrono::seconds life);

}  // namespace auth
