#include <fmt/format.h>

#include "base/failure.hpp"
#include "catalog/password.hpp"
#include "runner/config.hpp"
#include "runner/config_values.hpp"

namespace runner {

namespace {

using base::Failure;

// What development works with when nothing is set; production refuses each of them.
constexpr std::string_view development_service_key = "dev-service-key";
constexpr std::string_view development_auth_secret = "better-auth-secret-12345678901234567890";

std::vector<Setting> where_settings() {
    return {
        {"PERSONA_ENV", "--env", "development",
         "production or development (alias NODE_ENV); production refuses development secrets",
         false, [](Config& c, const std::string& t) { c.production = setting_production(t); }},
        {"STATE_DIRECTORY", "--state", "/var/lib/persona-runner",
         "outbox, embedded PostgreSQL, mail; set by systemd", false,
         [](Config& c, const std::string& t) { c.state_directory = setting_folder(t); }},
        {"PERSONA_THROWAWAY", "--throwaway", "false",
         "database without fsync, state may be in memory: for demos and tests", false,
         [](Config& c, const std::string& t) { c.durable = !setting_flag(t); }},
        {"LOG_LEVEL", "--log-level", "info", "debug, info, warning or error", false,
         [](Config& c, const std::string& t) { c.log_level = setting_level(t); }},
        {"BIND_ADDRESS", "--bind", "127.0.0.1",
         "address of all listeners; another than loopback needs production", false,
         [](Config& c, const std::string& t) { c.bind_address = setting_address(t); }},
        {"PORT", "--port", "3070", "ops listener: health, metrics, diag; 0 takes any free port",
         false,
         [](Config& c, const std::string& t) {
             c.ops_port = static_cast<int>(setting_number(t, 0, 65535));
         }},
        {"MANA_AUTH_PORT", "--auth-port", "3001", "hosted auth service", false,
         [](Config& c, const std::string& t) {
             c.auth_port = static_cast<int>(setting_number(t, 0, 65535));
         }},
        {"MANA_MCP_PORT", "--mcp-port", "3069", "hosted workspace (MCP server at /mcp)", false,
         [](Config& c, const std::string& t) {
             c.mcp_port = static_cast<int>(setting_number(t, 0, 65535));
         }},
        {"DATABASE_URL", "", "",
         "PostgreSQL as role mana_app; empty: a private cluster in the state directory", true,
         [](Config& c, const std::string& t) { c.database_url = setting_database(t); }},
        {"DATABASE_OWNER_URL", "", "",
         "the same as role mana_owner, for migrate; serve then migrates at start", true,
         [](Config& c, const std::string& t) { c.database_owner_url = setting_database(t); }},
        {"DATABASE_OPS_URL", "", "", "the same as read-only role mana_ops, for psql", true,
         [](Config& c, const std::string& t) { c.database_ops_url = setting_database(t); }},
        {"MANA_AUTH_URL", "--auth", "", "a remote auth service; empty: hosted here", false,
         [](Config& c, const std::string& t) { c.auth_url = setting_url(t); }},
        {"MANA_MCP_URL", "--mcp", "",
         "a remote MCP server (its endpoint), or a JSON list of several or its file "
         "(docs/mcp-servers.md); empty: the hosted workspace",
         false, [](Config& c, const std::string& t) { c.mcp_text = setting_servers(t); }},
        {"MANA_MCP_PUBLIC_URL", "--mcp-public-url", "",
         "the hosted workspace as clients reach it through a proxy (without /mcp); empty: directly",
         false, [](Config& c, const std::string& t) { c.mcp_public_url = setting_url(t); }},
    };
}

std::vector<Setting> auth_settings() {
    return {
        {"BASE_URL", "--base-url", "",
         "issuer of JWTs and base of mailed links; empty: the auth listener's address", false,
         [](Config& c, const std::string& t) { c.base_url = setting_url(t); }},
        {"MANA_SERVICE_KEY", "", development_service_key,
         "X-Service-Key between services; production refuses the default", true,
         [](Config& c, const std::string& t) { c.service_key = setting_secret(t); }},
        {"BETTER_AUTH_SECRET", "", development_auth_secret,
         "signs cookies, seals keys; production refuses the default", true,
         [](Config& c, const std::string& t) { c.auth_secret = setting_secret(t); }},
        {"PERSONA_SEED_SECRET", "", catalog::development_seed_secret,
         "personas' passwords derive from it; production refuses the default", true,
         [](Config& c, const std::string& t) { c.seed_secret = setting_secret(t); }},
        {"JWT_KEY_DAYS", "--jwt-key-days", "90",
         "a new signing key is made when the newest is so old; 0: never", false,
         [](Config& c, const std::string& t) {
             c.key_days = static_cast<int>(setting_number(t, 0, 3'650));
         }},
        {"JWT_AUDIENCE", "--jwt-audience", "mana", "aud claim", false,
         [](Config& c, const std::string& t) { c.jwt_audience = setting_word(t); }},
        {"COOKIE_DOMAIN", "--cookie-domain", "", "Domain attribute of session cookies", false,
         [](Config& c, const std::string& t) { c.cookie_domain = setting_domain(t); }},
        {"CORS_ORIGINS", "--cors-origins", "http://localhost:5173",
         "comma list of web origins that may use auth service and workspace; production has no "
         "default",
         false, [](Config& c, const std::string& t) { c.cors_origins = setting_origins(t); }},
        {"WEBAUTHN_RP_ID", "--webauthn-rp-id", "",
         "domain that passkeys belong to; empty: COOKIE_DOMAIN, else the host of BASE_URL", false,
         [](Config& c, const std::string& t) { c.webauthn_rp_id = setting_domain(t); }},
        {"WEBAUTHN_RP_NAME", "--webauthn-rp-name", "Mana", "name that browsers show with passkeys",
         false, [](Config& c, const std::string& t) { c.webauthn_rp_name = t; }},
        {"WEBAUTHN_ORIGIN", "--webauthn-origin", "",
         "comma list of pages that may use passkeys; empty: CORS_ORIGINS and BASE_URL", false,
         [](Config& c, const std::string& t) { c.webauthn_origins = setting_origins(t); }},
        {"TRUSTED_PROXIES", "--trusted-proxies", "",
         "comma list of proxies (addresses, ranges such as 10.0.0.0/8) whose X-Forwarded-For the "
         "auth service believes",
         false, [](Config& c, const std::string& t) { c.trusted_proxies = setting_addresses(t); }},
        {"MANA_NOTIFY_URL", "--notify-url", "",
         "service that sends mails; empty: they become files in the state directory, which "
         "production refuses",
         false, [](Config& c, const std::string& t) { c.notify_url = setting_url(t); }},
        {"MANA_CREDITS_URL", "--credits-url", "",
         "told of new and deleted accounts; empty: nobody is", false,
         [](Config& c, const std::string& t) { c.credits_url = setting_url(t); }},
        {"MANA_MAIL_URL", "--mail-url", "",
         "makes mailboxes, told of new accounts; empty: nobody is", false,
         [](Config& c, const std::string& t) { c.mailbox_url = setting_url(t); }},
        {"MANA_SUBSCRIPTIONS_URL", "--subscriptions-url", "",
         "asked how many spaces a plan allows; empty: no limit", false,
         [](Config& c, const std::string& t) { c.subscriptions_url = setting_url(t); }},
        {"MANA_SYNC_URL", "--sync-url", "",
         "keeps users' records: asked for exports, told of deleted accounts; empty: the hosted "
         "workspace, if any",
         false, [](Config& c, const std::string& t) { c.sync_url = setting_url(t); }},
        {"MANA_WEB_URL", "--web-url", "",
         "where users' pages are; mailed links lead there when nothing else was asked", false,
         [](Config& c, const std::string& t) { c.web_url = setting_url(t); }},
        {"MAX_DAILY_SIGNUPS", "--daily-signups-max", "0", "registrations a UTC day; 0: no limit",
         false,
         [](Config& c, const std::string& t) {
             c.daily_signups_max = static_cast<int>(setting_number(t, 0, 1'000'000));
         }},
    };
}

std::vector<Setting> model_settings() {
    return {
        {"ANTHROPIC_API_KEY", "", "",
         "key of the model; missing: visits are disabled, the rest works", true,
         [](Config& c, const std::string& t) { c.api_key = base::Secret(t); }},
        {"ANTHROPIC_BASE_URL", "--claude", "https://api.anthropic.com",
         "any Anthropic-compatible server", false,
         [](Config& c, const std::string& t) { c.claude_url = setting_url(t); }},
        {"PERSONA_MODEL", "--model", "claude-sonnet-5-5", "lives the day", false,
         [](Config& c, const std::string& t) { c.model = setting_model(t); }},
        {"PERSONA_RATING_MODEL", "--rating-model", "claude-haiku-5-5", "gives the ratings", false,
         [](Config& c, const std::string& t) { c.rating_model = setting_model(t); }},
        {"PERSONA_EFFORT", "--effort", "medium",
         "thinking effort of the main turns; empty: the model's default", false,
         [](Config& c, const std::string& t) { c.effort = setting_effort(t); }},
        {"PERSONA_ADAPTIVE", "--adaptive", "true",
         "start with a quarter of PERSONA_CONCURRENCY, fewer after 429 and 529, slowly more; "
         "false: always all of it",
         false, [](Config& c, const std::string& t) { c.adaptive = setting_flag(t); }},
        {"MODEL_HEADER_LIMIT_MS", "--model-header-limit-ms", "120000",
         "a model that sends no answer's headers for so long is asked again", false,
         [](Config& c, const std::string& t) {
             c.model_header_limit = std::chrono::milliseconds(setting_number(t, 100, 3'600'000));
         }},
        {"MODEL_IDLE_LIMIT_MS", "--model-idle-limit-ms", "",
         "a reply that sends nothing for so long, not even a ping, is asked for again; "
         "empty: 90000, with effort high and above 300000",
         false,
         [](Config& c, const std::string& t) {
             if (t.empty()) return;
             c.model_idle_limit = std::chrono::milliseconds(setting_number(t, 100, 3'600'000));
         }},
        {"PERSONA_PRICES", "--prices", "", "price file; empty: the shipped one", false,
         [](Config& c, const std::string& t) { c.prices_file = t; }},
        {"PERSONA_MODULES", "--modules", "",
         "file of patterns: which module a tool belongs to; empty: the shipped one", false,
         [](Config& c, const std::string& t) { c.modules_file = t; }},
        {"BUDGET_VISIT_USD", "--budget-visit-usd", "", "most that one visit may cost; empty: any",
         false, [](Config& c, const std::string& t) { c.budget_visit_usd = setting_usd(t); }},
        {"BUDGET_PERSONA_DAY_USD", "--budget-persona-day-usd", "",
         "most that one persona may cost a day of PERSONA_TIMEZONE; empty: any", false,
         [](Config& c, const std::string& t) { c.budget_persona_day_usd = setting_usd(t); }},
        {"BUDGET_DAY_USD", "--budget-day-usd", "",
         "most that all visits of all daemons may cost such a day; empty: any", false,
         [](Config& c, const std::string& t) { c.budget_day_usd = setting_usd(t); }},
    };
}

std::vector<Setting> visit_settings() {
    return {
        {"TICK_INTERVAL_MS", "--tick-interval-ms", "60000", "how often due personas are looked for",
         false,
         [](Config& c, const std::string& t) {
             c.tick_interval = std::chrono::milliseconds(setting_number(t, 100, 86'400'000));
         }},
        {"PERSONA_CONCURRENCY", "--concurrency", "2", "visits at once, at most", false,
         [](Config& c, const std::string& t) {
             c.concurrency = static_cast<int>(setting_number(t, 1, 20'000));
         }},
        {"PERSONA_OUTBOX_MAX_MB", "--outbox-max-mb", "1024",
         "size of the outbox on disk; above three quarters of it no visit opens", false,
         [](Config& c, const std::string& t) {
             c.outbox_bytes_max = static_cast<std::uint64_t>(setting_number(t, 32, 1'048'576))
                                  << 20;
         }},
        {"PERSONA_CONNECTIONS", "--connections", "32",
         "connections at once to the auth service, and as many to the product; an embedded one "
         "serves 64",
         false,
         [](Config& c, const std::string& t) {
             c.connections = static_cast<int>(setting_number(t, 1, 10'000));
         }},
        {"PERSONA_TURNS_MAX", "--turns-max", "15", "requests to the main model per visit", false,
         [](Config& c, const std::string& t) {
             c.turns_max = static_cast<int>(setting_number(t, 1, 200));
         }},
        {"VISIT_DEADLINE_MS", "--visit-deadline-ms", "600000", "a visit is cut after this", false,
         [](Config& c, const std::string& t) {
             c.visit_deadline = std::chrono::milliseconds(setting_number(t, 1'000, 86'400'000));
         }},
        {"LEASE_SECONDS", "--lease-seconds", "60",
         "how long a silent runner keeps its visits; at least 45 (throw-away: 5)", false,
         [](Config& c, const std::string& t) {
             c.lease = std::chrono::seconds(setting_number(t, c.durable ? 45 : 5, 3'600));
         }},
        {"SHUTDOWN_GRACE_MS", "--shutdown-grace-ms", "20000",
         "what running visits get after SIGTERM", false,
         [](Config& c, const std::string& t) {
             c.shutdown_grace = std::chrono::milliseconds(setting_number(t, 0, 3'600'000));
         }},
        {"RUNNER_PAUSED", "--paused", "false", "no timer ticks; /diag/tick still works", false,
         [](Config& c, const std::string& t) { c.paused = setting_flag(t); }},
        {"PERSONA_TIMEZONE", "--timezone", "UTC",
         "IANA zone of weekdays and of the personas' clock", false,
         [](Config& c, const std::string& t) { c.zone = setting_zone(t); }},
        {"PERSONA_SPREAD", "--spread", "0",
         "such as 10m: each persona starts later by her own fixed share of it, so that not all "
         "start at once; 0: none",
         false,
         [](Config& c, const std::string& t) {
             c.spread = setting_duration(t, std::chrono::hours(24));
         }},
        {"PERSONA_SEED", "--seed", "", "a number: plans become reproducible", false,
         [](Config& c, const std::string& t) {
             if (!t.empty()) c.seed = static_cast<std::uint64_t>(setting_number(t, 0, INT64_MAX));
         }},
        {"PERSONA_KEEP_INPUTS", "--keep-inputs", "",
         "store masked tool inputs; empty: exactly for the hosted workspace", false,
         [](Config& c, const std::string& t) {
             if (!t.empty()) c.keep_inputs = setting_flag(t);
         }},
        {"PERSONA_CATALOG", "--catalog", "",
         "catalog file for seed and cleanup; empty: the shipped ten", false,
         [](Config& c, const std::string& t) { c.catalog_file = t; }},
    };
}

std::vector<Setting> workspace_settings() {
    return {
        {"NEWS_FEEDS", "--news-feeds", "",
         "addresses of RSS or Atom feeds that newsResearch searches, separated by blanks; only "
         "the public Internet is asked; empty: the workspace offers no newsResearch",
         false, [](Config& c, const std::string& t) { c.news_feeds = setting_feeds(t); }},
        {"POLICY_MODE", "--policy", "enforce",
         "the workspace's gate before each tool call: off, log-only or enforce", false,
         [](Config& c, const std::string& t) { c.policy_mode = setting_policy(t); }},
        {"POLICY_CALLS_PER_MINUTE", "--policy-calls-per-minute", "30",
         "calls of one tool by one user within a minute", false,
         [](Config& c, const std::string& t) {
             c.policy_calls_per_minute = static_cast<int>(setting_number(t, 1, 1'000'000));
         }},
        {"POLICY_ALLOW_DESTRUCTIVE", "--policy-allow-destructive", "",
         "tools that remove things and that everybody may call: names, module.* or *, separated by "
         "commas; empty: only who agreed",
         false,
         [](Config& c, const std::string& t) { c.policy_allow_destructive = setting_tools(t); }},
    };
}

void refuse_default(const base::Secret& value, std::string_view fallback,
                    std::string_view variable) {
    if (value.reveal() == fallback || value.empty()) {
        throw Failure{
            Failure::Kind::invalid,
            fmt::format("{} has its development default; production needs a secret of its own "
                        "({}, {}_FILE or a systemd credential)",
                        variable, variable, variable)};
    }
    if (value.reveal().size() < 16) {
        throw Failure{Failure::Kind::invalid,
                      fmt::format("{} must have at least 16 characters in production", variable)};
    }
}

// 0 is any free port, as often as one likes.
void refuse_equal_ports(const Config& config) {
    struct Listener {
        std::string_view setting;
        int port;
    };
    std::vector<Listener> taken;
    const auto take = [&taken](std::string_view setting, int port) {
        for (const Listener& other : taken) {
            if (port == 0 || other.port != port) continue;
            throw Failure{
                Failure::Kind::invalid,
                fmt::format("{} and {} are both {}; each listener needs a port of its own",
                            other.setting, setting, port)};
        }
        taken.push_back({setting, port});
    };
    take("PORT (--port)", config.ops_port);
    if (config.auth_url.empty()) take("MANA_AUTH_PORT (--auth-port)", config.auth_port);
    if (config.hosts_workspace()) take("MANA_MCP_PORT (--mcp-port)", config.mcp_port);
}

}  // namespace

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = [] {
        std::vector<Setting> list = where_settings();
        for (auto part :
             {auth_settings(), model_settings(), visit_settings(), workspace_settings()})
            list.insert(list.end(), part.begin(), part.end());
        return list;
    }();
    return all;
}

void check_config(const Config& config) {
    const bool loopback = config.bind_address == "127.0.0.1" || config.bind_address == "::1" ||
                          config.bind_address == "localhost";
    const bool serves = config.verb == Verb::serve || config.verb == Verb::demo;
    if (!loopback && !config.production && (serves || config.verb == Verb::sim)) {
        throw Failure{
            Failure::Kind::invalid,
            fmt::format("BIND_ADDRESS {} is not loopback; that needs PERSONA_ENV=production",
                        config.bind_address)};
    }
    if (serves) refuse_equal_ports(config);
    if (!config.production) return;
    const bool asks = config.verb == Verb::tick || config.verb == Verb::login ||
                      config.verb == Verb::status || config.verb == Verb::cleanup ||
                      config.verb == Verb::pause || config.verb == Verb::resume ||
                      config.verb == Verb::persona_resume;
    const bool administers = config.verb == Verb::admin_create ||
                             config.verb == Verb::admin_token || config.verb == Verb::keys_rotate;
    if (!config.durable && serves)
        throw Failure{Failure::Kind::invalid,
                      "PERSONA_THROWAWAY is for demos and tests; unset it in production"};
    if (serves || asks)
        refuse_default(config.service_key, development_service_key, "MANA_SERVICE_KEY");
    if (serves || config.verb == Verb::seed)
        refuse_default(config.seed_secret, catalog::development_seed_secret, "PERSONA_SEED_SECRET");
    if (serves && config.auth_url.empty() && config.notify_url.empty())
        throw Failure{Failure::Kind::invalid,
                      "MANA_NOTIFY_URL must be the address of a service that sends mails (such as "
                      "http://notify:3013) in production"};
    const bool every_address = config.bind_address == "0.0.0.0" || config.bind_address == "::";
    if (serves && config.auth_url.empty() && every_address && config.base_url.empty())
        throw Failure{Failure::Kind::invalid,
                      fmt::format("BASE_URL must be the address of the auth service (such as "
                                  "https://auth.example.com) with BIND_ADDRESS {}, which is "
                                  "nobody's address in a mailed link or a token",
                                  config.bind_address)};
    if ((serves && config.auth_url.empty()) || administers)
        refuse_default(config.auth_secret, development_auth_secret, "BETTER_AUTH_SECRET");
}

}  // namespace runner
