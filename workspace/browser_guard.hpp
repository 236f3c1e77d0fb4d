// Which browsers may ask: pages of other origins, and pages that reach this machine through a name
// of their own, are refused before anything else is looked at; pages that are allowed get the CORS
// headers that their browser wants. Programs that are no browser send no Origin and pass.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/server.hpp"

namespace workspace {

struct BrowserOptions {
    bool loopback = true;  // Bound to a loopback address: foreign hosts are refused.
    std::vector<std::string> allowed_origins;  // Besides those of this machine.
    std::string public_url;  // Of the listener behind a proxy, whose host is not foreign.
};

// Any inbound thread; for every route of the listener.
class BrowserGuard {
  public:
    explicit BrowserGuard(BrowserOptions options);

    // Nothing: go on.
    std::optional<base::ServerResponse> check(const base::ServerRequest& request) const;
    void add_cors(const base::ServerRequest& request, base::ServerResponse& response) const;

  private:
    const BrowserOptions options_;
};

}  // namespace workspace
