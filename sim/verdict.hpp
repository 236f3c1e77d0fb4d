// How a simulated persona judges her day: scores with reasons, in any form that the request's
// schema demands. What went wrong with a module lowers its score, what worked raises it, and every
// note names the actions it rests on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "sim/reading.hpp"

namespace sim {

// What the digest says about one module.
struct Evidence {
    std::string module;
    std::vector<int> good;  // Numbers of actions that worked.
    std::vector<int> bad;
};

// Reads a digest line by line: an action's number, its tool or module, and whether it failed.
std::vector<Evidence> read_digest(std::string_view text, const std::vector<std::string>& modules);

// Answer to a request without tools: ratings as JSON when it asks for them (fitting
// output_config.format when there is one, else bare, fenced or wrapped in prose), else a sentence.
std::string answer_without_tools(const base::Json& body, const Reading& reading,
                                 std::uint64_t seed);

}  // namespace sim
