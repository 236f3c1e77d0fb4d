// Where a setting's value comes from, and what a wrong command line is told.
#include "runner/config.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "runner/config_files.hpp"
#include "runner/config_values.hpp"
#include "runner/config_verbs.hpp"
#include "runner/servers.hpp"

namespace runner {

namespace {

using base::Failure;
using Values = std::map<std::string, std::string, std::less<>>;

bool is_variable(std::string_view name) {
    if (name == "NODE_ENV") return true;
    return std::ranges::any_of(settings(),
                               [name](const Setting& one) { return one.variable == name; });
}

// A credential that systemd loaded: $CREDENTIALS_DIRECTORY/<variable in lower case>.
std::optional<std::string> credential_of(const Setting& setting, const Environment& environment) {
    const auto folder = environment("CREDENTIALS_DIRECTORY");
    if (!folder || !setting.secret) return std::nullopt;
    const std::string path = *folder + "/" + base::lower_ascii(setting.variable);
    if (!std::ifstream(path)) return std::nullopt;
    return read_secret_file(path, setting.variable);
}

// What somebody gave for it, wherever; nothing: the default counts.
std::optional<std::string> given_value(const Setting& setting, const Values& flags,
                                       const Values& file, const Environment& environment) {
    const std::string variable(setting.variable);
    if (const auto flag = flags.find(setting.variable); flag != flags.end()) return flag->second;
    if (const auto value = environment(variable)) return *value;
    if (setting.secret) {
        if (const auto path = environment(variable + "_FILE"))
            return read_secret_file(*path, variable);
        if (const auto value = credential_of(setting, environment)) return *value;
    }
    if (const auto value = file.find(variable); value != file.end()) return value->second;
    if (variable == "PERSONA_ENV") {
        if (const auto alias = environment("NODE_ENV")) return *alias;
        if (const auto alias = file.find("NODE_ENV"); alias != file.end()) return alias->second;
    }
    return std::nullopt;
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

void apply_settings(Config& config, const Values& flags, const Values& file,
                    const Environment& environment) {
    for (const Setting& setting : settings()) {
        const auto given = given_value(setting, flags, file, environment);
        const std::string value = given.value_or(std::string(setting.fallback));
        try {
            if (has_control_character(value)) {
                throw Failure{Failure::Kind::invalid, "must not hold control characters"};
            }
            setting.store(config, value);
            if (given) config.given[std::string(setting.variable)] = base::Secret(value);
        } catch (const Failure& failure) {
            // The value's reader does not know whose value it is; secrets are not repeated.
            const std::string shown =
                setting.secret ? std::string()
                               : fmt::format(" \"{}\"", base::cut(without_passwords(value), 80));
            throw Failure{Failure::Kind::invalid,
                          fmt::format("{}{} {}", setting.variable, shown, failure.what())};
        }
    }
}

// The values of --jwt, wherever they stand: a message about a wrong command line repeats its words.
std::vector<std::string> jwts_of(int argc, char** argv) {
    std::vector<std::string> tokens;
    for (int i = 1; i < argc; ++i) {
        if (std::strncmp(argv[i], "--jwt=", 6) == 0) {
            tokens.emplace_back(argv[i] + 6);
        } else if (std::strcmp(argv[i], "--jwt") == 0 && i + 1 < argc) {
            tokens.emplace_back(argv[i + 1]);
        }
    }
    return tokens;
}

void mask_token(std::string& text, const std::string& token) {
    if (token.empty()) return;
    for (std::size_t at = text.find(token); at != std::string::npos;
         at = text.find(token, at + 3)) {
        text.replace(at, token.size(), "***");
    }
}

// Says which word is no verb, and which ones are.
std::string verbs_text(const CLI::App& app, const std::vector<VerbEntry>& verbs) {
    std::string text = "a verb is needed";
    const std::vector<std::string> left = app.remaining(true);
    if (!left.empty()) text = fmt::format("\"{}\" is no verb or flag", left.front());
    text += "; verbs are:";
    for (const VerbEntry& entry : verbs) {
        const bool nested = entry.app->get_parent() != &app;
        text += fmt::format(" {}{}", nested ? entry.app->get_parent()->get_name() + " " : "",
                            entry.app->get_name());
        text += &entry == &verbs.back() ? "" : ",";
    }
    return text + "\nTry persona-runner --help.\n";
}

void wipe_jwt(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (std::strncmp(argv[i], "--jwt=", 6) == 0) {
            std::memset(argv[i] + 6, 'x', std::strlen(argv[i] + 6));
        } else if (std::strcmp(argv[i], "--jwt") == 0 && i + 1 < argc) {
            std::memset(argv[i + 1], 'x', std::strlen(argv[i + 1]));
        }
    }
}

void read_admin_jwt(Config& config, const VerbOptions& options, const Environment& environment) {
    if (!options.jwt.empty()) {
        base::log_warning(
            "--jwt is visible to other users of this machine; prefer MANA_ADMIN_JWT_FILE");
        config.admin_jwt = base::Secret(options.jwt);
    } else if (const auto jwt = environment("MANA_ADMIN_JWT")) {
        config.admin_jwt = base::Secret(*jwt);
    } else if (const auto path = environment("MANA_ADMIN_JWT_FILE")) {
        config.admin_jwt = base::Secret(read_secret_file(*path, "MANA_ADMIN_JWT_FILE"));
    }
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

Config parse_command_line(int argc, char** argv, const Environment& environment,
                          const std::string& sim_manual) {
    Config config;
    VerbOptions options;
    options.sim_manual = sim_manual;
    CLI::App app{
        "Persona Runner: personas live short days in your product and tell how it felt.\n"
        "Start with `persona-runner demo`; every setting: `persona-runner settings`."};
    app.set_version_flag("--version", "persona-runner " PERSONA_RUNNER_VERSION);
    app.footer(
        "Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · 3 not reachable · "
        "4 refused (credentials, rights) · 5 the answer says \"not well\"");
    app.require_subcommand(1);
    app.add_option("--config", options.config_file, "File of VARIABLE=value lines");
    std::map<std::string, std::string> given;
    for (const Setting& setting : settings()) {
        if (setting.flag.empty()) continue;
        app.add_option(std::string(setting.flag), given[std::string(setting.variable)],
                       fmt::format("{} [{}]", setting.help, setting.variable));
    }
    const std::vector<VerbEntry> verbs = add_verbs(app, config, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // --help and --version arrive here too, with exit code 0.
        std::ostringstream out, err;
        const int code = app.exit(error, out, err);
        std::string text = out.str() + err.str();
        const bool no_verb = std::none_of(
            verbs.begin(), verbs.end(), [](const VerbEntry& entry) { return entry.app->parsed(); });
        if (code != 0 && no_verb) text = verbs_text(app, verbs);
        for (const std::string& token : jwts_of(argc, argv)) mask_token(text, token);
        wipe_jwt(argc, argv);
        throw Usage{code == 0 ? 0 : exit_usage, std::move(text)};
    }
    wipe_jwt(argc, argv);
    for (const VerbEntry& entry : verbs) {
        if (!entry.app->parsed()) continue;
        config.verb = entry.verb;
        if (entry.verb == Verb::psql) config.psql_arguments = entry.app->remaining();
        // Its own --port stands behind the verb.
        if (entry.verb == Verb::sim && app.get_option("--port")->count() > 0) {
            throw Failure{Failure::Kind::invalid,
                          "--port before sim is a daemon's ops port: write sim --port N"};
        }
    }
    Values flags;
    for (const Setting& setting : settings()) {
        if (!setting.flag.empty() && app.get_option(std::string(setting.flag))->count() > 0) {
            std::string value = given[std::string(setting.variable)];
            // Rather a script's variable that was not set than a wish for the default.
            if (value.empty() && setting.fallback.empty()) {
                throw Failure{Failure::Kind::invalid,
                              fmt::format("{} must not be empty: give a value or leave it out",
                                          setting.flag)};
            }
            flags[std::string(setting.variable)] = std::move(value);
        }
    }
    const Values file =
        options.config_file.empty() ? Values{} : read_config_file(options.config_file, is_variable);
    apply_settings(config, flags, file, environment);
    config.servers = read_servers(config.mcp_text, config.auth_url, environment);
    read_admin_jwt(config, options, environment);
    config.token_life = std::chrono::minutes(options.token_minutes);
    config.sim_pacing = std::chrono::milliseconds(options.pacing_ms);
    config.top_interval = std::chrono::milliseconds(std::lround(options.top_seconds * 1'000));
    if (config.production && !config.given.contains("CORS_ORIGINS")) config.cors_origins.clear();
    check_config(config);
    return config;
}

bool Config::hosts_workspace() const {
    return std::any_of(servers.begin(), servers.end(),
                       [](const clients::McpServer& one) { return one.url.empty(); });
}

std::string settings_table() {
    std::string table = "| variable | flag | default | meaning |\n| --- | --- | --- | --- |\n";
    for (const Setting& setting : settings()) {
        const std::string fallback =
            setting.fallback.empty() ? std::string("–") : fmt::format("`{}`", setting.fallback);
        const std::string flag =
            setting.flag.empty() ? std::string("–") : fmt::format("`{}`", setting.flag);
        table += fmt::format("| `{}` | {} | {} | {} |\n", setting.variable, flag, fallback,
                             setting.help);
    }
    return table;
}

}  // namespace runner
