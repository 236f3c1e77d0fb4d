// `status`: what the daemon does and why it does nothing, one line each. Pure: the daemon's status
// in, text out.
#pragma once

#include <string>

#include "base/json.hpp"

namespace runner {

// `status` is the answer of GET /status; what it lacks is left out. Lines end with a newline.
std::string status_page(const base::Json& status);

// Its lines about who is held from visiting (pauses, quarantines); empty when nobody is.
std::string holds_text(const base::Json& status);

// "tick 2026-11-21T09:30:00Z: 4 due, 1 ran, 0 failed, 3 still run", of the one under way or else of
// the last; empty when there was none.
std::string tick_text(const base::Json& status);

}  // namespace runner
