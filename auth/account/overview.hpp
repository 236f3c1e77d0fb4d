// One user on one page, as she sees it herself and as an administrator sees it.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.hpp"

namespace auth {

struct Context;

// {"user","auth","credits","projects","totals"}; nothing when there is no such user. Asks other
// services, so call it outside of any transaction.
std::optional<base::Json> overview_of(const Context& context, std::string_view user_id);

}  // namespace auth
