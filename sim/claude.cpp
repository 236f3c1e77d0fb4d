#include "sim/claude.hpp"

#include <array>
#include <condition_variable>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/server.hpp"
#include "base/text.hpp"
#include "sim/check.hpp"
#include "sim/dice.hpp"
#include "sim/envelope.hpp"
#include "sim/model.hpp"
#include "sim/reply.hpp"
#include "sim/stream.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using base::Failure;
using std::chrono::milliseconds;

// A silent stream ends at last, so that a forgotten client cannot hold a thread for ever.
constexpr std::chrono::minutes claude_silence_max{15};
constexpr milliseconds claude_silence_step{50};

base::ServerOptions claude_server_options(const SimOptions& options) {
    return {.name = "sim",
            .address = options.address,
            .port = options.port,
            .threads_max = options.threads_max,
            .body_bytes_max = options.body_bytes_max,
            .keep_alive = std::chrono::seconds(60)};
}

std::string claude_conversation(const base::Json& body) {
    std::string words(text_member(body, "model"));
    if (body.contains("system")) words += "\n" + joined_text(body["system"]);
    for (const base::Json& message : body["messages"]) {
        if (text_member(message, "role") != "user") continue;
        words += "\n" + joined_text(message["content"]);
        break;
    }
    return base::to_hex(base::sha256(words)).substr(0, 16);
}

}  // namespace

struct Claude::State {
    State(SimOptions given, base::Clock& given_clock)
        : options(std::move(given)),
          clock(given_clock),
          server(claude_server_options(options)),
          limits(options.limits),
          log(options.requests_max, options.requests_bytes_max) {
        if (options.signing_key.empty()) options.signing_key = base::random_bytes(32);
        for (const FaultRule& rule : options.faults) faults.add(rule);
    }

    // One accepted request on its way to an answer.
    struct Exchange {
        std::string key;
        RecordedRequest record;
        CachePlan plan;
        base::Json message;
        std::optional<Fault> fault;
    };

    SimOptions options;
    base::Clock& clock;
    base::Server server;
    FaultQueue faults;
    std::mutex mutex;  // Of limits and cache.
    Limits limits;
    PrefixCache cache;
    RequestLog log;
    std::mutex stop_mutex;
    std::condition_variable stop_changed;
    bool stopping = false;

    void add_routes();
    base::ServerResponse messages(const base::ServerRequest& request);
    base::ServerResponse count_tokens(const base::ServerRequest& request);
    base::ServerResponse list_models(const base::ServerRequest& request) const;
    base::ServerResponse one_model(const base::ServerRequest& request) const;
    base::ServerResponse put_faults(const base::ServerRequest& request);
    base::ServerResponse show_requests() const;

    std::optional<Fault> fault_for(const base::ServerRequest& request);
    base::Json accept(const base::ServerRequest& request, bool counting);
    base::ServerResponse answer(const std::shared_ptr<Exchange>& exchange, bool streamed);
    void send_stream(Exchange& exchange, std::size_t number, base::StreamWriter& writer);
    bool strike(const Fault& fault, base::StreamWriter& writer);
    void take_effect(const Exchange& exchange);
    void add_limit_headers(const std::string& key, base::ServerResponse& response);
    bool pause(milliseconds time);  // false: the server is stopping.
};

bool Claude::State::pause(milliseconds time) {
    std::unique_lock lock(stop_mutex);
    if (time.count() <= 0) return !stopping;
    return !stop_changed.wait_for(lock, time, [this] { return stopping; });
}

std::optional<Fault> Claude::State::fault_for(const base::ServerRequest& request) {
    const std::string_view asked = request.header("x-sim-fault");
    if (!asked.empty()) return parse_fault(asked);
    return faults.take(request.body);
}

base::Json Claude::State::accept(const base::ServerRequest& request, bool counting) {
    base::Json body;
    try {
        body = base::parse_json(request.body, "body", 128);
    } catch (const Failure& failure) {
        // The parser's reason in the API's words.
        refuse(std::string("The request body is not valid JSON: ") + failure.what());
    }
    check_request(body, {.version = std::string(request.header("anthropic-version")),
                         .counting = counting,
                         .strict = options.strict,
                         .prefix_check = !options.old_account,
                         .signing_key = options.signing_key});
    return body;
}

void Claude::State::add_limit_headers(const std::string& key, base::ServerResponse& response) {
    const std::lock_guard lock(mutex);
    for (auto& header : limits.headers(key, clock.steady(), clock.now())) {
        response.headers.push_back(std::move(header));
    }
}

base::ServerResponse Claude::State::messages(const base::ServerRequest& request) {
    const auto exchange = std::make_shared<Exchange>();
    exchange->key = check_transport(request);
    RecordedRequest& record = exchange->record;
    record.path = request.path;
    record.body = request.body;
    record.key_hash = base::to_hex(base::sha256(exchange->key)).substr(0, 16);
    record.retry_count = request.header("x-stainless-retry-count");
    if (record.retry_count.empty()) record.retry_count = request.header("x-retry-count");
    record.fault = request.header("x-sim-fault");
    record.at = clock.now();
    try {
        exchange->fault = fault_for(request);
        if (exchange->fault && exchange->fault->kind == Fault::Kind::status) {
            record.status = exchange->fault->status;
            log.add(record, {});
            return fault_response(*exchange->fault);
        }
        {
            const std::lock_guard lock(mutex);
            if (const auto wait = limits.take_request(exchange->key, clock.steady())) {
                throw Failure(Failure::Kind::throttled,
                              "This request would exceed your organization's rate limit.",
                              "rate_limit_error")
                    .retry_after(*wait);
            }
        }
        const base::Json body = accept(request, false);
        const Model& model = *find_model(text_member(body, "model"));
        const std::vector<PromptBlock> blocks = prompt_blocks(body, model);
        {
            const std::lock_guard lock(mutex);
            exchange->plan = cache.plan(blocks, model, record.key_hash, clock.now());
        }
        exchange->message =
            make_message(body, model, exchange->plan.usage,
                         {.script = {.seed = options.seed, .mistakes = options.mistakes},
                          .signing_key = options.signing_key});
        record.conversation = claude_conversation(body);
        record.status = 200;
        record.streamed = body.value("stream", false);
        record.usage = exchange->plan.usage;
        record.usage.output = exchange->message["usage"]["output_tokens"].get<long>();
        record.reply = base::to_text(exchange->message["content"]);
        const std::size_t number = log.add(record, blocks);
        base::ServerResponse response;
        if (record.streamed) {
            response.content_type = "text/event-stream; charset=utf-8";
            response.headers.emplace_back("cache-control", "no-cache");
            response.stream = [this, exchange, number](base::StreamWriter& writer) {
                send_stream(*exchange, number, writer);
            };
        } else {
            const milliseconds late = exchange->fault ? exchange->fault->wait : milliseconds{0};
            pause(options.first_byte_delay + late);
            take_effect(*exchange);
            log.finish(number);
            response = base::ServerResponse::json(exchange->message);
        }
        add_limit_headers(exchange->key, response);
        return response;
    } catch (const Failure& failure) {
        // Refusals are recorded before they leave.
        record.status = http_status(failure);
        record.refusal = failure.what();
        log.add(record, {});
        throw;
    }
}

void Claude::State::take_effect(const Exchange& exchange) {
    const std::lock_guard lock(mutex);
    cache.commit(exchange.plan);
    const Usage& usage = exchange.record.usage;
    // Cache reads are free of the input limit.
    limits.take_tokens(exchange.key, usage.prompt() - usage.read, usage.output, clock.steady());
}

// Does what the fault asks for at its event; false: the stream ends here.
bool Claude::State::strike(const Fault& fault, base::StreamWriter& writer) {
    switch (fault.kind) {
        case Fault::Kind::cut: writer.reset(); return false;
        case Fault::Kind::end: return false;
        case Fault::Kind::error:
            writer.write(
                make_event("error", error_envelope(fault.type, "Overloaded", make_id("req")))
                    .frame);
            return false;
        case Fault::Kind::silence:
            for (milliseconds waited{0}; waited < claude_silence_max;
                 waited += claude_silence_step) {
                if (!writer.open() || !pause(claude_silence_step)) break;
            }
            writer.reset();
            return false;
        case Fault::Kind::status:
        case Fault::Kind::slow:
        case Fault::Kind::late: return true;
    }
    return true;
}

void Claude::State::send_stream(Exchange& exchange, std::size_t number,
                                base::StreamWriter& writer) {
    milliseconds first = options.first_byte_delay;
    milliseconds pace = options.pacing;
    std::optional<std::size_t> strike_at;
    if (exchange.fault) {
        const Fault& fault = *exchange.fault;
        if (fault.kind == Fault::Kind::late) first += fault.wait;
        if (fault.kind == Fault::Kind::slow) pace = fault.wait;
        if (fault.kind != Fault::Kind::late && fault.kind != Fault::Kind::slow) {
            strike_at = fault.event;
        }
    }
    if (!pause(first)) return writer.reset();
    const std::vector<StreamEvent> events =
        stream_events(exchange.message, Dice(options.seed, exchange.record.reply));
    for (std::size_t at = 0; at < events.size(); ++at) {
        if (strike_at == at && !strike(*exchange.fault, writer)) return;
        if (at > 0 && !pause(pace)) return writer.reset();
        if (!writer.write(events[at].frame)) return;
        if (at == 0) take_effect(exchange);
    }
    log.finish(number);
}

base::ServerResponse Claude::State::count_tokens(const base::ServerRequest& request) {
    const std::string key = check_transport(request);
    if (const auto fault = fault_for(request); fault && fault->kind == Fault::Kind::status) {
        return fault_response(*fault);
    }
    const base::Json body = accept(request, true);
    const Model& model = *find_model(text_member(body, "model"));
    base::ServerResponse response =
        base::ServerResponse::json({{"input_tokens", prompt_tokens(prompt_blocks(body, model))}});
    add_limit_headers(key, response);
    return response;
}

base::ServerResponse Claude::State::list_models(const base::ServerRequest& request) const {
    check_transport(request);
    base::Json data = base::Json::array();
    for (const Model& model : models()) data.push_back(describe_model(model));
    const base::Json first = data.front()["id"];
    const base::Json last = data.back()["id"];
    return base::ServerResponse::json(
        {{"data", std::move(data)}, {"first_id", first}, {"last_id", last}, {"has_more", false}});
}

base::ServerResponse Claude::State::one_model(const base::ServerRequest& request) const {
    check_transport(request);
    const Model* model = find_model(request.param("id"));
    if (model == nullptr) {
        throw Failure(Failure::Kind::missing, fmt::format("model: {}", request.param("id")),
                      "not_found_error");
    }
    return base::ServerResponse::json(describe_model(*model));
}

base::ServerResponse Claude::State::put_faults(const base::ServerRequest& request) {
    const base::Json body = request.json();
    const base::Fields fields(body);
    static constexpr std::array<std::string_view, 1> known{"faults"};
    static constexpr std::array<std::string_view, 4> rule_known{"fault", "match", "skip", "times"};
    fields.only(known);
    std::vector<FaultRule> rules;
    for (const base::Json& one : fields.array("faults", 1000)) {
        const base::Fields rule(one, fmt::format("faults[{}]", rules.size()));
        rule.only(rule_known);
        rules.push_back({.fault = rule.text("fault", 1, 200),
                         .match = rule.text_or_none("match", 1000).value_or(""),
                         .skip = static_cast<std::size_t>(
                             rule.integer_or_none("skip", 0, 1'000'000).value_or(0)),
                         .times = static_cast<std::size_t>(
                             rule.integer_or_none("times", 0, 1'000'000).value_or(1))});
        parse_fault(rules.back().fault);
    }
    for (const FaultRule& rule : rules) faults.add(rule);
    return base::ServerResponse::json({{"ok", true}, {"added", rules.size()}});
}

base::ServerResponse Claude::State::show_requests() const {
    base::Json list = base::Json::array();
    for (const RecordedRequest& request : log.all()) list.push_back(to_json(request));
    return base::ServerResponse::json({{"total", log.total()}, {"requests", std::move(list)}});
}

void Claude::State::add_routes() {
    using Request = base::ServerRequest;
    server.route("POST", "/v1/messages", [this](const Request& one) { return messages(one); });
    server.route("POST", "/v1/messages/count_tokens",
                 [this](const Request& one) { return count_tokens(one); });
    server.route("GET", "/v1/models", [this](const Request& one) { return list_models(one); });
    server.route("GET", "/v1/models/:id", [this](const Request& one) { return one_model(one); });
    server.route("POST", "/sim/faults", [this](const Request& one) { return put_faults(one); });
    server.route("DELETE", "/sim/faults", [this](const Request&) {
        faults.clear();
        return base::ServerResponse::json({{"ok", true}});
    });
    server.route("GET", "/sim/requests", [this](const Request&) { return show_requests(); });
    server.route("GET", "/health", [](const Request&) {
        return base::ServerResponse::json({{"status", "ok"}, {"service", "sim"}});
    });
    server.print_failures(
        [](const Request&, const Failure& failure) { return failure_response(failure); });
    server.after([](const Request&, base::ServerResponse& response) { add_request_id(response); });
}

Claude::Claude(SimOptions options, base::Clock& clock)
    : state_(std::make_unique<State>(std::move(options), clock)) {
    state_->add_routes();
}

Claude::~Claude() {
    stop();
}

void Claude::start() {
    state_->server.start();
}

void Claude::stop() {
    {
        const std::lock_guard lock(state_->stop_mutex);
        state_->stopping = true;
    }
    state_->stop_changed.notify_all();
    state_->server.stop();
}

std::string Claude::url() const {
    return state_->server.url();
}
int Claude::port() const {
    return state_->server.port();
}
void Claude::add_fault(const FaultRule& rule) {
    state_->faults.add(rule);
}
void Claude::clear_faults() {
    state_->faults.clear();
}
std::vector<RecordedRequest> Claude::requests() const {
    return state_->log.all();
}

}  // namespace sim
