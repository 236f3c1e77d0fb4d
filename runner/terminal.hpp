// How large the terminal is that somebody looks at.
#pragma once

#include <cstdio>
#include <optional>

namespace runner {

struct TerminalSize {
    int rows = 24, columns = 80;
};

// Of the terminal that `stream` writes to, asked anew each time since people resize windows.
// Nothing: it is none, so nobody's window limits a line. A terminal that does not tell: 24 × 80.
std::optional<TerminalSize> terminal_size(std::FILE* stream);

}  // namespace runner
