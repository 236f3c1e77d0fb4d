#include "auth/json_limits.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace auth {

namespace {

int limits_depth(const base::Json& value) {
    if (!value.is_structured()) return 0;
    int deepest = 0;
    for (const base::Json& member : value) deepest = std::max(deepest, limits_depth(member));
    return deepest + 1;
}

// PostgreSQL's texts and jsonb cannot hold it.
bool limits_nul(const base::Json& value) {
    if (value.is_string()) {
        return value.get_ref<const std::string&>().find('\0') != std::string::npos;
    }
    if (value.is_object()) {
        for (const auto& [name, member] : value.items()) {
            if (name.find('\0') != std::string::npos || limits_nul(member)) return true;
        }
        return false;
    }
    return value.is_array() && std::any_of(value.begin(), value.end(), limits_nul);
}

}  // namespace

std::optional<std::string> objection_to_object(const base::Json& value, const JsonLimits& limits) {
    if (!value.is_object()) return "an object";
    if (limits_depth(value) > limits.depth_max) {
        return fmt::format("an object nested at most {} levels deep", limits.depth_max);
    }
    if (limits_nul(value)) return "an object whose texts have no NUL characters";
    if (base::to_text(value).size() > limits.bytes_max) {
        return fmt::format("an object of at most {} bytes", limits.bytes_max);
    }
    return std::nullopt;
}

}  // namespace auth
