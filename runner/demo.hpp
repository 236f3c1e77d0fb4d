// The demo: the daemon as it is, on a throw-away state directory, one day lived and shown.
#pragma once

#include <functional>
#include <string>

#include "base/secret.hpp"
#include "runner/config.hpp"

namespace runner {

struct DemoWorld {
    std::string claude_url;  // The simulator's, or empty: the configured one.
    base::Secret claude_key;
    // An administrator's token for the auth service of the daemon in this state directory.
    std::function<base::Secret(const Config&)> admin_token;
};

int run_demo(const Config& config, const DemoWorld& world);

}  // namespace runner
