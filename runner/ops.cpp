#include "runner/ops.hpp"

#include <algorithm>
#include <future>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalog/password.hpp"
#include "runner/login_probe.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

// The answer that a loop task gives to the thread that asked. Shared: either side may be gone
// first.
template <class T>
struct Reply {
    std::promise<T> promise;
    std::atomic<bool> given{false};
    void give(T value) {
        if (!given.exchange(true)) promise.set_value(std::move(value));
    }
};

// Counts the requests that wait for a tick.
struct WaitingTick {
    explicit WaitingTick(std::atomic<int>& all) : count(all), before(all++) {}
    WaitingTick(const WaitingTick&) = delete;
    WaitingTick& operator=(const WaitingTick&) = delete;
    ~WaitingTick() { --count; }

    std::atomic<int>& count;
    const int before;
};

bool is_loopback_name(std::string_view host) {
    if (host.starts_with('[')) {
        return host == "[::1]" || host.starts_with("[::1]:");
    }
    const std::string_view name = host.substr(0, host.find(':'));
    return base::equals_ignoring_case(name, "localhost") || name == "127.0.0.1";
}

Json check_of(bool well, const std::string& reason = {}) {
    Json json{{"ok", well}};
    if (!reason.empty()) json["reason"] = reason;
    return json;
}

base::Task<void> answer_login(clients::Auth& auth, clients::Mcp& mcp,
                              std::vector<clients::McpServer> servers, std::string email,
                              base::Secret password, std::shared_ptr<Reply<LoginProbe>> reply) {
    LoginProbe probe =
        co_await probe_login(auth, mcp, std::move(servers), std::move(email), std::move(password));
    reply->give(std::move(probe));
}

base::Task<void> answer_standing(clients::Auth& auth, std::shared_ptr<Reply<Json>> reply) {
    try {
        const catalog::Standing standing = co_await auth.standing();
        reply->give(catalog::to_json(standing));
    } catch (const Failure& failure) {
        // The rest of the status is worth having without it.
        reply->give(Json{{"error", failure.what()}});
    }
}

}  // namespace

Ops::Ops(OpsTargets targets, OpsOptions options, base::Metrics& metrics)
    : targets_(std::move(targets)),
      options_(std::move(options)),
      metrics_(metrics),
      probes_(targets_.loop),
      database_(targets_.database_trouble
                    ? std::make_unique<BoundedCheck>(targets_.database_trouble)
                    : nullptr),
      server_(base::ServerOptions{.name = "ops",
                                  .address = options_.address,
                                  .port = options_.port,
                                  .threads_max = 32,
                                  .body_bytes_max = 16 * 1024,
                                  .metrics = &metrics}) {
    server_.before([this](const ServerRequest& request) { return guard(request); });
    server_.route("GET", "/health", [this](const ServerRequest&) { return health(); });
    server_.route("GET", "/health/live", [this](const ServerRequest&) {
        return ServerResponse::json(on_loop([] { return Json{{"status", "ok"}}; }));
    });
    server_.route("GET", "/metrics", [this](const ServerRequest&) { return metrics_text(); });
    server_.route("GET", "/status", [this](const ServerRequest&) { return status(); });
    server_.route("POST", "/diag/tick",
                  [this](const ServerRequest& request) { return tick(request); });
    server_.route("POST", "/diag/resume",
                  [this](const ServerRequest& request) { return resume(request); });
    server_.route("POST", "/diag/login",
                  [this](const ServerRequest& request) { return login(request); });
}

Ops::~Ops() {
    stop();
}

void Ops::start() {
    server_.start();
}

void Ops::stop() {
    stopping_ = true;
    server_.stop();
}

void Ops::set_draining() {
    draining_ = true;
}

std::string Ops::url() const {
    return server_.url();
}

std::optional<ServerResponse> Ops::guard(const ServerRequest& request) const {
    const auto refuse = [](int status, std::string_view reason) {
        return ServerResponse::json(Json{{"error", reason}}, status);
    };
    if (request.path == "/health" || request.path == "/health/live") return std::nullopt;
    if (base::equal_constant_time(request.header("x-service-key"), options_.service_key.reveal()) &&
        !options_.service_key.empty()) {
        return std::nullopt;
    }
    if (options_.production) {
        return refuse(
            401, "this endpoint needs the header X-Service-Key with the value of MANA_SERVICE_KEY");
    }
    if (!is_loopback_name(request.header("host"))) {
        return refuse(403, "the Host header must name this machine (127.0.0.1 or localhost)");
    }
    const std::string_view site = request.header("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        return refuse(403, "cross-site requests are refused");
    }
    const std::string_view origin = request.header("origin");
    if (!origin.empty() && origin != "http://" + std::string(request.header("host"))) {
        return refuse(403, "the Origin header must be this listener's own");
    }
    return std::nullopt;
}

// Runs `read` on the loop and answers its result; Failure::unavailable when the loop is stuck.
Json Ops::on_loop(std::function<Json()> read) {
    auto reply = std::make_shared<Reply<Json>>();
    std::future<Json> answer = reply->promise.get_future();
    targets_.loop.post([reply, read = std::move(read)] { reply->give(read()); });
    if (answer.wait_for(options_.loop_answer_limit) != std::future_status::ready) {
        throw Failure{Failure::Kind::unavailable, "the loop did not answer in time"};
    }
    return answer.get();
}

ServerResponse Ops::health() {
    Json checks;
    const OpsTargets& targets = targets_;
    checks["loop"] = on_loop([&targets] {
        return check_of(
            true,
            fmt::format(
                "lag {} ms",
                std::chrono::duration_cast<std::chrono::milliseconds>(targets.loop.lag()).count()));
    });
    if (database_) checks["database"] = database_check();
    if (targets_.lease) {
        checks["auth"] = on_loop(
            [&targets] { return check_of(targets.lease->is_held(), targets.lease->last_error()); });
    }
    if (targets_.scheduler) {
        checks["model"] = on_loop([&targets] {
            const std::string stop = targets.scheduler->model_stop();
            return check_of(stop.empty(), stop);
        });
        // A day's money that is used up is no trouble; one that is no use for any visit is.
        checks["budget"] = on_loop([&targets] {
            return check_of(!targets.scheduler->budget_fits_no_visit(),
                            targets.scheduler->budget_stop());
        });
    }
    if (targets_.outbox) {
        checks["outbox"] = on_loop([&targets] {
            const std::string refusal = targets.outbox->refusal();
            const std::string& trouble = refusal.empty() ? targets.outbox->last_error() : refusal;
            Json check = check_of(trouble.empty(), trouble);
            check["visits"] = targets.outbox->waiting_visits();
            check["records"] = targets.outbox->waiting_records();
            check["oldestMs"] = targets.outbox->oldest_wait().count();
            check["bytes"] = targets.outbox->bytes();
            check["rejected"] = targets.outbox->rejected_visits();
            check["broken"] = targets.outbox->broken_visits();
            return check;
        });
    }
    checks["visits"] =
        options_.idle_reason.empty() ? check_of(true) : check_of(true, options_.idle_reason);
    checks["visits"]["enabled"] = options_.idle_reason.empty();
    const bool well = std::all_of(checks.begin(), checks.end(),
                                  [](const Json& check) { return check.at("ok").get<bool>(); });
    const bool ready = well && !draining_;
    Json body{{"status", draining_ ? "draining"
                         : well    ? "ok"
                                   : "degraded"},
              {"service", "persona-runner"},
              {"version", PERSONA_RUNNER_VERSION},
              {"live", true},
              {"ready", ready},
              {"checks", std::move(checks)}};
    return ServerResponse::json(body, ready ? 200 : 503);
}

// A database that says nothing at all must not silence the other checks.
Json Ops::database_check() {
    const std::optional<std::string> trouble = database_->ask(options_.database_limit);
    if (trouble) return check_of(trouble->empty(), *trouble);
    return check_of(false,
                    fmt::format("PostgreSQL does not answer within {} s",
                                std::chrono::duration<double>(options_.database_limit).count()));
}

// What is a state rather than an event is read when it is asked for.
void Ops::read_gauges() {
    const OpsTargets& targets = targets_;
    base::Metrics& metrics = metrics_;
    on_loop([&targets, &metrics] {
        if (targets.outbox) {
            metrics
                .gauge("persona_outbox_records", "Records that the auth service has not confirmed")
                .set(static_cast<double>(targets.outbox->waiting_records()));
            metrics
                .gauge("persona_outbox_oldest_seconds",
                       "How long the oldest closed visit has waited for its delivery")
                .set(std::chrono::duration<double>(targets.outbox->oldest_wait()).count());
        }
        if (targets.lease) {
            metrics.gauge("persona_lease_held", "1 while visits may run")
                .set(targets.lease->is_held() ? 1 : 0);
        }
        return Json();
    });
}

ServerResponse Ops::metrics_text() {
    base::Gauge& answers = metrics_.gauge("persona_loop_answers", "0 when the loop is stuck");
    try {
        read_gauges();
        answers.set(1);
    } catch (const Failure&) {
        // Counters are worth most when something is stuck; the gauge says that the others are old.
        answers.set(0);
    }
    ServerResponse answer = ServerResponse::text(metrics_.text());
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return answer;
}

// What the auth service says about pauses, quarantines and slots given up; or why it says nothing.
Json Ops::standing() {
    auto reply = std::make_shared<Reply<Json>>();
    std::future<Json> answer = reply->promise.get_future();
    targets_.loop.post([this, reply] { probes_.add(answer_standing(*targets_.auth, reply)); });
    if (answer.wait_for(options_.standing_limit) != std::future_status::ready) {
        return Json{{"error", "the auth service did not answer in time"}};
    }
    return answer.get();
}

ServerResponse Ops::status() {
    const OpsTargets& targets = targets_;
    Json body = on_loop([&targets] {
        Json json = targets.scheduler ? targets.scheduler->status() : Json::object();
        if (targets.outbox) {
            json["outbox"] = {{"visits", targets.outbox->waiting_visits()},
                              {"records", targets.outbox->waiting_records()},
                              {"oldestMs", targets.outbox->oldest_wait().count()},
                              {"bytes", targets.outbox->bytes()},
                              {"rejected", targets.outbox->rejected_visits()},
                              {"broken", targets.outbox->broken_visits()},
                              {"refusal", targets.outbox->refusal()},
                              {"lastError", targets.outbox->last_error()}};
        }
        if (targets.lease) {
            json["lease"] = {{"runner", targets.lease->runner_id()},
                             {"held", targets.lease->is_held()},
                             {"lastError", targets.lease->last_error()}};
        }
        return json;
    });
    body["enabled"] = options_.idle_reason.empty();
    if (!options_.idle_reason.empty()) body["reason"] = options_.idle_reason;
    if (targets_.auth) body["standing"] = standing();
    return ServerResponse::json(body);
}

ServerResponse Ops::tick(const ServerRequest& request) {
    static constexpr std::string_view parameters[] = {"wait"};
    request.only_query(parameters);
    bool everybody = false;
    if (!request.body.empty()) {
        const Json body = request.json();
        const base::Fields fields(body);
        static constexpr std::string_view known[] = {"due"};
        fields.only(known);
        static constexpr std::string_view words[] = {"all", "due"};
        if (const auto word = fields.word_or_none("due", words)) everybody = *word == 0;
    }
    const std::string wait = request.query_value("wait").value_or("1");
    if (wait != "0" && wait != "1") {
        throw Failure{Failure::Kind::invalid,
                      "query parameter wait must be 0 (answer at once) or 1"};
    }
    if (!targets_.scheduler) throw Failure{Failure::Kind::unavailable, options_.idle_reason};
    if (draining_) throw Failure{Failure::Kind::unavailable, "the daemon is shutting down"};
    const WaitingTick here(ticks_waiting_);
    if (wait == "1" && here.before >= options_.ticks_waiting_max) {
        throw Failure{Failure::Kind::unavailable,
                      "too many ticks are being waited for; ask with ?wait=0"};
    }
    auto reply = std::make_shared<Reply<TickReport>>();
    std::future<TickReport> answer = reply->promise.get_future();
    Scheduler& scheduler = *targets_.scheduler;
    const Json taken = on_loop([reply, &scheduler, everybody] {
        return Json(scheduler.tick(
            {everybody, [reply](const TickReport& report) { reply->give(report); }}));
    });
    if (!taken.get<bool>()) {
        throw Failure{Failure::Kind::throttled, "too many ticks wait for their turn already"};
    }
    if (wait == "0") return ServerResponse::json(Json{{"ok", true}, {"accepted", true}}, 202);
    const auto until = std::chrono::steady_clock::now() + options_.tick_wait_max;
    while (answer.wait_for(std::chrono::milliseconds{200}) != std::future_status::ready) {
        if (stopping_ || std::chrono::steady_clock::now() > until) {
            throw Failure{Failure::Kind::unavailable,
                          "the tick goes on, but the daemon cannot wait for it"};
        }
    }
    const TickReport report = answer.get();
    const bool stopped = !report.trouble.empty() && report.due == 0;
    if (stopped) throw Failure{Failure::Kind::unavailable, report.trouble};
    return ServerResponse::json(Json{{"ok", true}, {"result", to_json(report)}});
}

ServerResponse Ops::resume(const ServerRequest& request) {
    request.only_query({});
    if (!request.body.empty()) {
        const Json body = request.json();
        base::Fields(body).only({});
    }
    if (!targets_.scheduler) throw Failure{Failure::Kind::unavailable, options_.idle_reason};
    Scheduler& scheduler = *targets_.scheduler;
    const Json lifted = on_loop([&scheduler] { return Json(scheduler.resume_model()); });
    if (lifted.get_ref<const std::string&>().empty()) {
        throw Failure{Failure::Kind::conflict, "the model has not stopped this daemon's visits"};
    }
    return ServerResponse::json(Json{{"ok", true}, {"lifted", lifted}});
}

ServerResponse Ops::login(const ServerRequest& request) {
    request.only_query({});
    const Json body = request.json();
    const base::Fields fields(body);
    static constexpr std::string_view known[] = {"email"};
    fields.only(known);
    const std::string email = base::lower_ascii(fields.text("email", 3, 320));
    if (email.find('@') == std::string::npos) fields.fail("email", "a persona's address");
    if (!targets_.auth || !targets_.mcp)
        throw Failure{Failure::Kind::unavailable, options_.idle_reason};
    auto reply = std::make_shared<Reply<LoginProbe>>();
    std::future<LoginProbe> answer = reply->promise.get_future();
    const base::Secret password = catalog::password_of(email, targets_.seed_secret);
    targets_.loop.post([this, reply, email, password] {
        probes_.add(
            answer_login(*targets_.auth, *targets_.mcp, targets_.servers, email, password, reply));
    });
    if (answer.wait_for(std::chrono::seconds{60}) != std::future_status::ready) {
        throw Failure{Failure::Kind::unavailable, "the login took longer than a minute"};
    }
    const LoginProbe probe = answer.get();
    throw_if_failed(probe);
    return ServerResponse::json(
        Json{{"ok", true},
             {"user", {{"id", probe.user_id}, {"email", email}}},
             {"space", {{"id", probe.space_id}, {"name", probe.space_name}}},
             {"tools", probe.tools},
             {"modules", probe.modules}});
}

}  // namespace runner
