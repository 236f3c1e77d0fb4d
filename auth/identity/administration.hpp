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

struct AdministratorChange {
    std::string email;  // As stored: lower case.
    bool created = false;
    bool promoted = false;  // Was a user without the role.
    std::size_t sessions_ended = 0;
};

// Creates the administrator, verified, or makes an existing human one and sets the password; her
// sessions end then, since whoever is logged in knew the password before. Throws Failure::conflict
// when the address belongs to a persona.
AdministratorChange create_administrator(base::Postgres& database, base::Clock& clock,
                                         std::string_view email, const base::Secret& password);

// An access token of an administrator, with a session that lives as long. Throws Failure::missing
// when there is no such user and Failure::forbidden when she is no administrator.
base::Secret mint_admin_token(base::Postgres& database, base::Clock& clock, const Options& options,
                              std::string_view email, std::chrono::seconds life);

}  // namespace auth
