// Whether a server could listen at an address, asked before the work that its start would undo.
#pragma once

#include <string>

#include "base/failure.hpp"

namespace base {

// Failure::unavailable that says why (`error`: errno of bind or listen) and what would help.
Failure listen_failure(const std::string& address, int port, int error);

// Takes the port for a moment. Throws listen_failure() when that is refused; 0 is always free.
// Somebody may still take it before the server does.
void require_free_port(const std::string& address, int port);

}  // namespace base
