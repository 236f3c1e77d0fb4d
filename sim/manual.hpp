// How to use the simulator, for `persona-runner sim --help`: endpoints, headers, the fault menu
// (from its own table), the judge.
#pragma once

#include <string>

namespace sim {

std::string manual();

}  // namespace sim
