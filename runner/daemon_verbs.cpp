#include "runner/daemon_verbs.hpp"

#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "runner/status_page.hpp"
#include "runner/terminal.hpp"
#include "runner/top.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;

// Where a daemon in this state directory really listens; nothing when none ever started there.
std::map<std::string, std::string> written_urls(const Config& config) {
    std::map<std::string, std::string> urls;
    std::ifstream in(config.state_directory / "urls");
    for (std::string line; std::getline(in, line);) {
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos) urls[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return urls;
}

// A port that somebody gave, by flag or variable, counts; otherwise where the daemon of the state
// directory said that it listens.
std::string listener_url(const Config& config, const char* port_variable, int port,
                         const char* name, std::string_view path) {
    const auto urls = written_urls(config);
    const auto found = urls.find(name);
    const bool given = config.given.contains(port_variable) && port != 0;  // 0 was any free one.
    if (!given && found != urls.end()) return found->second;
    return fmt::format("http://127.0.0.1:{}{}", port, path);
}

struct DaemonAnswer {
    int status = 0;
    Json body;
};

DaemonAnswer ask(const Config& config, const std::string& method, const std::string& path,
                 const Json& body, std::chrono::milliseconds limit) {
    base::HttpRequest request;
    request.method = method;
    const std::string daemon_url = daemon_url_of(config);
    request.url = daemon_url + path;
    request.deadline = limit;
    request.header_limit = limit;
    request.headers = {{"X-Service-Key", config.service_key.reveal()}};
    if (!body.is_null()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = base::to_text(body);
    }
    const base::HttpResponse answer = base::fetch(request);
    const auto json = base::try_parse_json(answer.body);
    if (!json) {
        throw Failure{
            Failure::Kind::unavailable,
            fmt::format("{} answered {} without JSON; is it a persona-runner's ops listener?",
                        daemon_url, answer.status)};
    }
    return {answer.status, *json};
}

// 2xx and 503 of /health are answers; everything else becomes a failure with the daemon's own
// words.
void require_success(const DaemonAnswer& answer) {
    if (answer.status < 400) return;
    throw Failure{base::kind_of_status(answer.status),
                  answer.body.value("error", "the daemon refused")}
        .status(answer.status);
}

constexpr TopSize whole_page{.rows = 1'000'000, .columns = 1'000};  // Nobody scrolls a pipe.

TopSize top_size() {
    const auto size = terminal_size(stdout);
    if (!size) return whole_page;
    // The last line stays free for the cursor.
    return {.rows = size->rows - 1, .columns = size->columns};
}

// Why nobody was due, when it is because somebody holds them; nothing when nobody does.
void print_holds(const Config& config) {
    const DaemonAnswer answer = ask(config, "GET", "/status", Json(), std::chrono::seconds{15});
    require_success(answer);
    fmt::print("{}", holds_text(answer.body));
}

}  // namespace

std::string auth_url_of(const Config& config) {
    if (!config.auth_url.empty()) return config.auth_url;
    return listener_url(config, "MANA_AUTH_PORT", config.auth_port, "MANA_AUTH_URL", "");
}

std::string workspace_url_of(const Config& config) {
    if (!config.hosts_workspace()) return {};
    return listener_url(config, "MANA_MCP_PORT", config.mcp_port, "MANA_MCP_URL", "/mcp");
}

std::string daemon_url_of(const Config& config) {
    if (config.daemon_url.empty())
        return listener_url(config, "PORT", config.ops_port, "PERSONA_URL", "");
    return config.daemon_url.ends_with('/')
               ? config.daemon_url.substr(0, config.daemon_url.size() - 1)
               : config.daemon_url;
}

int run_tick(const Config& config) {
    const Json body = config.everybody ? Json{{"due", "all"}} : Json::object();
    const DaemonAnswer answer =
        ask(config, "POST", config.wait ? "/diag/tick" : "/diag/tick?wait=0", body,
            std::chrono::hours{2});
    require_success(answer);
    if (config.json) {
        fmt::print("{}\n", answer.body.dump(2));
        return 0;
    }
    if (!config.wait) {
        fmt::print("accepted; `persona-runner status` shows how far it is\n");
        return 0;
    }
    const Json& result = answer.body.at("result");
    fmt::print("{} due, {} ran, {} failed, {} ms\n", result.at("due").get<int>(),
               result.at("ranSuccessfully").get<int>(), result.at("failed").size(),
               result.at("durationMs").get<long>());
    for (const Json& failed : result.at("failed")) {
        fmt::print("  {}: {}\n", failed.at("persona").get<std::string>(),
                   failed.at("error").get<std::string>());
    }
    const std::string trouble = result.value("trouble", "");
    if (!trouble.empty()) fmt::print("  stopped early: {}\n", trouble);
    if (result.at("due").get<int>() == 0) print_holds(config);
    return result.at("failed").empty() ? 0 : exit_unwell;
}

int run_resume_model(const Config& config) {
    if (!config.email.empty() || !config.archetype.empty() || config.everybody) {
        throw Failure{Failure::Kind::invalid,
                      "--model goes with none of EMAIL, --archetype NAME and --all"};
    }
    const DaemonAnswer answer =
        ask(config, "POST", "/diag/resume", Json::object(), std::chrono::seconds{15});
    require_success(answer);
    if (config.json) {
        fmt::print("{}\n", answer.body.dump(2));
        return 0;
    }
    fmt::print("lifted: {}\nwhoever is due visits at once; the next refusal stops them again\n",
               answer.body.value("lifted", ""));
    return 0;
}

int run_login(const Config& config) {
    const DaemonAnswer answer =
        ask(config, "POST", "/diag/login", Json{{"email", config.email}}, std::chrono::seconds{90});
    require_success(answer);
    if (config.json) {
        fmt::print("{}\n", answer.body.dump(2));
        return 0;
    }
    const Json& body = answer.body;
    fmt::print(
        "{} ({}) in space {} ({}), {} tools\n", body.at("user").at("email").get<std::string>(),
        body.at("user").at("id").get<std::string>(), body.at("space").at("name").get<std::string>(),
        body.at("space").at("id").get<std::string>(), body.at("tools").get<int>());
    return 0;
}

int run_health(const Config& config) {
    const DaemonAnswer answer = ask(config, "GET", "/health", Json(), std::chrono::seconds{15});
    if (answer.body.value("service", "") != "persona-runner") {
        throw Failure{Failure::Kind::unavailable,
                      fmt::format("{} is another service; --url takes the daemon's ops listener",
                                  daemon_url_of(config))};
    }
    if (config.json) {
        fmt::print("{}\n", answer.body.dump(2));
    } else {
        fmt::print("{}\n", answer.body.value("status", "unknown"));
        const Json checks = answer.body.value("checks", Json::object());
        for (const auto& [name, check] : checks.items()) {
            fmt::print("  {:<10} {} {}\n", name, check.value("ok", false) ? "ok" : "NOT OK",
                       check.value("reason", ""));
        }
    }
    return answer.status == 200 ? 0 : exit_unwell;
}

int run_status(const Config& config) {
    const DaemonAnswer answer = ask(config, "GET", "/status", Json(), std::chrono::seconds{15});
    require_success(answer);
    if (config.json) {
        fmt::print("{}\n", answer.body.dump(2));
        return 0;
    }
    fmt::print("{}", status_page(answer.body));
    return 0;
}

int run_top(const Config& config) {
    const bool live = ::isatty(STDOUT_FILENO) == 1;
    do {
        const DaemonAnswer answer = ask(config, "GET", "/status", Json(), std::chrono::seconds{15});
        require_success(answer);
        const std::string page = top_page(answer.body, top_size());
        fmt::print("{}{}", live ? "\x1b[H\x1b[2J" : "", page);
        std::fflush(stdout);
        if (live) std::this_thread::sleep_for(config.top_interval);
    } while (live);
    return 0;
}

}  // namespace runner
