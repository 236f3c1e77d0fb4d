// Store: secrets that are good once (table auth.verification): mailed links, reset tokens, codes.
// The database holds only digests of them, so a leak of it opens nothing. Everything runs in the
// caller's transaction; of any number of parallel uses exactly one succeeds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

struct OneTime {
    std::string user_id;  // Empty: of nobody yet.
    base::Json detail;    // As it was put; null when nothing was.
};

struct NewOneTime {
    std::string_view purpose;  // "verify-email", "reset-password": one secret, one purpose.
    std::string_view secret;
    OneTime about;
    std::chrono::minutes life{60};
};

// Also clears away some that are over.
void put_one_time(base::Transaction& transaction, const NewOneTime& row, base::Moment now);

// Without using it up: for a page that asks before it acts.
std::optional<OneTime> look_at_one_time(base::Transaction& transaction, std::string_view purpose,
                                        std::string_view secret, base::Moment now);
std::optional<OneTime> use_one_time(base::Transaction& transaction, std::string_view purpose,
                                    std::string_view secret, base::Moment now);

// All of a user's of that purpose.
void drop_one_time(base::Transaction& transaction, std::string_view purpose,
                   std::string_view user_id);
// Whether the user got one of that purpose after `since`.
bool has_one_time(base::Transaction& transaction, std::string_view purpose,
                  std::string_view user_id, base::Moment since);

}  // namespace auth
