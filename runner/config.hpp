// Flags, environment and files → Config. Every knob is declared once, in config_settings.cpp:
// variable, flag, default, valid values, help. Order: flag, variable, VARIABLE_FILE, systemd
// credential, --config file, default. Everything is validated before anything starts; a message
// names the variable and what would be valid. Secrets have no flag.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/secret.hpp"
#include "clients/mcp_target.hpp"

namespace runner {

enum class Verb {
    serve,
    demo,
    tick,
    login,
    health,
    status,
    top,
    seed,
    cleanup,
    forecast,
    migrate,
    admin_create,
    admin_token,
    keys_list,
    keys_rotate,
    pause,
    resume,
    persona_resume,
    psql,
    sim,
    settings,
};

struct Config {
    Verb verb = Verb::serve;

    // What was given by flag, variable or file, as text; for handing on to a child process.
    std::map<std::string, base::Secret> given;

    // Where and how.
    std::filesystem::path state_directory;
    bool production = false;
    base::LogLevel log_level = base::LogLevel::info;
    std::string bind_address = "127.0.0.1";
    int ops_port = 3070, auth_port = 3001, mcp_port = 3069;
    bool durable = true;  // Demo: a throw-away cluster without fsync.

    // Other services; an empty URL means: hosted here.
    base::Secret database_url, database_owner_url, database_ops_url;
    std::string auth_url;
    std::string mcp_text;                     // MANA_MCP_URL as it was given.
    std::string mcp_public_url;               // Of the hosted workspace; empty: as it is asked.
    std::vector<clients::McpServer> servers;  // What it means; an empty URL: hosted here.
    bool hosts_workspace() const;
    std::string base_url;  // Issuer; empty: the auth listener's real address.
    base::Secret service_key, auth_secret, seed_secret, api_key;
    std::string claude_url = "https://api.anthropic.com";

    // The auth service.
    std::string jwt_audience = "mana";
    std::string cookie_domain;
    std::string webauthn_rp_id, webauthn_rp_name;
    std::vector<std::string> webauthn_origins;
    std::vector<std::string> cors_origins, trusted_proxies;
    int daily_signups_max = 0;
    int key_days = 90;
    std::string notify_url, credits_url, mailbox_url, subscriptions_url, sync_url, web_url;

    // The workspace.
    std::vector<std::string> news_feeds, policy_allow_destructive;
    std::string policy_mode = "enforce";
    int policy_calls_per_minute = 30;

    // Visits.
    std::string model, rating_model, effort;
    std::chrono::milliseconds tick_interval{60'000};
    std::chrono::milliseconds visit_deadline{600'000};
    std::chrono::seconds lease{60};
    std::chrono::milliseconds shutdown_grace{20'000};
    int concurrency = 2;
    int connections = 32;  // To the auth service, and as many to the product.
    bool adaptive = true;
    std::chrono::milliseconds model_header_limit{120'000};
    std::optional<std::chrono::milliseconds> model_idle_limit;  // Nothing: by effort.
    std::uint64_t outbox_bytes_max = 1ULL << 30;
    double budget_visit_usd = 0, budget_persona_day_usd = 0, budget_day_usd = 0;  // 0: none.
    int turns_max = 15;
    bool paused = false;
    std::string zone = "UTC";
    std::chrono::seconds spread{0};
    std::optional<std::uint64_t> seed;
    std::optional<bool> keep_inputs;  // Nothing: exactly when the workspace is ours.
    std::filesystem::path catalog_file, prices_file, modules_file;  // Empty: the shipped ones.

    // Of single verbs.
    std::string email;       // login, admin, pause, resume
    std::string archetype;   // pause, resume
    std::string daemon_url;  // tick, login, health, status, top: default http://127.0.0.1:PORT
    std::chrono::milliseconds top_interval{1'000};
    bool of_model = false;   // resume --model
    bool everybody = false;  // tick, pause, resume --all
    bool wait = true;        // tick --no-wait
    bool json = false;
    bool dry_run = false, yes = false;     // seed, cleanup
    bool keep = false;                     // demo
    int personas_max = 0;                  // demo; 0: all
    int days = 30;                         // forecast
    base::Secret admin_jwt;                // seed, cleanup
    std::filesystem::path export_file;     // cleanup
    bool revoke = false;                   // keys rotate
    std::chrono::seconds token_life{900};  // admin token
    std::vector<std::string> psql_arguments;
    int sim_port = 0;
    std::chrono::milliseconds sim_pacing{4};
    std::vector<std::string> sim_faults;   // As `sim --help` describes them.
    std::vector<std::string> sim_proxies;  // Same: NAME=PORT:HOST:PORT.
    // 0: the simulator's own, which nobody reaches.
    long sim_requests_per_minute = 0;
    long sim_input_tokens_per_minute = 0;
    long sim_output_tokens_per_minute = 0;
};

// The command line was a question or wrong: print `text` and exit with `exit_code`.
struct Usage {
    int exit_code = 0;
    std::string text;
};

// Exit codes of the program: 0 done, 1 failed, 2 wrong usage or configuration, 3 not reachable,
// 4 refused by the service (credentials or rights), 5 the answer says "not well" (health, failed
// visits).
inline constexpr int exit_failed = 1, exit_usage = 2, exit_unreachable = 3, exit_refused = 4,
                     exit_unwell = 5;

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Throws Usage for --help, --version and errors of the command line, Failure::invalid naming the
// variable for anything else that is wrong. Wipes --jwt= from `argv`. `sim_manual` is what
// `sim --help` tells below its flags.
Config parse_command_line(int argc, char** argv, const Environment& environment,
                          const std::string& sim_manual = {});
Environment process_environment();

struct Setting {
    std::string_view variable;  // "TICK_INTERVAL_MS"
    std::string_view flag;      // "--tick-interval-ms"; empty for secrets.
    std::string_view fallback;  // Text of the default; empty: none.
    std::string_view help;
    bool secret = false;
    // Validates and stores; throws Failure::invalid saying what is valid.
    void (*store)(Config&, const std::string& text) = nullptr;
};

const std::vector<Setting>& settings();
std::string_view lesson_of(Verb verb);  // What --help teaches below the flags.
std::string settings_table();           // Markdown, for the README.

// Refuses what production must not have (development secrets, missing ones), naming the variable.
void check_config(const Config& config);

}  // namespace runner
