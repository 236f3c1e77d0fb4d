// What a space says about itself. Pure. Two members belong to the server: `type`, which is chosen
// once, and `tier`, which gates features and never exceeds the tier of the user who asks. The rest
// is the owner's, within a size.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.hpp"

namespace auth {

inline constexpr std::size_t space_metadata_bytes_max = 16 * 1024;

// Access tiers from least to most; false for a word that is none.
bool is_tier(std::string_view tier);
// -1 for a word that is none.
int rank_of_tier(std::string_view tier);

// The metadata of a new space that is not personal: type is one of brand, club, family, team and
// practice; tier, when given, is at most the caller's, else it becomes hers. Throws
// Failure::invalid with the code SPACE_METADATA_INVALID, naming the member.
base::Json new_space_metadata(const base::Json& asked, std::string_view caller_tier);

// What replaces `stored`: type and tier stay, and asking for others throws as above.
base::Json changed_space_metadata(const base::Json& stored, const base::Json& asked);

}  // namespace auth
