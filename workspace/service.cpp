#include "workspace/service.hpp"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/jwt.hpp"
#include "base/log.hpp"
#include "base/server.hpp"
#include "workspace/browser_guard.hpp"
#include "workspace/calls.hpp"
#include "workspace/departure.hpp"
#include "workspace/mcp_server.hpp"
#include "workspace/memberships.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/sessions.hpp"
#include "workspace/singletons.hpp"
#include "workspace/sync/sync_api.hpp"
#include "workspace/workspace_tools.hpp"

namespace workspace {

namespace {

constexpr std::size_t service_permissions_max = 100;
constexpr std::size_t service_spaces_max = 1000;
// What a device may push at once. A tool call is far smaller.
constexpr std::size_t service_body_bytes_max = 10 * 1024 * 1024;

base::ServerOptions service_listener(const Options& options, base::Metrics& metrics) {
    base::ServerOptions listener;
    listener.name = "workspace";
    listener.address = options.address;
    listener.port = options.port;
    listener.threads_max = options.threads_max;
    listener.body_bytes_max = service_body_bytes_max;
    listener.metrics = &metrics;
    return listener;
}

const Registry& filled(Registry& registry, const Options& options) {
    add_all(registry, {.news = !options.feeds.urls.empty()});
    return registry;
}

bool service_is_loopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1" || address == "localhost";
}

}  // namespace

struct Service::State {
    State(base::Postgres& postgres, Options given, base::Clock& told_clock, base::Metrics& metrics)
        : database(postgres),
          clock(told_clock),
          options(std::move(given)),
          verifier(options.auth_url + "/api/auth/jwks",
                   {.issuers = options.issuers, .audience = options.audience}, clock),
          memberships({.auth_url = options.auth_url,
                       .service_key = options.service_key,
                       .read_age_max = options.membership_read_age_max,
                       .write_age_max = options.membership_write_age_max,
                       .stale_age_max = options.membership_stale_age_max},
                      clock),
          sessions({.idle_max = options.session_idle_max,
                    .sessions_max = options.sessions_max,
                    .sessions_per_user_max = options.sessions_per_user_max,
                    .calls_per_minute_max = options.calls_per_minute_max},
                   clock),
          calls(database, clock, metrics,
                {.zone = options.zone, .feeds = options.feeds, .gate = options.gate}),
          tools(filled(registry, options), calls, memberships),
          browsers({.loopback = service_is_loopback(options.address),
                    .allowed_origins = options.allowed_origins,
                    .public_url = options.public_url}),
          mcp({.token_issuer = options.issuers.front(), .public_url = options.public_url}, verifier,
              memberships, sessions, tools),
          sync({}, verifier, memberships, sessions, postgres, clock),
          server(service_listener(options, metrics)) {
        add_routes();
    }

    void add_routes() {
        using base::ServerRequest;
        server.before([this](const ServerRequest& request) { return browsers.check(request); });
        server.after([this](const ServerRequest& request, base::ServerResponse& response) {
            browsers.add_cors(request, response);
        });
        // Many servers' endpoints end with a slash, so people write one.
        for (const char* path : {"/mcp", "/mcp/"}) {
            server.route("POST", path, [this](const ServerRequest& one) { return mcp.post(one); });
            server.route("GET", path, [this](const ServerRequest& one) { return mcp.get(one); });
            server.route("DELETE", path, [this](const ServerRequest& one) { return mcp.end(one); });
        }
        for (const char* path :
             {"/mcp", "/mcp/", "/sync/:app", "/sync/:app/pull", "/sync/:app/stream"}) {
            server.route("OPTIONS", path, [](const ServerRequest&) {
                base::ServerResponse response;
                response.status = 204;
                response.content_type.clear();
                return response;
            });
        }
        server.route("POST", "/sync/:app",
                     [this](const ServerRequest& one) { return sync.push(one); });
        server.route("GET", "/sync/:app/pull",
                     [this](const ServerRequest& one) { return sync.pull(one); });
        server.route("GET", "/sync/:app/stream",
                     [this](const ServerRequest& one) { return sync.stream(one); });
        for (const char* path : {"/.well-known/oauth-protected-resource",
                                 "/.well-known/oauth-protected-resource/mcp"}) {
            server.route("GET", path,
                         [this](const ServerRequest& one) { return mcp.metadata(one); });
        }
        server.route("GET", "/health", [this](const ServerRequest&) { return health(); });
        server.route("GET", "/internal/users/:id/records",
                     [this](const ServerRequest& one) { return tell(one); });
        server.route("GET", "/internal/users/:id/summary",
                     [this](const ServerRequest& one) { return describe(one); });
        server.route("DELETE", "/internal/users/:id/records",
                     [this](const ServerRequest& one) { return remove(one); });
        server.route("DELETE", "/internal/spaces/:id/records",
                     [this](const ServerRequest& one) { return remove_all_of_space(one); });
        server.route("POST", "/internal/users/:id/singletons",
                     [this](const ServerRequest& one) { return make_singletons(one); });
        for (const char* method : {"GET", "PUT"}) {
            server.route(method, "/internal/users/:id/permissions",
                         [this](const ServerRequest& one) { return permissions(one); });
        }
    }

    void require_service(const base::ServerRequest& request) const {
        if (options.service_key.empty() ||
            !base::equal_constant_time(request.header("x-service-key"),
                                       options.service_key.reveal())) {
            throw base::Failure(base::Failure::Kind::unauthenticated,
                                "send the header X-Service-Key with the service key");
        }
    }

    // Which destructive tools a user has agreed to; a PUT replaces the list.
    base::ServerResponse permissions(const base::ServerRequest& request) {
        require_service(request);
        request.only_query({});
        const std::string& user_id = request.param("id");
        if (request.method == "PUT") {
            const base::Json body = base::parse_json(request.body, "the body");
            const base::Fields fields(body);
            static constexpr std::array<std::string_view, 1> names = {"allowDestructive"};
            fields.only(names);
            std::vector<std::string> allowed;
            for (const base::Json& one :
                 fields.array("allowDestructive", service_permissions_max)) {
                if (!one.is_string() || !registry.may_be_allowed(one.get<std::string>())) {
                    fields.fail("allowDestructive",
                                "must hold names of tools that remove things, such as "
                                "todo.delete, \"todo.*\" or \"*\"");
                }
                allowed.push_back(one.get<std::string>());
            }
            set_permissions(database, user_id, allowed);
        }
        base::Json body;
        body["userId"] = user_id;
        body["allowDestructive"] = permissions_of(database, user_id);
        return base::ServerResponse::json(body);
    }

    base::ServerResponse health() {
        const bool reachable = database.is_reachable();
        base::Json body;
        body["status"] = reachable ? "ok" : "unavailable";
        body["service"] = "workspace";
        body["database"] = reachable;
        body["tools"] = registry.tools().size();
        body["sessions"] = sessions.size();
        return base::ServerResponse::json(body, reachable ? 200 : 503);
    }

    // The last line tells a whole export from one that was cut.
    base::ServerResponse tell(const base::ServerRequest& request) {
        require_service(request);
        request.only_query({});
        base::ServerResponse response;
        response.content_type = "application/x-ndjson";
        response.stream = [this, user_id = request.param("id")](base::StreamWriter& writer) {
            bool open = true;
            const Departed told = export_user(database, user_id, [&](const base::Json& row) {
                open = writer.write(base::to_text(row) + "\n");
                return open;
            });
            if (!open) return;
            writer.write(base::to_text({{"kind", "end"}, {"rows", told.rows()}}) + "\n");
        };
        return response;
    }

    // Counts alone; the rows themselves are told by tell().
    base::ServerResponse describe(const base::ServerRequest& request) {
        require_service(request);
        request.only_query({});
        return base::ServerResponse::json(count_user(database, request.param("id")));
    }

    base::ServerResponse make_singletons(const base::ServerRequest& request) {
        require_service(request);
        request.only_query({});
        const base::Json body = base::parse_json(request.body, "the body");
        const base::Fields fields(body);
        static constexpr std::array<std::string_view, 2> names = {"personalSpace", "spaces"};
        fields.only(names);
        SingletonWish wish{.user_id = request.param("id"),
                           .personal_space = fields.text("personalSpace", 1, 128),
                           .spaces = {}};
        for (const base::Json& one : fields.array("spaces", service_spaces_max)) {
            if (!one.is_string() || one.get_ref<const std::string&>().empty()) {
                fields.fail("spaces", "a list of the ids of spaces");
            }
            wish.spaces.push_back(one.get<std::string>());
        }
        return base::ServerResponse::json(ensure_singletons(database, wish, clock.now()));
    }

    // `what`: space or user.
    static base::ServerResponse told_departed(const char* what, const std::string& id,
                                              const Departed& departed) {
        base::log_info("workspace rows removed", {{what, id},
                                                  {"records", departed.records},
                                                  {"changes", departed.changes},
                                                  {"calls", departed.calls}});
        base::Json body;
        body[what + std::string("Id")] = id;
        body["deleted"]["records"] = departed.records;
        body["deleted"]["changes"] = departed.changes;
        body["deleted"]["calls"] = departed.calls;
        return base::ServerResponse::json(body);
    }

    base::ServerResponse remove_all_of_space(const base::ServerRequest& request) {
        require_service(request);
        request.only_query({});
        const std::string& space_id = request.param("id");
        const Departed departed = remove_space(database, space_id);
        memberships.forget_space(space_id);
        return told_departed("space", space_id, departed);
    }

    base::ServerResponse remove(const base::ServerRequest& request) {
        require_service(request);
        static constexpr std::string_view parameters[] = {"rows"};
        request.only_query(parameters);
        std::optional<std::int64_t> rows;
        if (const auto text = request.query_value("rows")) {
            const auto number = base::try_parse_json(*text, 1);
            if (!number || !number->is_number_unsigned()) {
                throw base::Failure(base::Failure::Kind::invalid,
                                    "query parameter rows must be a whole number from 0");
            }
            rows = number->get<std::int64_t>();
        }
        const std::string& user_id = request.param("id");
        const Departed departed = remove_user(database, user_id, rows);
        sessions.close_all(user_id);
        memberships.forget(user_id);
        return told_departed("user", user_id, departed);
    }

    base::Postgres& database;
    base::Clock& clock;
    const Options options;
    base::JwtVerifier verifier;
    Memberships memberships;
    Sessions sessions;
    Registry registry;
    Calls calls;
    WorkspaceTools tools;
    const BrowserGuard browsers;
    McpServer mcp;
    SyncApi sync;
    base::Server server;
};

Service::Service(base::Postgres& database, Options options, base::Clock& clock,
                 base::Metrics& metrics) {
    base::require(!options.auth_url.empty() && !options.issuers.empty(),
                  "the workspace is told its auth service and the issuers of its tokens");
    state_ = std::make_unique<State>(database, std::move(options), clock, metrics);
}

Service::~Service() {
    stop();
}

void Service::start() {
    state_->calls.check_zone();
    if (state_->options.feeds.urls.empty()) {
        base::log_info("newsResearch is not offered", {{"reason", "NEWS_FEEDS is empty"}});
    }
    state_->server.start();
}

void Service::stop() {
    state_->server.stop();
}

int Service::port() const {
    return state_->server.port();
}
std::string Service::url() const {
    return state_->server.url();
}
std::string Service::mcp_url() const {
    return url() + "/mcp";
}

}  // namespace workspace
