// What a simulated persona does next: a pure function of the conversation and a seed. Chance comes
// from the seed, her prompt and plan (ids, dates and numbers masked) and the number of her turns so
// far, never from ids, clocks or the order of arrival; so a day is reproducible.
#pragma once

#include <cstdint>

#include "base/json.hpp"

namespace sim {

struct ScriptOptions {
    std::uint64_t seed = 1;
    double mistakes = 0.08;      // Share of calls that go out wrong.
    std::size_t calls_max = 14;  // Per visit, second tries included.
    std::size_t turns_max = 12;
};

// Content blocks of the answer to a normalized request: text, and tool_use without ids. A
// request without tools that asks for ratings is answered with them (sim/verdict).
base::Json next_blocks(const base::Json& body, const ScriptOptions& options);

}  // namespace sim
