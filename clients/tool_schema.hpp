// One tool's input schema, adapted to what the model's API accepts. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/json.hpp"

namespace clients {

struct AdaptedSchema {
    base::Json schema;  // type "object", no combinator at its root.
    std::string note;   // For the description: what the schema itself can no longer say.
    std::vector<std::pair<std::string, std::string>> renamed;  // New key -> original key.
    std::string fault;  // Not empty: the tool cannot be offered, and why.
};

AdaptedSchema adapt_schema(const base::Json& input_schema);

}  // namespace clients
