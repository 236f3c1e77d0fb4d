#include "runner/daemon.hpp"

#include <sys/resource.h>
#include <algorithm>

#include <fmt/format.h>

#include "auth/migrations.hpp"
#include "auth/service.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/notify.hpp"
#include "base/postgres.hpp"
#include "base/random.hpp"
#include "base/signals.hpp"
#include "base/state_directory.hpp"
#include "base/worker.hpp"
#include "runner/daemon_settings.hpp"
#include "runner/database.hpp"
#include "runner/drain.hpp"
#include "runner/ops.hpp"
#include "runner/product_url.hpp"
#include "runner/scheduler.hpp"
#include "runner/servers.hpp"
#include "workspace/migrations.hpp"
#include "workspace/service.hpp"

namespace runner {

namespace {

using base::Failure;
constexpr std::chrono::seconds database_watch_every{2};

auth::Options auth_options(const Config& config) {
    auth::Options options;
    options.address = config.bind_address;
    options.port = config.auth_port;
    options.base_url = config.base_url;
    options.secret = config.auth_secret;
    options.service_key = config.service_key;
    options.seed_secret = config.seed_secret;
    options.audience = config.jwt_audience;
    options.key_days = config.key_days;
    options.cookie_domain = config.cookie_domain;
    options.production = config.production;
    options.cors_origins = config.cors_origins;
    options.webauthn_rp_id = config.webauthn_rp_id;
    options.webauthn_rp_name = config.webauthn_rp_name;
    options.webauthn_origins = config.webauthn_origins;
    options.trusted_proxies = config.trusted_proxies;
    options.notify_url = config.notify_url;
    options.credits_url = config.credits_url;
    options.mailbox_url = config.mailbox_url;
    options.subscriptions_url = config.subscriptions_url;
    options.web_url = config.web_url;
    options.mail_folder = config.state_directory / "mail";
    options.daily_signups_max = config.daily_signups_max;
    options.timezone = config.zone;
    options.database_time = true;
    options.spread = config.spread;
    options.visit_deadline =
        std::chrono::duration_cast<std::chrono::seconds>(config.visit_deadline);
    return options;
}

workspace::Options workspace_options(const Config& config, const std::string& auth_url) {
    workspace::Options options;
    options.address = config.bind_address;
    options.port = config.mcp_port;
    options.auth_url = auth_url;
    options.service_key = config.service_key;
    options.issuers = {config.base_url.empty() ? auth_url : config.base_url};
    options.audience = config.jwt_audience;
    options.allowed_origins = config.cors_origins;
    options.public_url = config.mcp_public_url;
    options.zone = config.zone;
    options.feeds.urls = config.news_feeds;
    options.gate.mode = *workspace::gate_mode_of(config.policy_mode);
    options.gate.calls_per_minute_max = config.policy_calls_per_minute;
    options.gate.allow_destructive = config.policy_allow_destructive;
    return options;
}

std::string idle_reason_of(const Config& config) {
    return config.api_key.empty() ? "ANTHROPIC_API_KEY is not set, so no visit runs"
                                  : std::string();
}

void migrate_or_check(Database& database, base::Postgres& postgres) {
    struct Set {
        std::string_view name;
        base::EmbeddedTexts texts;
    };
    for (const Set& set :
         {Set{"auth", auth::migrations()}, Set{"workspace", workspace::migrations()}}) {
        if (database.has_owner()) {
            for (const std::string& name :
                 base::migrate(database.owner_url(), set.name, set.texts)) {
                base::log_info("migration applied", {{"set", set.name}, {"file", name}});
            }
            continue;
        }
        const auto pending = base::pending_migrations(postgres, set.name, set.texts);
        if (!pending.empty()) {
            throw Failure{
                Failure::Kind::conflict,
                fmt::format(
                    "the database lacks {} migrations of {} ({} first); run `persona-runner "
                    "migrate` with DATABASE_OWNER_URL",
                    pending.size(), set.name, pending.front())};
        }
    }
}

// The inbound half: database and hosted services. Nothing of the outbound half is known here. When
// both services are remote there is no database of ours.
struct Inbound {
    Inbound(const Config& config, base::Clock& clock, base::Metrics& metrics)
        : auth_url(config.auth_url), servers(config.servers) {
        if (!auth_url.empty() && !config.hosts_workspace()) return;
        database = std::make_unique<Database>(config, Database::Use::own);
        postgres = std::make_unique<base::Postgres>(base::PostgresOptions{
            .url = database->app_url(), .connections_max = 24, .metrics = &metrics});
        naming(config.database_url.empty() ? "embedded PostgreSQL" : "DATABASE_URL",
               [this] { postgres->refuse_privileged_role(); });
        migrate_or_check(*database, *postgres);
        if (auth_url.empty()) {
            auth = std::make_unique<auth::Service>(*postgres, auth_options_with_product(config),
                                                   clock, metrics);
            naming(auth_port_setting, [this] { auth->start(); });
            auth_url = auth->url();
        }
        if (config.hosts_workspace()) {
            workspace = std::make_unique<workspace::Service>(
                *postgres, workspace_options(config, auth_url), clock, metrics);
            naming(mcp_port_setting, [this] { workspace->start(); });
            name_hosted(servers, workspace->mcp_url());
            if (config.sync_url.empty()) product_url->set(workspace->url());
        }
    }

    auth::Options auth_options_with_product(const Config& config) {
        auth::Options options = auth_options(config);
        product_url->set(config.sync_url);
        options.product_url = [url = product_url] { return url->get(); };
        return options;
    }

    std::unique_ptr<Database> database;
    std::unique_ptr<base::Postgres> postgres;
    // Outlives the service that asks it, whose last delivery may still be under way.
    std::shared_ptr<ProductUrl> product_url = std::make_shared<ProductUrl>();
    std::unique_ptr<auth::Service> auth;
    std::unique_ptr<workspace::Service> workspace;
    std::string auth_url;
    std::vector<clients::McpServer> servers;  // Each with its URL.
};

// The outbound half: one thread, one loop. It reaches everything through URLs.
struct Outbound {
    Outbound(const Config& config, catalog::Prices price_list, catalog::Modules module_map,
             const std::string& node, const Inbound& inbound, base::Clock& clock,
             base::Metrics& metrics)
        : loop(clock),
          http(loop, http_options(config, inbound)),
          disk(loop),
          auth(http, {.url = inbound.auth_url, .service_key = config.service_key}),
          claude(http, claude_options(config), metrics, random),
          mcp(http, {.modules = std::make_shared<const catalog::Modules>(std::move(module_map))},
              metrics),
          prices(std::move(price_list)),
          outbox(
              loop, disk, auth,
              {.folder = config.state_directory / "outbox", .bytes_max = config.outbox_bytes_max},
              metrics, random),
          lease(loop, auth, lease_options(config, node), metrics, random),
          logins(loop, auth, {.seed_secret = config.seed_secret}, metrics),
          budget(budget_limits(config).any()
                     ? std::make_unique<Budget>(loop, budget_limits(config), config.zone, metrics)
                     : nullptr),
          scheduler({loop, auth, claude, mcp, outbox, lease, prices, metrics, random, logins,
                     budget.get()},
                    {.tick_interval = config.tick_interval,
                     .concurrency_max = config.concurrency,
                     .paused = config.paused},
                    visit_options(config, inbound.servers)),
          stop_asked(loop) {
        loop.observe_lag(metrics.histogram("persona_loop_lag_seconds",
                                           "How long work waits for the outbound thread",
                                           base::Loop::lag_bounds()));
        if (!budget) return;
        lease.share(*budget, outbox);
        // What an earlier process spent and the service does not know yet.
        for (const VisitRecords* left : outbox.visits()) {
            const double spent = left->end ? left->end->cost_usd.value_or(0) : 0;
            budget->adopt(left->visit_id, left->started_at, spent);
        }
    }

    static base::HttpOptions http_options(const Config& config, const Inbound& inbound) {
        base::HttpOptions options;
        options.connections_max[base::origin_of(inbound.auth_url)] = config.connections;
        for (const clients::McpServer& server : inbound.servers) {
            options.connections_max[base::origin_of(server.url)] = config.connections;
        }
        // Replies of the model take their time: they must never wait for short calls.
        options.connections_max.erase(base::origin_of(config.claude_url));
        return options;
    }

    static clients::ClaudeOptions claude_options(const Config& config) {
        clients::ClaudeOptions options;
        options.base_url = config.claude_url;
        options.api_key = config.api_key;
        options.header_limit = config.model_header_limit;
        // A model that thinks hard may pause long.
        const bool thinks_hard =
            config.effort == "high" || config.effort == "xhigh" || config.effort == "max";
        options.idle_limit = config.model_idle_limit.value_or(
            std::chrono::milliseconds{thinks_hard ? 300'000 : 90'000});
        options.progress_limit = std::max(options.progress_limit, options.idle_limit);
        options.traffic.places = {.ceiling = config.concurrency, .adaptive = config.adaptive};
        return options;
    }

    base::Random random;
    base::Loop loop;
    base::Http http;
    base::Worker disk;
    clients::Auth auth;
    clients::Claude claude;
    clients::Mcp mcp;
    const catalog::Prices prices;
    Outbox outbox;
    Lease lease;
    Logins logins;
    std::unique_ptr<Budget> budget;  // Null: no limit is set.
    Scheduler scheduler;
    base::Gate stop_asked;
    int signals = 0;
    std::string refusal;  // Why the runner cannot work with this auth service; ends the daemon.
};

base::Task<void> feed_watchdog(Outbound& outbound, base::Notify& notify, base::Duration every) {
    for (;;) {
        notify.watchdog();
        co_await outbound.loop.sleep(every);
    }
}

// A server that was killed comes back. The loop stands still meanwhile: without its database no
// visit could go on anyway.
base::Task<void> watch_database(Outbound& outbound, Database& database) {
    for (;;) {
        co_await outbound.loop.sleep(database_watch_every);
        try {
            if (database.revive())
                base::log_warning("embedded PostgreSQL had ended; started again");
        } catch (const Failure& failure) {
            // The next round tries again; until then /health says what is missing.
            base::log_error("embedded PostgreSQL does not start", {{"reason", failure.what()}});
        }
    }
}

// What an earlier process left is delivered after its visits were declared lost, never before: so
// one crash gives one verdict.
base::Task<void> deliver_once_registered(Outbound& outbound) {
    co_await outbound.lease.until_held();
    co_await outbound.outbox.deliver();
}

base::Task<void> live(Outbound& outbound, Database* database, Ops& ops, base::Notify& notify,
                      const Config& config) {
    base::Group background(outbound.loop);
    const bool visits = !config.api_key.empty();
    background.add(visits ? deliver_once_registered(outbound) : outbound.outbox.deliver());
    if (database) background.add(watch_database(outbound, *database));
    if (config.api_key.empty()) {
        base::log_warning("visits disabled", {{"reason", idle_reason_of(config)}});
    } else {
        Scheduler& scheduler = outbound.scheduler;
        background.add(
            outbound.lease.keep([&scheduler](std::string reason) { scheduler.drop_visits(reason); },
                                [&outbound](std::string reason) {
                                    outbound.refusal = std::move(reason);
                                    outbound.stop_asked.notify();
                                }));
        background.add(scheduler.run());
    }
    if (const auto every = notify.watchdog_interval())
        background.add(feed_watchdog(outbound, notify, *every));
    notify.ready(fmt::format("ops at {}", ops.url()));
    while (outbound.signals == 0 && outbound.refusal.empty()) {
        co_await outbound.stop_asked.wait();
    }

    base::log_info("stopping", {{"running", outbound.scheduler.running()}});
    notify.stopping("running visits get their grace");
    ops.set_draining();
    co_await drain(outbound.loop, outbound.scheduler, outbound.outbox, notify,
                   {.grace = config.shutdown_grace}, [&outbound] { return outbound.signals > 1; });
}

}  // namespace

void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        base::log_debug("file limit",
                        {{"descriptors", static_cast<std::uint64_t>(limit.rlim_cur)}});
    }
}

void run_daemon(const Config& config) {
    base::block_stop_signals();
    catalog::Prices prices =
        catalog::load_prices(config.prices_file);  // A wrong file leaves nothing behind.
    check_budget(config, prices, base::SystemClock().now());
    catalog::Modules modules = catalog::load_modules(config.modules_file);
    constexpr std::string_view state_setting = "STATE_DIRECTORY (--state)";
    if (config.durable) {
        naming(state_setting, [&] { base::refuse_in_memory(config.state_directory); });
    }
    naming(state_setting, [&] { base::drop_root_to_owner_of(config.state_directory); });
    raise_file_limit();
    base::StateDirectory state = naming(state_setting, [&] {
        return base::StateDirectory(
            {.path = config.state_directory, .may_be_in_memory = !config.durable});
    });
    require_free_ports(config);
    base::SystemClock clock;
    base::Metrics metrics;
    base::Notify notify;

    Inbound inbound(config, clock, metrics);
    Outbound outbound(config, std::move(prices), std::move(modules), state.node(), inbound, clock,
                      metrics);
    const bool enabled = !config.api_key.empty();
    std::function<std::string()> database_trouble;
    if (base::Postgres* postgres = inbound.postgres.get()) {
        database_trouble = [postgres] { return trouble_of(*postgres); };
    }
    Ops ops({.loop = outbound.loop,
             .scheduler = enabled ? &outbound.scheduler : nullptr,
             .outbox = &outbound.outbox,
             .lease = enabled ? &outbound.lease : nullptr,
             .auth = &outbound.auth,
             .mcp = &outbound.mcp,
             .servers = inbound.servers,
             .seed_secret = config.seed_secret,
             .database_trouble = database_trouble},
            {.address = config.bind_address,
             .port = config.ops_port,
             .production = config.production,
             .service_key = config.service_key,
             .idle_reason = idle_reason_of(config)},
            metrics);
    naming(ops_port_setting, [&ops] { ops.start(); });
    base::log_info(
        "serving",
        {{"ops", ops.url()}, {"auth", inbound.auth_url}, {"mcp", product_url(inbound.servers)}});
    // The file tells one-shot verbs and the demo where the listeners really are.
    base::write_file_durably(config.state_directory / "urls",
                             fmt::format("PERSONA_URL={}\nMANA_AUTH_URL={}\nMANA_MCP_URL={}\n",
                                         ops.url(), inbound.auth_url, product_url(inbound.servers)),
                             0600);
    base::SignalThread signals([&outbound](int count) {
        outbound.loop.post([&outbound, count] {
            outbound.signals = count;
            outbound.stop_asked.notify();
        });
    });
    outbound.loop.run(live(outbound, inbound.database.get(), ops, notify, config));
    ops.stop();
    base::log_info("stopped");
    if (!outbound.refusal.empty()) {
        throw Failure{Failure::Kind::invalid, "MANA_AUTH_URL: " + outbound.refusal};
    }
}

}  // namespace runner
