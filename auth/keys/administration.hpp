// What an operator with the database in hand does with signing keys, without HTTP. Running services
// notice within a minute.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "auth/keys/key_rows.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

struct KeyLine {
    std::string kid;
    std::string state;  // published, signs, verifies, unreadable (another secret sealed it)
    base::Moment signs_from;
    std::optional<base::Moment> verifies_until;
};

// Newest first, without those that have ended.
std::vector<KeyLine> list_keys(base::Postgres& database, base::Clock& clock,
                               const base::Secret& secret);

Rotated rotate_keys(base::Postgres& database, base::Clock& clock, const base::Secret& secret,
                    Rotation rotation);

}  // namespace auth
