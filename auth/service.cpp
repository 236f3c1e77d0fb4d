#include "auth/service.hpp"

#include <atomic>
#include <nlohmann/json.hpp>

#include "auth/api.hpp"
#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/sweeper.hpp"
#include "auth/identity/credential.hpp"
#include "auth/keys/signing_keys.hpp"
#include "auth/mail/post_office.hpp"
#include "auth/personas/database_time.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/server.hpp"

namespace auth {

namespace {

Options service_checked(Options options) {
    using base::Failure;
    const auto refuse = [](const char* variable) {
        throw Failure(Failure::Kind::invalid,
                      std::string(variable) +
                          ": production needs a secret of its own, at least 16 characters");
    };
    const auto refuse_empty = [](const base::Secret& secret, const char* variable) {
        if (!secret.empty()) return;
        throw Failure(Failure::Kind::invalid,
                      std::string(variable) +
                          ": must not be empty; leave it out for the "
                          "development default or give a secret of your own");
    };
    refuse_empty(options.secret, "BETTER_AUTH_SECRET");
    refuse_empty(options.service_key, "MANA_SERVICE_KEY");
    if (!options.production) return options;
    if (options.secret.reveal() == development_secret || options.secret.reveal().size() < 16) {
        refuse("BETTER_AUTH_SECRET");
    }
    if (options.service_key.reveal() == development_service_key ||
        options.service_key.reveal().size() < 16) {
        refuse("MANA_SERVICE_KEY");
    }
    if (options.notify_url.empty()) {
        throw Failure(Failure::Kind::invalid,
                      "MANA_NOTIFY_URL: production needs the address of a service that sends "
                      "mails, such as http://notify:3013");
    }
    options.address_limits = true;
    // What runs on a visitor's own machine is no page of ours.
    std::erase_if(options.trusted_origins, [](const std::string& origin) {
        return origin.starts_with("http://localhost:");
    });
    return options;
}

std::vector<base::AddressRange> service_proxies(const Options& options) {
    std::vector<base::AddressRange> proxies;
    for (const std::string& text : options.trusted_proxies) {
        const auto range = base::AddressRange::read(text);
        if (!range) {
            throw base::Failure(base::Failure::Kind::invalid,
                                "TRUSTED_PROXIES: must be addresses or ranges such as 10.0.0.0/8");
        }
        proxies.push_back(*range);
    }
    return proxies;
}

base::ServerOptions service_listener(const Options& options, base::Metrics& metrics) {
    base::ServerOptions listener;
    listener.name = "auth";
    listener.address = options.address;
    listener.port = options.port;
    // A full batch of actions with their inputs must fit.
    listener.body_bytes_max = std::size_t{16} * 1024 * 1024;
    listener.metrics = &metrics;
    return listener;
}

}  // namespace

struct Service::State {
    State(base::Postgres& database, Options asked, base::Clock& clock, base::Metrics& metrics)
        : options(service_checked(std::move(asked))),
          keys(database, options, clock),
          passwords({.parallel_max = options.scrypt_parallel_max,
                     .waiting_max = options.scrypt_waiting_max,
                     .seed_secret = options.seed_secret,
                     .scrypts = &metrics.counter("auth_scrypts_total",
                                                 "Slow password hashes that were computed")}),
          mail(database, options, clock, metrics),
          limits(options.address_limits, database, clock),
          sweeper(database, clock),
          proxies(service_proxies(options)),
          time(database, clock, options.database_time),
          context{database, clock, time, metrics, options, keys, passwords, mail, limits, proxies},
          server(service_listener(options, metrics)) {}

    Options options;
    SigningKeys keys;
    Passwords passwords;
    PostOffice mail;
    Limits limits;
    Sweeper sweeper;
    const std::vector<base::AddressRange> proxies;
    DatabaseTime time;
    Context context;
    std::atomic<bool> ready{false};
    base::Server server;  // Last: it stops before what its handlers use goes.
};

Service::Service(base::Postgres& database, Options options, base::Clock& clock,
                 base::Metrics& metrics)
    : state_(std::make_unique<State>(database, std::move(options), clock, metrics)) {
    // The issuer is only known once the port is: until then nobody is served.
    State& state = *state_;
    state.server.before(
        [&state](const base::ServerRequest&) -> std::optional<base::ServerResponse> {
            if (state.ready.load(std::memory_order_acquire)) return std::nullopt;
            return base::ServerResponse::json({{"error", "the service is starting"}}, 503);
        });
    install_routes(state.server, state.context);
}

Service::~Service() {
    stop();
}

void Service::start() {
    State& state = *state_;
    state.keys.load();
    state.server.start();
    if (state.options.base_url.empty()) state.options.base_url = state.server.url();
    while (state.options.base_url.ends_with('/')) state.options.base_url.pop_back();
    state.mail.start();
    state.sweeper.start();
    state.ready.store(true, std::memory_order_release);
    base::log_info("auth serves",
                   {{"url", state.server.url()}, {"issuer", state.options.base_url}});
}

void Service::stop() {
    state_->server.stop();
    state_->mail.stop();
    state_->sweeper.stop();
}

std::size_t Service::deliver_due() {
    return state_->mail.deliver_due();
}

std::string Service::url() const {
    return state_->server.url();
}

int Service::port() const {
    return state_->server.port();
}

}  // namespace auth
