// The catalog's shared spaces at the auth service: made by their first member, who invites the
// others, who accept, each through the calls that every user makes. What is there already is left
// as it is, so this can be stopped and run again at any point.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "catalog/catalog.hpp"
#include "runner/seed.hpp"

namespace runner {

struct SharedSpacesResult {
    int created = 0, updated = 0, unchanged = 0;              // Spaces; a new member is an update.
    int joined = 0;                                           // Members who accepted an invitation.
    std::vector<std::pair<std::string, std::string>> failed;  // Slug -> error.
};

// `service_key`: passes the limits of logins; may be empty.
SharedSpacesResult seed_spaces(const SeedTarget& target, const base::Secret& service_key,
                               const std::vector<catalog::SharedSpace>& spaces,
                               const SeedProgress& progress);

// Those whose members are all among the personas.
std::vector<catalog::SharedSpace> spaces_of(const std::vector<catalog::SharedSpace>& spaces,
                                            const std::vector<catalog::Persona>& personas);

}  // namespace runner
