// The two ways between JSON values and text, without the library's step per byte. Private to
// base/json*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/json.hpp"

namespace base::json_detail {

// The value of a text that is plainly well-formed; nothing when the strict reader has to decide.
// What it takes, that one would take as well and read as the same value.
std::optional<Json> read_quickly(std::string_view text, int depth_max);

// Appends the text that the library's dump() has for the value.
void append_value(std::string& text, const Json& value);
void append_string(std::string& out, std::string_view text);

}  // namespace base::json_detail
