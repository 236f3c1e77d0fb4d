#include "runner/login_probe.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace runner {

namespace {

using base::Failure;

base::Task<LoginProbe> enter_once(clients::Auth& auth, clients::Mcp& mcp,
                                  std::vector<clients::McpServer> servers, std::string email,
                                  base::Secret password) {
    LoginProbe probe;
    const clients::Login login = co_await auth.log_in(email, password);
    probe.user_id = login.user_id;
    const std::vector<clients::Space> spaces = co_await auth.spaces(login.access_token);
    if (spaces.empty())
        throw Failure{Failure::Kind::missing, "logged in, but a member of no space"};
    const auto personal =
        std::find_if(spaces.begin(), spaces.end(),
                     [](const clients::Space& space) { return space.type == "personal"; });
    const clients::Space& space = personal == spaces.end() ? spaces.front() : *personal;
    probe.space_id = space.id;
    probe.space_name = space.name;
    clients::McpVisitor visitor{login.access_token, space.id};
    std::unique_ptr<clients::McpSession> session =
        co_await clients::open_servers(mcp, std::move(servers), std::move(visitor));
    probe.tools = session->tools().entries().size();
    probe.modules = session->tools().modules();
    co_await session->close();
    co_return probe;
}

}  // namespace

base::Task<LoginProbe> probe_login(clients::Auth& auth, clients::Mcp& mcp,
                                   std::vector<clients::McpServer> servers, std::string email,
                                   base::Secret password) {
    try {
        LoginProbe probe = co_await enter_once(auth, mcp, std::move(servers), std::move(email),
                                               std::move(password));
        co_return probe;
    } catch (const Failure& failure) {
        // Handed to the thread that asked; it answers with the failure's status.
        co_return LoginProbe{.failed = failure.kind(),
                             .reason = failure.what(),
                             .code = failure.code(),
                             .retry_after = failure.retry_after()};
    }
}

void throw_if_failed(const LoginProbe& probe) {
    if (!probe.failed) return;
    Failure failure{*probe.failed, probe.reason, probe.code};
    if (probe.retry_after) throw Failure{std::move(failure).retry_after(*probe.retry_after)};
    throw Failure{failure};
}

}  // namespace runner
