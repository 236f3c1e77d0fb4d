#include "runner/config_verbs.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "runner/config_values.hpp"

namespace runner {

namespace {

// What --url takes. Asked for each use of the flag, so that an empty one is no default.
std::string fault_of_daemon_url(const std::string& url) {
    if (url.empty()) return "must not be empty; valid is an http:// or https:// URL";
    try {
        setting_url(url);
        return {};
    } catch (const base::Failure& failure) {
        // The command line's reader names the flag.
        return fmt::format("\"{}\" {}", base::cut(without_passwords(url), 80), failure.what());
    }
}

// A range would let "nan" pass, which is neither below nor above anything.
std::string fault_of_interval(const std::string& text) {
    constexpr double least = 0.1, most = 3'600;
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && seconds >= least && seconds <= most) return {};
    return fmt::format("\"{}\" must be a number of seconds from 0.1 to 3600", base::cut(text, 80));
}

// The service knows the whole rule; this one spares a verb that cannot succeed its way to it.
std::string fault_of_email(const std::string& email) {
    const std::size_t at = email.find('@');
    const bool shaped = at != std::string::npos && at > 0 &&
                        email.find('@', at + 1) == std::string::npos &&
                        email.find('.', at + 2) != std::string::npos && email.size() <= 254 &&
                        email.find_first_of(" \t\r\n") == std::string::npos;
    if (shaped) return {};
    return fmt::format("\"{}\" must be an address such as anna@example.com", base::cut(email, 80));
}

CLI::App* add_verb(CLI::App& app, std::vector<VerbEntry>& verbs, const char* name, const char* help,
                   Verb verb) {
    CLI::App* added = app.add_subcommand(name, help);
    added->fallthrough();
    verbs.push_back({added, verb});
    return added;
}

void add_admin_verbs(CLI::App& app, std::vector<VerbEntry>& verbs, Config& config,
                     VerbOptions& options) {
    CLI::App* admin = app.add_subcommand("admin", "Administrators of the hosted auth service");
    admin->require_subcommand(1)->fallthrough();
    CLI::App* create = add_verb(*admin, verbs, "create",
                                "Create a verified administrator; prints a generated password",
                                Verb::admin_create);
    CLI::App* token =
        add_verb(*admin, verbs, "token", "Print a short-lived admin JWT", Verb::admin_token);
    for (CLI::App* verb : {create, token})
        verb->add_option("email", config.email, "The administrator's address")
            ->required()
            ->check(fault_of_email);
    token->add_option("--minutes", options.token_minutes, "Life of the token")
        ->check(CLI::Range(1, 60));
}

void add_key_verbs(CLI::App& app, std::vector<VerbEntry>& verbs, Config& config) {
    CLI::App* keys = app.add_subcommand("keys", "Signing keys of the hosted auth service");
    keys->require_subcommand(1)->fallthrough();
    add_verb(*keys, verbs, "list", "Show the keys and what each is good for", Verb::keys_list);
    CLI::App* rotate =
        add_verb(*keys, verbs, "rotate", "Make a new signing key", Verb::keys_rotate);
    rotate->add_flag("--revoke", config.revoke,
                     "End all other keys now, and with them all access tokens");
}

void add_hold_verbs(CLI::App& app, std::vector<VerbEntry>& verbs, Config& config) {
    CLI::App* pause = add_verb(
        app, verbs, "pause", "Let nobody of them start a visit, on any daemon; live", Verb::pause);
    CLI::App* resume =
        add_verb(app, verbs, "resume", "Lift such a pause, or the model's stop", Verb::resume);
    for (CLI::App* verb : {pause, resume}) {
        verb->add_option("email", config.email, "One persona's address")->check(fault_of_email);
        verb->add_option("--archetype", config.archetype, "All personas of that archetype");
        verb->add_flag("--all", config.everybody, "Everybody");
    }
    resume->add_flag("--model", config.of_model,
                     "Not a pause: a running daemon's stop by the model (spending cap, long wait)");
    resume
        ->add_option("--url", config.daemon_url,
                     "With --model: the daemon's ops URL (default http://127.0.0.1:PORT)")
        ->check(fault_of_daemon_url);
    CLI::App* persona = app.add_subcommand("persona", "One persona");
    persona->require_subcommand(1)->fallthrough();
    CLI::App* release = add_verb(*persona, verbs, "resume",
                                 "End the quarantine of a persona whose slot crashed three times",
                                 Verb::persona_resume);
    release->add_option("email", config.email, "The persona's address")
        ->required()
        ->check(fault_of_email);
    for (CLI::App* verb : {pause, resume, release})
        verb->add_flag("--json", config.json, "Print the service's answer as it is");
}

void add_sim(CLI::App& app, std::vector<VerbEntry>& verbs, Config& config, VerbOptions& options) {
    CLI::App* sim = add_verb(app, verbs, "sim",
                             "The Claude simulator alone, for tests of other tools", Verb::sim);
    sim->add_option("--port,--listen", config.sim_port, "0 takes any free one")
        ->check(CLI::Range(0, 65535));
    sim->add_option("--pacing-ms", options.pacing_ms, "Between two stream events")
        ->check(CLI::Range(0, 60000));
    sim->add_option("--fault", config.sim_faults,
                    "FAULT[@SHARE]: strike every request, or a share of them; may be repeated")
        ->allow_extra_args(false);
    sim->add_option(
           "--proxy", config.sim_proxies,
           "NAME=PORT:HOST:PORT or NAME=PORT:/path/of/a/socket: a TCP proxy that misbehaves "
           "on request, see below; may be repeated")
        ->allow_extra_args(false);
    const std::string limit =
        "Of one key and model; past it 429 with retry-after (default: unreachable)";
    constexpr long most = 1'000'000'000;
    sim->add_option("--requests-per-minute", config.sim_requests_per_minute, limit)
        ->check(CLI::Range(1L, most));
    sim->add_option("--input-tokens-per-minute", config.sim_input_tokens_per_minute, limit)
        ->check(CLI::Range(1L, most));
    sim->add_option("--output-tokens-per-minute", config.sim_output_tokens_per_minute, limit)
        ->check(CLI::Range(1L, most));
}

}  // namespace

std::vector<VerbEntry> add_verbs(CLI::App& app, Config& config, VerbOptions& options) {
    std::vector<VerbEntry> verbs;
    add_verb(app, verbs, "serve", "Run the daemon: ticks, auth service, workspace, ops endpoints",
             Verb::serve);
    CLI::App* demo = add_verb(app, verbs, "demo",
                              "Live one day on a throw-away database and show it", Verb::demo);
    demo->add_flag("--keep", config.keep, "Leave the daemon up and print its URLs");
    demo->add_option("--personas", config.personas_max, "Only the first N of the catalog")
        ->check(CLI::Range(1, 1000));
    demo->add_flag("--json", config.json, "Machine-readable result on stdout, nothing else there");
    CLI::App* tick = add_verb(app, verbs, "tick", "Fire one tick on a running daemon", Verb::tick);
    tick->add_flag("--all", config.everybody, "Every active persona, due or not");
    tick->add_flag("!--no-wait", config.wait,
                   "Return at once instead of when the visits have ended");
    CLI::App* login =
        add_verb(app, verbs, "login",
                 "Log a persona in through a running daemon: user, space, tools", Verb::login);
    login->add_option("email", config.email, "The persona's address")
        ->required()
        ->check(fault_of_email);
    CLI::App* health = add_verb(app, verbs, "health",
                                "Ask a running daemon how it is; exit 0 when well", Verb::health);
    CLI::App* status = add_verb(app, verbs, "status",
                                "Show running visits, last tick, outbox and lease", Verb::status);
    CLI::App* top =
        add_verb(app, verbs, "top", "Watch running visits: who waits for what", Verb::top);
    top->add_option("--interval", options.top_seconds, "Seconds between two looks")
        ->check(fault_of_interval);
    for (CLI::App* verb : {tick, login, health, status, top}) {
        verb->add_option("--url", config.daemon_url,
                         "The daemon's ops URL (default http://127.0.0.1:PORT)")
            ->check(fault_of_daemon_url);
        if (verb == top) continue;
        verb->add_flag("--json", config.json, "Print the daemon's answer as it is");
    }
    CLI::App* seed = add_verb(app, verbs, "seed",
                              "Bring the catalog's personas into the auth service", Verb::seed);
    CLI::App* cleanup =
        add_verb(app, verbs, "cleanup", "Delete personas and everything they left, after an export",
                 Verb::cleanup);
    for (CLI::App* verb : {seed, cleanup}) {
        verb->add_option(
            "--jwt", options.jwt,
            "Admin JWT (for compatibility; prefer MANA_ADMIN_JWT or MANA_ADMIN_JWT_FILE)");
        verb->add_flag("--dry-run", config.dry_run, "Show what would be done");
        verb->add_flag("--json", config.json, "Machine-readable result on stdout");
    }
    cleanup->add_flag("--yes", config.yes, "Do not ask");
    cleanup->add_option("--export", config.export_file,
                        "Where the JSONL export goes (default persona-export-<time>.jsonl)");
    CLI::App* forecast = add_verb(app, verbs, "forecast",
                                  "What the catalog would cost at list prices", Verb::forecast);
    forecast->add_option("--days", config.days, "Also the sum of so many days")
        ->check(CLI::Range(1, 3660));
    forecast->add_flag("--json", config.json, "Machine-readable result on stdout");
    add_verb(app, verbs, "migrate", "Bring the database's schema up to date", Verb::migrate);
    add_admin_verbs(app, verbs, config, options);
    add_key_verbs(app, verbs, config);
    add_hold_verbs(app, verbs, config);
    CLI::App* psql = add_verb(app, verbs, "psql",
                              "psql as the read-only ops role; arguments go to psql", Verb::psql);
    // Everything behind the word is psql's; our own flags stand before it.
    psql->fallthrough(false)->prefix_command();
    add_sim(app, verbs, config, options);
    add_verb(app, verbs, "settings", "Print every setting as a Markdown table", Verb::settings);
    for (const VerbEntry& entry : verbs) {
        std::string lesson(lesson_of(entry.verb));
        if (entry.verb == Verb::sim) lesson += "\n\n" + options.sim_manual;
        entry.app->footer(std::move(lesson));
    }
    return verbs;
}

}  // namespace runner
