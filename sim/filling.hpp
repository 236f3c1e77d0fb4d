// Values for any JSON Schema: what a person would plausibly write into a field of that name, type
// and format. Works for tools that it has never seen.
#pragma once

#include <string>

#include "base/json.hpp"
#include "sim/dice.hpp"
#include "sim/reading.hpp"

namespace sim {

enum class Care {
    usual,     // Required fields and some of the others.
    careless,  // The odd mistake: a wrong word, a missing field, an id out of thin air.
    careful,   // Required fields only, nothing doubtful.
};

// Arguments for a call of the tool, from what she has read so far.
base::Json fill_arguments(const ToolOffer& tool, const Reading& reading, Care care, Dice dice);

// A value for any schema, e.g. of a structured output.
base::Json fill_schema(const base::Json& schema, const Reading& reading, Dice dice);

// Follows an internal $ref ("#/$defs/…") and picks the first branch of anyOf/oneOf that is not
// null.
const base::Json& resolve_schema(const base::Json& root, const base::Json& schema);
std::string schema_type(
    const base::Json& schema);  // "object", "string", …; "" when it does not say.

}  // namespace sim
