// Bounds of JSON objects that users keep with us: size, depth, and nothing that jsonb refuses.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/json.hpp"

namespace auth {

struct JsonLimits {
    std::size_t bytes_max = 0;  // As compact text.
    int depth_max = 8;          // Levels of objects and lists, the outermost included.
};

// What the value would have to be ("an object of at most …"), or nothing when it is fine.
std::optional<std::string> objection_to_object(const base::Json& value, const JsonLimits& limits);

}  // namespace auth
