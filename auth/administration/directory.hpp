// Store: users as administrators look them up, numbers of the whole service, access tiers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr std::int64_t directory_limit_max = 100;
inline constexpr std::int64_t directory_page_max = 100'000;

base::Json service_stats(base::Transaction& transaction, base::Moment now);

struct DirectoryQuery {
    std::int64_t page = 1;
    std::int64_t limit = 20;  // At most directory_limit_max.
    std::string search;       // Part of an address or name, any case; empty: everybody.
};

// {"users","total","page","limit"}, newest first.
base::Json list_directory(base::Transaction& transaction, const DirectoryQuery& query);
// {"users","count"} of one tier, newest first, at most 1,000; "count" is of all.
base::Json list_tier(base::Transaction& transaction, std::string_view tier);

// {"id","email","accessTier"}
std::optional<base::Json> tier_of(base::Transaction& transaction, std::string_view user_id);
// Also of the user's personal space. The next access token of hers says so.
std::optional<base::Json> change_tier(base::Transaction& transaction, std::string_view user_id,
                                      std::string_view tier, base::Moment now);

}  // namespace auth
