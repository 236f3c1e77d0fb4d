#include "runner/commands.hpp"

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/identity/administration.hpp"
#include "auth/migrations.hpp"
#include "base/crypto.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "base/state_directory.hpp"
#include "runner/daemon.hpp"
#include "runner/database.hpp"
#include "runner/demo.hpp"
#include "runner/seed.hpp"
#include "sim/claude.hpp"
#include "workspace/migrations.hpp"

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

std::string auth_url_of(const Config& config) {
    if (!config.auth_url.empty()) return config.auth_url;
    const auto urls = written_urls(config);
    const auto found = urls.find("MANA_AUTH_URL");
    return found != urls.end() ? found->second
                               : fmt::format("http://127.0.0.1:{}", config.auth_port);
}

// The hosted workspace; a remote MCP server has no rows of ours to clean.
std::string workspace_url_of(const Config& config) {
    if (!config.mcp_url.empty()) return {};
    const auto urls = written_urls(config);
    const auto found = urls.find("MANA_MCP_URL");
    return found != urls.end() ? found->second
                               : fmt::format("http://127.0.0.1:{}/mcp", config.mcp_port);
}

std::string daemon_url_of(const Config& config) {
    if (!config.daemon_url.empty()) return config.daemon_url;
    const auto urls = written_urls(config);
    const auto found = urls.find("PERSONA_URL");
    return found != urls.end() ? found->second
                               : fmt::format("http://127.0.0.1:{}", config.ops_port);
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
                  answer.body.value("error", "the daemon refused")};
}

int run_tick(const Config& config) {
    const Json body = config.everybody ? Json{{"due", "all"}} : Json::object();
    const DaemonAnswer answer =
        ask(config, "POST", config.wait ? "/diag/tick" : "/diag/tick?wait=0", body,
            std::chrono::hours{2});
    require_success(answer);
    if (config.json || !config.wait) {
        fmt::print("{}\n", answer.body.dump(2));
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
    return result.at("failed").empty() ? 0 : exit_unwell;
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
    const Json& body = answer.body;
    if (!body.value("enabled", false))
        fmt::print("visits disabled: {}\n", body.value("reason", ""));
    if (body.contains("lease"))
        fmt::print("lease   {}\n", body.at("lease").value("held", false) ? "held" : "not held");
    if (body.contains("outbox")) {
        fmt::print("outbox  {} visits, {} records waiting\n", body.at("outbox").value("visits", 0),
                   body.at("outbox").value("records", 0));
    }
    if (body.contains("lastTickAt") && body.at("lastTickAt").is_string()) {
        fmt::print("tick    last at {}\n", body.at("lastTickAt").get<std::string>());
    }
    for (const Json& visit : body.value("running", Json::array())) {
        fmt::print("visit   {:<10} turn {:<3} calls {:<3} waits for {:<7} {} s\n",
                   visit.value("persona", ""), visit.value("turn", 0), visit.value("toolCalls", 0),
                   visit.value("waitingFor", ""), visit.value("ageMs", 0L) / 1000);
    }
    return 0;
}

int run_migrate(const Config& config) {
    base::drop_root_to_owner_of(config.state_directory);
    // The private cluster is started for it, unless a daemon runs it (that one has migrated
    // already).
    std::unique_ptr<base::StateDirectory> state;
    if (config.database_url.empty()) {
        state = std::make_unique<base::StateDirectory>(base::StateDirectoryOptions{
            .path = config.state_directory, .may_be_in_memory = !config.durable});
    }
    Database database(config, Database::Use::own);
    std::size_t applied = 0;
    for (const auto& name : base::migrate(database.owner_url(), "auth", auth::migrations())) {
        fmt::print("auth       {}\n", name);
        ++applied;
    }
    for (const auto& name :
         base::migrate(database.owner_url(), "workspace", workspace::migrations())) {
        fmt::print("workspace  {}\n", name);
        ++applied;
    }
    fmt::print("{}\n",
               applied == 0 ? std::string("up to date") : fmt::format("{} applied", applied));
    return 0;
}

auth::Options admin_options(const Config& config) {
    auth::Options options;
    options.secret = config.auth_secret;
    options.audience = config.jwt_audience;
    options.production = config.production;
    options.base_url = config.base_url.empty() ? auth_url_of(config) : config.base_url;
    return options;
}

base::Secret admin_token(const Config& config, const std::string& email) {
    Database database(config, Database::Use::visit);
    base::Postgres postgres({.url = database.app_url(), .connections_max = 1});
    base::SystemClock clock;
    return auth::mint_admin_token(postgres, clock, admin_options(config), email, config.token_life);
}

bool create_admin(const Config& config, const std::string& email, const base::Secret& password) {
    Database database(config, Database::Use::visit);
    base::Postgres postgres({.url = database.app_url(), .connections_max = 1});
    base::SystemClock clock;
    return auth::create_administrator(postgres, clock, email, password);
}

int run_admin_create(const Config& config) {
    const base::Secret password(base::random_text(24, base::alphanumeric));
    const bool created = create_admin(config, config.email, password);
    fmt::print("{} {} as a verified administrator\npassword: {}\n", created ? "created" : "updated",
               config.email, password.reveal());
    return 0;
}

int run_psql(const Config& config) {
    Database database(config, Database::Use::visit);
    // libpq reads the connection from the environment: nothing secret gets into an argument list.
    const base::PsqlEnvironment environment = base::psql_environment(database.ops_url());
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<std::string> words{"psql"};
    words.insert(words.end(), config.psql_arguments.begin(), config.psql_arguments.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp("psql", arguments.data());
    throw Failure{Failure::Kind::missing,
                  "psql is not installed (apt-get install postgresql-client)"};
}

// Before the first thread starts, so that every thread inherits the mask.
sigset_t block_end_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

sim::SimOptions sim_options(const Config& config) {
    sim::SimOptions options;
    options.address = config.bind_address;
    options.port = config.sim_port;
    options.pacing = config.sim_pacing;
    if (config.seed) options.seed = *config.seed;
    return options;
}

int run_sim(const Config& config) {
    base::SystemClock clock;
    const sigset_t set = block_end_signals();
    std::signal(SIGPIPE, SIG_IGN);
    sim::Claude sim(sim_options(config), clock);
    sim.start();
    fmt::print("{}\n", sim.url());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&set, &signal);
    sim.stop();
    return 0;
}

base::Secret demo_admin_token(const Config& config) {
    const std::string email = "demo-admin@example.com";
    create_admin(config, email, base::Secret(base::random_text(24, base::alphanumeric)));
    return admin_token(config, email);
}

int run_demo_verb(const Config& config) {
    std::signal(SIGPIPE, SIG_IGN);
    block_end_signals();  // The demo looks for them where it can clean up.
    if (!config.api_key.empty()) return run_demo(config, {{}, {}, demo_admin_token});
    base::SystemClock clock;
    Config simulated = config;
    simulated.sim_port = 0;
    sim::Claude sim(sim_options(simulated), clock);
    sim.start();
    return run_demo(config, {sim.url(), base::Secret("sk-sim-demo"), demo_admin_token});
}

}  // namespace

int exit_code_of(const Failure& failure) {
    switch (failure.kind()) {
        case Failure::Kind::invalid: return exit_usage;
        case Failure::Kind::unavailable:
        case Failure::Kind::throttled: return exit_unreachable;
        case Failure::Kind::unauthenticated:
        case Failure::Kind::forbidden: return exit_refused;
        case Failure::Kind::missing:
        case Failure::Kind::conflict:
        case Failure::Kind::internal: return exit_failed;
    }
    base::unreachable("failure kind");
}

int run_verb(const Config& config) {
    switch (config.verb) {
        case Verb::serve: run_daemon(config); return 0;
        case Verb::demo: return run_demo_verb(config);
        case Verb::tick: return run_tick(config);
        case Verb::login: return run_login(config);
        case Verb::health: return run_health(config);
        case Verb::status: return run_status(config);
        case Verb::seed: return run_seed(config, auth_url_of(config));
        case Verb::cleanup:
            return run_cleanup(config, auth_url_of(config), workspace_url_of(config));
        case Verb::migrate: return run_migrate(config);
        case Verb::admin_create: return run_admin_create(config);
        case Verb::admin_token:
            fmt::print("{}\n", admin_token(config, config.email).reveal());
            return 0;
        case Verb::psql: return run_psql(config);
        case Verb::sim: return run_sim(config);
        case Verb::settings: fmt::print("{}", settings_table()); return 0;
    }
    base::unreachable("verb");
}

}  // namespace runner
