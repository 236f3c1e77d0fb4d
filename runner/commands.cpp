#include "runner/commands.hpp"

#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/identity/administration.hpp"
#include "auth/keys/administration.hpp"
#include "auth/migrations.hpp"
#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "base/state_directory.hpp"
#include "runner/daemon.hpp"
#include "runner/daemon_verbs.hpp"
#include "runner/database.hpp"
#include "runner/demo.hpp"
#include "runner/forecast_verb.hpp"
#include "runner/hold_verbs.hpp"
#include "runner/seed.hpp"
#include "sim/claude.hpp"
#include "sim/proxy.hpp"
#include "workspace/migrations.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;

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

auth::AdministratorChange create_admin(const Config& config, const std::string& email,
                                       const base::Secret& password) {
    Database database(config, Database::Use::visit);
    base::Postgres postgres({.url = database.app_url(), .connections_max = 1});
    base::SystemClock clock;
    return auth::create_administrator(postgres, clock, email, password);
}

int run_admin_create(const Config& config) {
    const base::Secret password(base::random_text(24, base::alphanumeric));
    const auth::AdministratorChange change = create_admin(config, config.email, password);
    const std::string_view done =
        change.created    ? "created a verified administrator"
        : change.promoted ? "was a user without the role: made a verified administrator, and her "
                            "password was replaced"
                          : "was an administrator already: her password was replaced";
    fmt::print("{}: {}", change.email, done);
    if (!change.created) fmt::print("; {} of her sessions ended", change.sessions_ended);
    fmt::print("\npassword: {}\n", password.reveal());
    return 0;
}

int run_keys_list(const Config& config) {
    Database database(config, Database::Use::visit);
    base::Postgres postgres({.url = database.app_url(), .connections_max = 1});
    base::SystemClock clock;
    for (const auth::KeyLine& key : auth::list_keys(postgres, clock, config.auth_secret)) {
        fmt::print("{}  {:9}  signs from {}{}\n", key.kid, key.state, base::to_iso(key.signs_from),
                   key.verifies_until
                       ? fmt::format("  verifies until {}", base::to_iso(*key.verifies_until))
                       : std::string());
    }
    return 0;
}

int run_keys_rotate(const Config& config) {
    Database database(config, Database::Use::visit);
    base::Postgres postgres({.url = database.app_url(), .connections_max = 1});
    base::SystemClock clock;
    const auth::Rotated next =
        auth::rotate_keys(postgres, clock, config.auth_secret,
                          config.revoke ? auth::Rotation::at_once : auth::Rotation::gentle);
    fmt::print("{}: {}, signs from {}\n", next.kid,
               next.made ? "made" : "was made before and waits for its time",
               base::to_iso(next.signs_from));
    if (config.revoke) {
        fmt::print(
            "all other keys have ended, and all access tokens with them: in running auth "
            "services within ten seconds, in workspaces within a minute\n");
    }
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
    // A closed terminal ends it in the same way, unless somebody (nohup) has it ignored.
    struct sigaction hangup{};
    if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(&set, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

sim::SimOptions sim_options(const Config& config) {
    sim::SimOptions options;
    options.address = config.bind_address;
    options.port = config.sim_port;
    options.pacing = config.sim_pacing;
    if (config.seed) options.seed = *config.seed;
    for (const std::string& rule : config.sim_faults) {
        options.faults.push_back(sim::parse_rule(rule));
    }
    sim::LimitOptions& limits = options.limits;
    const auto set = [](long& limit, long asked) { limit = asked > 0 ? asked : limit; };
    set(limits.requests_per_minute, config.sim_requests_per_minute);
    set(limits.input_tokens_per_minute, config.sim_input_tokens_per_minute);
    set(limits.output_tokens_per_minute, config.sim_output_tokens_per_minute);
    return options;
}

int run_sim(const Config& config) {
    base::SystemClock clock;
    const sigset_t set = block_end_signals();
    std::signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    std::vector<sim::ProxyOptions> places;
    for (const std::string& text : config.sim_proxies) {
        places.push_back(sim::parse_proxy(text));
        places.back().address = config.bind_address;
    }
    sim::Proxies proxies(places);
    sim::SimOptions options = sim_options(config);
    options.proxies = &proxies;
    sim::Claude sim(options, clock);
    proxies.start();
    sim.start();
    fmt::print("{}\n", sim.url());
    for (const sim::ProxyOptions& place : places) {
        fmt::print("proxy {} at {}:{}\n", place.name, place.address, proxies.at(place.name).port());
    }
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
    // Who answers can be reached, whatever else she lacks.
    const bool answered = failure.status() != 0;
    switch (failure.kind()) {
        case Failure::Kind::invalid: return exit_usage;
        case Failure::Kind::unavailable:
        case Failure::Kind::throttled: return answered ? exit_unwell : exit_unreachable;
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
        case Verb::top: return run_top(config);
        case Verb::seed: return run_seed(config, auth_url_of(config));
        case Verb::cleanup:
            return run_cleanup(config, auth_url_of(config), workspace_url_of(config));
        case Verb::forecast: return run_forecast(config);
        case Verb::migrate: return run_migrate(config);
        case Verb::admin_create: return run_admin_create(config);
        case Verb::admin_token:
            fmt::print("{}\n", admin_token(config, config.email).reveal());
            return 0;
        case Verb::keys_list: return run_keys_list(config);
        case Verb::keys_rotate: return run_keys_rotate(config);
        case Verb::pause: return run_pause(config, auth_url_of(config));
        case Verb::resume:
            return config.of_model ? run_resume_model(config)
                                   : run_resume(config, auth_url_of(config));
        case Verb::persona_resume: return run_persona_resume(config, auth_url_of(config));
        case Verb::psql: return run_psql(config);
        case Verb::sim: return run_sim(config);
        case Verb::settings: fmt::print("{}", settings_table()); return 0;
    }
    base::unreachable("verb");
}

}  // namespace runner
