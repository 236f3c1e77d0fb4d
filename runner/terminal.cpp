#include "runner/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace runner {

std::optional<TerminalSize> terminal_size(std::FILE* stream) {
    const int file = ::fileno(stream);
    if (::isatty(file) != 1) return std::nullopt;
    winsize size{};
    if (::ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
        return TerminalSize{};
    }
    return TerminalSize{.rows = size.ws_row, .columns = size.ws_col};
}

}  // namespace runner
