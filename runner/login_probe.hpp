// One login tried out, as a visit would enter: account, space, tools. What /diag/login tells.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "clients/auth.hpp"
#include "clients/mcp_servers.hpp"

namespace runner {

struct LoginProbe {
    std::string user_id, space_id, space_name;
    std::size_t tools = 0;
    std::vector<std::string> modules;
    // The failure in parts: an exception object has one owner at a time, and here two threads meet.
    std::optional<base::Failure::Kind> failed;
    std::string reason, code;
    std::optional<std::chrono::milliseconds> retry_after;
};

// On the loop thread. Failures come back in the probe, none is thrown.
base::Task<LoginProbe> probe_login(clients::Auth& auth, clients::Mcp& mcp,
                                   std::vector<clients::McpServer> servers, std::string email,
                                   base::Secret password);

// Throws the failure that the probe carries, if any; on any thread.
void throw_if_failed(const LoginProbe& probe);

}  // namespace runner
