// How many spaces a user's plan lets her own, as the subscriptions service says.
#pragma once

#include <optional>
#include <string_view>

#include "auth/options.hpp"

namespace auth {

// Beside her personal space; nothing: no limit, since no subscriptions service is configured.
// Blocks for at most five seconds. Throws Failure::unavailable when the service does not answer: a
// limit that cannot be read is not lifted.
std::optional<int> own_spaces_max_of_plan(const Options& options, std::string_view user_id);

}  // namespace auth
