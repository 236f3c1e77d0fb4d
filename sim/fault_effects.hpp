// What faults do to a message and to its events, before it becomes bytes. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "sim/dice.hpp"
#include "sim/faults.hpp"
#include "sim/stream.hpp"

namespace sim {

struct Model;

struct EffectContext {
    const base::Json& body;  // The request, normalized.
    const Model& model;
    const std::string& signing_key;
    Dice dice;
};

// Bends a finished message; output tokens are counted anew. Faults of other kinds leave it alone.
void bend_message(base::Json& message, const Fault& fault, const EffectContext& context);

// Bends the events of such a message.
void bend_events(std::vector<StreamEvent>& events, const Fault& fault);

}  // namespace sim
