// What the simulator would charge: list prices per million tokens, its own table, so that a
// client's can be held against it.
#pragma once

#include <optional>
#include <string_view>

#include "sim/usage.hpp"

namespace sim {

// US dollars; nothing for a model without a known price. A long prompt may move the whole request
// into a dearer tier.
std::optional<double> cost_of(std::string_view model, const Usage& usage);

}  // namespace sim
