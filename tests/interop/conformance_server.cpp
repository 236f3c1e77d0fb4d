// Our MCP endpoint with the tools of the official conformance suite. The suite cannot send
// credentials, so this server adds them to what it says; everything behind that is the endpoint as
// it is in life: checks of host and origin, token, space, sessions, both eras. Prints its URL and
// serves until its input ends.
#include <cstdio>
#include <iostream>

#include "base/clock.hpp"
#include "base/jwt.hpp"
#include "base/log.hpp"
#include "base/server.hpp"
#include "tests/interop/conformance_tools.hpp"
#include "tests/workspace/fake_auth.hpp"
#include "workspace/browser_guard.hpp"
#include "workspace/mcp_server.hpp"

namespace {

using base::ServerRequest;

struct Endpoint {
    Endpoint() {
        auth.join("conformance", "space");
        server.before([this](const ServerRequest& request) { return browsers.check(request); });
        server.route("POST", "/mcp", [this](ServerRequest one) { return mcp.post(known(one)); });
        server.route("GET", "/mcp", [this](ServerRequest one) { return mcp.get(known(one)); });
        server.route("DELETE", "/mcp", [this](ServerRequest one) { return mcp.end(known(one)); });
        server.start();
    }

    const ServerRequest& known(ServerRequest& request) {
        request.headers.emplace("authorization",
                                "Bearer " + auth.token("conformance", clock.now()));
        request.headers.emplace("x-mana-space", "space");
        return request;
    }

    base::SystemClock clock;
    tests::FakeAuth auth;
    base::JwtVerifier verifier{
        auth.url() + "/api/auth/jwks", {.issuers = {tests::issuer}, .audience = "mana"}, clock};
    workspace::Memberships memberships{
        {.auth_url = auth.url(), .service_key = base::Secret(tests::service_key)}, clock};
    workspace::Sessions sessions{{}, clock};
    interop::ConformanceTools tools;
    const workspace::BrowserGuard browsers{{}};
    workspace::McpServer mcp{
        {.token_issuer = tests::issuer}, verifier, memberships, sessions, tools};
    base::Server server{{.name = "conformance"}};
};

}  // namespace

int main() {
    base::set_log_level(base::LogLevel::error);
    const Endpoint endpoint;
    std::cout << endpoint.server.url() << "/mcp" << std::endl;
    while (std::cin.get() != EOF) {
    }
    return 0;
}
