#include "workspace/browser_guard.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace workspace {

namespace {

using base::ServerRequest;
using base::ServerResponse;

ServerResponse browser_refusal(std::string_view reason) {
    return ServerResponse::json({{"error", std::string(reason)}}, 403);
}

// "localhost:3069" -> "localhost", "[::1]:80" -> "[::1]".
std::string browser_host_name(std::string_view authority) {
    if (authority.starts_with('[')) {
        return std::string(authority.substr(0, authority.find(']') + 1));
    }
    return base::lower_ascii(authority.substr(0, authority.find(':')));
}

bool browser_is_this_machine(std::string_view authority) {
    const std::string name = browser_host_name(authority);
    return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

// "https://mcp.example.com/x" -> "mcp.example.com"; with its port, if it names one.
std::string browser_authority(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == url.npos) return {};
    url.remove_prefix(scheme + 3);
    return base::lower_ascii(url.substr(0, url.find('/')));
}

}  // namespace

BrowserGuard::BrowserGuard(BrowserOptions options) : options_(std::move(options)) {}

std::optional<ServerResponse> BrowserGuard::check(const ServerRequest& request) const {
    // A name that resolves to this machine but is not its own is how a foreign page reaches it.
    const std::string_view host = request.header("host");
    if (options_.loopback && !host.empty() && !browser_is_this_machine(host) &&
        base::lower_ascii(host) != browser_authority(options_.public_url)) {
        return browser_refusal(
            "this address answers to localhost only, and to the host of "
            "MANA_MCP_PUBLIC_URL");
    }
    const std::string_view origin = request.header("origin");
    if (origin.empty()) return std::nullopt;
    const auto& allowed = options_.allowed_origins;
    if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) return std::nullopt;
    if ((options_.public_url + "/").starts_with(std::string(origin) + "/")) return std::nullopt;
    const std::size_t scheme = origin.find("://");
    if (options_.loopback && scheme != origin.npos &&
        browser_is_this_machine(origin.substr(scheme + 3))) {
        return std::nullopt;
    }
    return browser_refusal("requests from this origin are not allowed");
}

void BrowserGuard::add_cors(const ServerRequest& request, ServerResponse& response) const {
    const std::string origin(request.header("origin"));
    const auto& allowed = options_.allowed_origins;
    if (std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
    response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
    response.headers.emplace_back("Access-Control-Expose-Headers",
                                  "mcp-session-id, www-authenticate, retry-after");
    response.headers.emplace_back("Vary", "Origin");
    if (request.method != "OPTIONS") return;
    response.headers.emplace_back("Access-Control-Allow-Methods", "POST, GET, DELETE, OPTIONS");
    response.headers.emplace_back("Access-Control-Max-Age", "600");
    // A page that may ask at all may name any header: the stateless era makes them of arguments.
    const std::string wanted(request.header("access-control-request-headers"));
    response.headers.emplace_back(
        "Access-Control-Allow-Headers",
        !wanted.empty() ? wanted
                        : "authorization, content-type, x-mana-space, mcp-session-id, "
                          "mcp-protocol-version, mcp-method, mcp-name, x-client-id, last-event-id");
}

}  // namespace workspace
