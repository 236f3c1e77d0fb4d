// `top`: who is visiting now, as a page for a terminal. Pure: the daemon's status in, text out.
#pragma once

#include <string>

#include "base/json.hpp"

namespace runner {

struct TopSize {
    int rows = 24, columns = 80;
};

// At most `rows` lines of at most `columns` characters: three lines about the daemon, a heading,
// the visits (longest running first) and, when they do not fit, how many are not shown. `status` is
// the answer of GET /status; what it lacks is left out.
std::string top_page(const base::Json& status, TopSize size);

}  // namespace runner
