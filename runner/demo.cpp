#include "runner/demo.hpp"

#include <cstdlib>
#include <future>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/postgres.hpp"
#include "catalog/catalog.hpp"
#include "runner/database.hpp"
#include "runner/demo_daemon.hpp"
#include "runner/demo_report.hpp"
#include "runner/demo_view.hpp"
#include "runner/seed.hpp"
#include "runner/shared_spaces.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;

constexpr int demo_concurrency = 10;
constexpr std::chrono::minutes day_limit{120};
constexpr std::chrono::milliseconds watch_every{100};
constexpr std::chrono::seconds delivery_limit{30};

base::HttpResponse ask_daemon(const Config& config, const std::string& method,
                              const std::string& url, const std::string& body,
                              std::chrono::milliseconds limit) {
    base::HttpRequest request;
    request.method = method;
    request.url = url;
    request.body = body;
    request.deadline = limit;
    request.header_limit = limit;
    request.headers = {{"X-Service-Key", config.service_key.reveal()}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    return base::fetch(request);
}

Json demo_tick(const Config& config, const std::string& ops_url, const std::string& body) {
    const base::HttpResponse answer =
        ask_daemon(config, "POST", ops_url + "/diag/tick", body, day_limit);
    Json json = base::parse_json(answer.body, "answer of /diag/tick");
    if (answer.status != 200) {
        throw Failure{base::kind_of_status(answer.status),
                      "the tick failed: " + json.value("error", answer.body)};
    }
    return json.at("result");
}

Json status_of_daemon(const Config& config, const DemoDaemon& daemon) {
    const base::HttpResponse answer =
        ask_daemon(config, "GET", daemon.ops_url() + "/status", "", std::chrono::seconds{10});
    return base::parse_json(answer.body, "answer of /status");
}

// Fires the tick and shows the visits until it has answered.
Json live_a_day(const Config& config, DemoDaemon& daemon, DayView& view) {
    std::future<Json> day = std::async(std::launch::async, [&] {
        return demo_tick(config, daemon.ops_url(), R"({"due":"all"})");
    });
    while (day.wait_for(watch_every) != std::future_status::ready) {
        daemon.require_running();
        view.show(status_of_daemon(config, daemon));
    }
    // Who ended since the last look is told, too.
    if (daemon.is_running()) view.show(status_of_daemon(config, daemon));
    view.clear();
    return day.get();
}

// Visits are over, but their last rows may still be on their way.
void await_delivery(const Config& config, DemoDaemon& daemon) {
    const auto until = std::chrono::steady_clock::now() + delivery_limit;
    for (;;) {
        daemon.require_running();
        const Json status = status_of_daemon(config, daemon);
        if (status.at("outbox").at("visits").get<int>() == 0) return;
        if (std::chrono::steady_clock::now() > until) {
            throw Failure{Failure::Kind::unavailable,
                          "the records did not reach the auth service: " +
                              status.at("outbox").at("lastError").get<std::string>()};
        }
        std::this_thread::sleep_for(watch_every);
    }
}

// The demo hosts the auth service and the database itself, in a folder that is gone afterwards:
// whoever asks for others means another verb.
void refuse_what_the_demo_decides(const Config& config) {
    struct Decided {
        const char* variable;
        const char* setting;
        const char* why;
    };
    for (const Decided& one : {
             Decided{"STATE_DIRECTORY", "STATE_DIRECTORY (--state)", "lives in a temporary folder"},
             Decided{"DATABASE_URL", "DATABASE_URL", "makes a database of its own"},
             Decided{"DATABASE_OWNER_URL", "DATABASE_OWNER_URL", "makes a database of its own"},
             Decided{"DATABASE_OPS_URL", "DATABASE_OPS_URL", "makes a database of its own"},
             Decided{"MANA_AUTH_URL", "MANA_AUTH_URL (--auth)", "hosts its own auth service"},
             Decided{"BASE_URL", "BASE_URL (--base-url)", "hosts its own auth service"},
         }) {
        const auto given = config.given.find(one.variable);
        if (given == config.given.end() || given->second.empty()) continue;
        throw Failure{Failure::Kind::invalid,
                      fmt::format("{} is set, but the demo {}; unset it, or use serve and seed",
                                  one.setting, one.why)};
    }
    if (config.production) {
        throw Failure{Failure::Kind::invalid,
                      "PERSONA_ENV (--env) is production, but the demo works with secrets of the "
                      "development; unset it, or use serve and seed"};
    }
    const auto is_told_no = [&config](const char* variable, bool value) {
        return config.given.contains(variable) && !value;
    };
    if (is_told_no("PERSONA_THROWAWAY", !config.durable) ||
        is_told_no("RUNNER_PAUSED", config.paused)) {
        throw Failure{Failure::Kind::invalid,
                      "PERSONA_THROWAWAY and RUNNER_PAUSED must be true for the demo, which keeps "
                      "nothing and ticks by itself; unset them, or use serve and seed"};
    }
}

std::map<std::string, std::string> demo_environment(const Config& config, const DemoWorld& world) {
    std::map<std::string, std::string> changes;
    for (const auto& [variable, value] : config.given) changes[variable] = value.reveal();
    const std::map<std::string, std::string> unless_given{
        {"PERSONA_CONCURRENCY", std::to_string(demo_concurrency)},
        {"PERSONA_SEED", "1"},
        {"PORT", "0"},
        {"MANA_AUTH_PORT", "0"},
        {"MANA_MCP_PORT", "0"},
        {"SHUTDOWN_GRACE_MS", "500"},
    };
    for (const auto& [variable, value] : unless_given) changes.emplace(variable, value);
    const std::map<std::string, std::string> fixed{
        {"PERSONA_ENV", "development"},
        {"PERSONA_THROWAWAY", "true"},
        {"RUNNER_PAUSED", "true"},
    };
    for (const auto& [variable, value] : fixed) changes[variable] = value;
    if (!world.claude_url.empty()) {
        changes["ANTHROPIC_BASE_URL"] = world.claude_url;
        changes["ANTHROPIC_API_KEY"] = world.claude_key.reveal();
        changes.emplace("PERSONA_ADAPTIVE", "false");  // The simulator needs no caution.
    }
    return changes;
}

void show_where_to_look(const DemoDaemon& daemon, DayView& view, bool keep) {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    if (keep) {
        view.say(fmt::format("\nThe daemon stays up. ops {}  auth {}  mcp {}", daemon.ops_url(),
                             daemon.auth_url(), daemon.mcp_url()));
        view.say("Look further:");
    } else {
        view.say("\nWith --keep the daemon stays up, and these look further (it prints its DIR):");
    }
    const std::string psql =
        fmt::format("{} --state {} psql", program, keep ? daemon.state().string() : "DIR");
    for (const char* query :
         {"select * from ops.visits",
          "select persona, seq, tool, outcome, error_message from ops.actions order by 1, 2",
          "select persona, module, rating, notes from ops.ratings order by module",
          "select * from ops.health"}) {
        view.say(fmt::format("  {} -c \"{}\"", psql, query));
    }
    if (!keep) return;
    view.say(fmt::format("  curl -X POST {}/diag/tick", daemon.ops_url()));
    view.say("Ctrl-C ends it and removes everything.");
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// The personas of the catalog's beginning that the day is made of.
std::vector<catalog::Persona> demo_personas(const Config& config, const catalog::Catalog& catalog,
                                            DayView& view) {
    std::vector<catalog::Persona> personas = catalog.personas;
    const auto asked = static_cast<std::size_t>(config.personas_max);
    if (asked > personas.size()) {
        view.say(fmt::format("The catalog has only {}: --personas {} is more than there are.",
                             counted(personas.size(), "persona"), asked));
    }
    if (asked > 0 && asked < personas.size()) personas.resize(asked);
    return personas;
}

void seed_demo(const SeedTarget& target, const base::Secret& service_key,
               const std::vector<catalog::Persona>& personas,
               const std::vector<catalog::SharedSpace>& spaces, DemoDaemon& daemon, DayView& view) {
    const SeedProgress look = [&daemon](std::size_t, std::size_t, const std::string&) {
        daemon.require_running();
    };
    const SeedResult seeded = seed_personas(target, personas, look);
    const SharedSpacesResult shared = seeded.failed.empty()
                                          ? seed_spaces(target, service_key, spaces, look)
                                          : SharedSpacesResult{};
    for (const auto& failed : {seeded.failed, shared.failed}) {
        if (failed.empty()) continue;
        throw Failure{Failure::Kind::internal,
                      fmt::format("seeding {} failed: {}", failed[0].first, failed[0].second)};
    }
    view.say(fmt::format("{} seeded through the admin API, {} that they share. Their day:",
                         counted(seeded.created, "persona"), counted(shared.created, "space")));
}

int show_demo(const Config& config, const DemoWorld& world, DemoDaemon& daemon, DayView& view) {
    Config inner = config;
    inner.state_directory = daemon.state();
    inner.base_url = daemon.auth_url();
    const catalog::Catalog catalog = config.catalog_file.empty()
                                         ? catalog::shipped_catalog()
                                         : catalog::load_catalog(config.catalog_file);
    const std::vector<catalog::Persona> personas = demo_personas(config, catalog, view);
    seed_demo({daemon.auth_url(), world.admin_token(inner), config.seed_secret}, inner.service_key,
              personas, spaces_of(catalog.spaces, personas), daemon, view);

    const Json result = live_a_day(config, daemon, view);
    await_delivery(config, daemon);
    const Json again = demo_tick(config, daemon.ops_url(), "");
    base::Postgres ops(
        {.url = Database(inner, Database::Use::visit).ops_url(), .connections_max = 1});
    Json day = read_day(ops);
    const bool well =
        result.at("failed").empty() && result.at("due").get<std::size_t>() == personas.size();
    if (config.json) {
        Json report{{"ok", well},
                    {"simulated", !world.claude_url.empty()},
                    {"ran", result.at("ranSuccessfully")},
                    {"failed", result.at("failed")},
                    {"dueAfterwards", again.at("due")},
                    {"durationMs", result.at("durationMs")}};
        report.update(day);
        fmt::print("{}\n", report.dump(2));
        std::fflush(stdout);
    } else {
        view.say("\n" + day_tables(day, view.columns()));
        view.say(fmt::format("{} finished, {} failed; an ordinary tick right after finds {} due.",
                             counted(result.at("ranSuccessfully").get<std::size_t>(), "visit"),
                             result.at("failed").size(), again.at("due").get<int>()));
        for (const Json& failed : result.at("failed")) {
            view.say(fmt::format("  {}: {}", failed.at("persona").get<std::string>(),
                                 failed.at("error").get<std::string>()));
        }
    }
    show_where_to_look(daemon, view, config.keep);
    if (config.keep) {
        daemon.wait();
        if (!daemon.was_interrupted()) {
            throw Failure{Failure::Kind::internal,
                          "the daemon ended, though nobody told it to; everything was removed. The "
                          "end of its log:\n" +
                              daemon.log_end()};
        }
    }
    return well ? 0 : exit_unwell;
}

}  // namespace

int run_demo(const Config& config, const DemoWorld& world) {
    refuse_what_the_demo_decides(config);
    DayView view(config.json);
    if (world.claude_url.empty()) {
        view.say(fmt::format("The model is {} at {}.", config.model, config.claude_url));
    } else {
        view.say("*** No ANTHROPIC_API_KEY: the model is the BUILT-IN SIMULATOR, not Claude. ***");
    }
    DemoDaemon daemon(demo_environment(config, world));
    try {
        return show_demo(config, world, daemon, view);
    } catch (const Failure&) {
        // Ctrl-C ends the daemon as well: then the signal is the cause, not what we met.
        view.clear();
        daemon.refuse_interrupted();
        throw;
    }
}

}  // namespace runner
