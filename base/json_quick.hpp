// The two ways between JSON values and text, without nlohmann's step per byte; simdjson's only
// door. Private to base/json*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/json.hpp"

namespace base::json_detail {

// Of one object. A member is found by looking at all of them, so a body of one huge object would
// cost the square of its size.
inline constexpr std::size_t members_max = 1'000;

// The value of a text that is plainly well-formed; nothing when the strict reader has to decide.
// What it takes, that one would take as well and read as the same value.
std::optional<Json> read_quickly(std::string_view text, int depth_max);

// Appends the text that the library's dump() has for the value.
void append_value(std::string& text, const Json& value);
void append_string(std::string& out, std::string_view text);

}  // namespace base::json_detail
