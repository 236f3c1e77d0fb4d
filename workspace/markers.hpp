// Injection markers: phrases in stored text that look like instructions to a model. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.hpp"

namespace workspace {

// The name of the first marker in any string of the value, at any depth; strings of fewer than 16
// bytes are too short to instruct anybody. English and German, any case.
std::optional<std::string_view> find_marker(const base::Json& value);
std::optional<std::string_view> find_marker(std::string_view text);

}  // namespace workspace
