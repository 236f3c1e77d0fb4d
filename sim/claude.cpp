#include "sim/claude.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/server.hpp"
#include "base/text.hpp"
#include "sim/answer.hpp"
#include "sim/check.hpp"
#include "sim/claude_state.hpp"
#include "sim/dice.hpp"
#include "sim/envelope.hpp"
#include "sim/fault_effects.hpp"
#include "sim/model.hpp"
#include "sim/reply.hpp"
#include "sim/stream.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using base::Failure;
using std::chrono::milliseconds;

ListenerOptions claude_listener_options(const SimOptions& options) {
    ListenerOptions listener{.address = options.address,
                             .port = options.port,
                             .connections_max = options.connections_max};
    listener.limits.body_bytes_max = options.body_bytes_max;
    return listener;
}

}  // namespace

Asked read_asked(const base::ServerRequest& request) {
    Asked asked;
    try {
        asked.body = base::parse_json(request.body, "body", 128);
    } catch (const Failure& failure) {
        // Refused in the API's words once no fault has struck before.
        asked.why_not = std::string("The request body is not valid JSON: ") + failure.what();
        return asked;
    }
    if (!asked.body->is_object()) return asked;
    const auto stream = asked.body->find("stream");
    asked.streamed = stream != asked.body->end() && *stream == true;
    const auto tools = asked.body->find("tools");
    asked.tools = tools != asked.body->end() && tools->is_array() && !tools->empty();
    return asked;
}

Claude::State::State(SimOptions given, base::Clock& given_clock)
    : options(std::move(given)),
      clock(given_clock),
      faults(options.seed),
      limits(options.limits),
      log(options.requests_max, options.requests_bytes_max),
      listener(claude_listener_options(options),
               [this](Incoming incoming) { return answer(std::move(incoming)); }) {
    if (options.signing_key.empty()) options.signing_key = base::random_bytes(32);
    for (const FaultRule& rule : options.faults) faults.add(rule);
}

// The boundary: every failure of the way to an answer becomes one.
Answer Claude::State::answer(Incoming incoming) {
    base::ServerResponse response;
    try {
        if (incoming.refused == 0) return route(incoming.request);
        const Failure refusal(base::kind_of_status(incoming.refused), incoming.refusal);
        response = failure_response(Failure(refusal).status(incoming.refused));
    } catch (const Failure& failure) {
        // Printed as the API would.
        response = failure_response(failure);
    } catch (const std::exception& error) {
        // A bug of the simulator must not end the thread that serves all others.
        base::log_error("sim failed", {{"reason", error.what()}});
        response = failure_response(Failure(Failure::Kind::internal, "internal error"));
    }
    add_request_id(response);
    return whole_answer(response);
}

std::optional<Fault> Claude::State::fault_for(const base::ServerRequest& request,
                                              const Asked& asked) {
    const std::string_view words = request.header("x-sim-fault");
    if (!words.empty()) {
        const Fault fault = parse_fault(words);
        if (!can_strike(fault, asked.streamed, asked.tools)) {
            throw Failure(Failure::Kind::invalid,
                          fmt::format("fault: {} needs a request with stream or tools",
                                      entry_of(fault.kind).name));
        }
        return fault;
    }
    FaultTarget target{
        .body = request.body, .identity = {}, .streamed = asked.streamed, .tools = asked.tools};
    std::string identity;
    if (faults.draws()) {
        identity = identities.next(asked.body ? *asked.body : base::Json(), request.body);
        target.identity = identity;
    }
    return faults.take(target);
}

std::optional<Claude::State::Refused> Claude::State::struck(const std::optional<Fault>& fault) {
    const base::Steady now = clock.steady();
    if (fault && fault->kind == FaultKind::storm) {
        storm = *fault;
        storm_until = now + std::chrono::seconds(fault->value);
    }
    int status = 429;
    std::string wait;
    const Fault* words = &storm;
    if (now < storm_until) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(storm_until - now);
        wait = storm.retry_after.empty() ? std::to_string(left.count()) : storm.retry_after;
    } else if (fault && fault->kind == FaultKind::status) {
        status = static_cast<int>(fault->value);
        wait = fault->retry_after;
        words = &*fault;
    } else {
        return std::nullopt;
    }
    return Refused{fault_response(*words, status, retry_after_text(wait, clock.now())),
                   demanded_by(wait)};
}

base::Json Claude::State::accept(const base::ServerRequest& request, Asked asked,
                                 bool counting) const {
    if (!asked.body) refuse(asked.why_not);
    base::Json body = std::move(*asked.body);
    check_request(body, {.version = std::string(request.header("anthropic-version")),
                         .counting = counting,
                         .strict = options.strict,
                         .prefix_check = !options.old_account,
                         .signing_key = options.signing_key});
    return body;
}

void Claude::State::add_limit_headers(const std::string& account, base::ServerResponse& response) {
    for (auto& header : limits.headers(account, clock.steady(), clock.now())) {
        response.headers.push_back(std::move(header));
    }
}

// Whoever can be judged is: a request with messages, struck or not.
void Claude::State::observe(Exchange& exchange, const Asked& asked) {
    if (!asked.body || !asked.body->is_object()) return;
    const auto messages = asked.body->find("messages");
    if (messages == asked.body->end() || !messages->is_array()) return;
    RecordedRequest& record = exchange.record;
    const Oracle::Seen seen = oracle.arrive({.key = record.key_hash,
                                             .body = *asked.body,
                                             .text = record.body,
                                             .at = record.at,
                                             .steady = clock.steady()});
    exchange.number = seen.number;
    record.conversation = seen.conversation;
    record.extends_previous = seen.extends_previous;
    record.attempt = seen.attempt;
}

Answer Claude::State::messages(const base::ServerRequest& request) {
    const auto exchange = std::make_shared<Exchange>();
    exchange->key = check_transport(request);
    RecordedRequest& record = exchange->record;
    record.path = request.path;
    record.body = request.body;
    record.key_hash = base::to_hex(base::sha256(exchange->key)).substr(0, 16);
    record.retry_count = request.header("x-stainless-retry-count");
    if (record.retry_count.empty()) record.retry_count = request.header("x-retry-count");
    record.at = clock.now();
    Asked asked = read_asked(request);
    exchange->account = limit_account(exchange->key, asked.body && asked.body->is_object()
                                                         ? text_member(*asked.body, "model")
                                                         : "");
    observe(*exchange, asked);
    try {
        exchange->fault = fault_for(request, asked);
        if (exchange->fault) record.fault = exchange->fault->words;
        if (auto instead = struck(exchange->fault)) {
            record.status = instead->response.status;
            oracle.refuse(exchange->number, instead->demanded, clock.steady());
            return refusal(exchange, std::move(instead->response));
        }
        if (const auto wait = limits.take_request(exchange->account, clock.steady())) {
            throw Failure(Failure::Kind::throttled,
                          "This request would exceed your organization's rate limit.",
                          "rate_limit_error")
                .retry_after(*wait);
        }
        return reply(exchange, accept(request, std::move(asked), false));
    } catch (const Failure& failure) {
        // Refusals are recorded before they leave.
        record.status = http_status(failure);
        record.refusal = failure.what();
        oracle.refuse(exchange->number, failure.retry_after(), clock.steady());
        return refusal(exchange, failure_response(failure));
    }
}

Answer Claude::State::refusal(const std::shared_ptr<Exchange>& exchange,
                              base::ServerResponse response) {
    log.add(exchange->record);
    add_limit_headers(exchange->account, response);
    add_request_id(response);
    Answer answer = whole_answer(response, exchange->fault);
    answer.ended = [this, exchange](bool whole) {
        oracle.end(exchange->number, whole, clock.steady());
    };
    return answer;
}

// The answer to a checked request.
Answer Claude::State::reply(const std::shared_ptr<Exchange>& exchange, base::Json body) {
    RecordedRequest& record = exchange->record;
    const Model& model = *find_model(text_member(body, "model"));
    const std::vector<PromptBlock> blocks = prompt_blocks(body, model);
    exchange->plan = cache.plan(blocks, model, record.key_hash, clock.now());
    base::Json& message = exchange->message;
    message = make_message(body, model, exchange->plan.usage,
                           {.script = {.seed = options.seed, .mistakes = options.mistakes},
                            .signing_key = options.signing_key});
    if (exchange->fault) {
        const Dice dice(options.seed, exchange->fault->words);
        bend_message(
            message, *exchange->fault,
            {.body = body, .model = model, .signing_key = options.signing_key, .dice = dice});
    }
    record.status = 200;
    record.streamed = body.value("stream", false);
    record.usage = exchange->plan.usage;
    record.usage.output = message["usage"]["output_tokens"].get<long>();
    record.reply = base::to_text(message["content"]);
    oracle.answer(exchange->number, message, record.usage);
    const std::size_t number = log.add(record);

    base::ServerResponse head;
    head.headers.emplace_back("cache-control", "no-cache");
    add_limit_headers(exchange->account, head);
    add_request_id(head);
    Answer answer;
    if (record.streamed) {
        std::vector<StreamEvent> events = stream_events(message, Dice(options.seed, record.reply));
        if (exchange->fault) bend_events(events, *exchange->fault);
        answer = stream_answer(events, {.headers = std::move(head.headers),
                                        .fault = exchange->fault,
                                        .first = options.first_byte_delay,
                                        .pacing = options.pacing,
                                        .seed = options.seed});
    } else {
        head.body = base::to_text(message);
        answer = whole_answer(head, exchange->fault, options.first_byte_delay);
    }
    // No client can use events in this order.
    if (exchange->fault && exchange->fault->kind == FaultKind::delta_first) answer.whole = false;
    if (exchange->fault && exchange->fault->kind == FaultKind::slow_accept) {
        listener.pause_accepting(milliseconds(exchange->fault->value));
    }
    message = nullptr;  // All of it is in the answer's bytes.
    answer.begun = [this, exchange] { take_effect(*exchange); };
    answer.ended = [this, exchange, number](bool whole) {
        if (whole) log.finish(number);
        oracle.end(exchange->number, whole, clock.steady());
    };
    return answer;
}

void Claude::State::take_effect(const Exchange& exchange) {
    oracle.begin(exchange.number);
    cache.commit(exchange.plan);
    const Usage& usage = exchange.record.usage;
    // Cache reads are free of the input limit.
    limits.take_tokens(exchange.account, usage.prompt() - usage.read, usage.output, clock.steady());
}

Claude::Claude(SimOptions options, base::Clock& clock)
    : state_(std::make_unique<State>(std::move(options), clock)) {}

Claude::~Claude() {
    stop();
}

void Claude::start() {
    state_->listener.start();
}
void Claude::stop() {
    state_->listener.stop();
}
std::string Claude::url() const {
    return state_->listener.url();
}
int Claude::port() const {
    return state_->listener.port();
}
void Claude::add_fault(const FaultRule& rule) {
    state_->faults.add(rule);
}
void Claude::clear_faults() {
    state_->faults.clear();
}
std::vector<RecordedRequest> Claude::requests() const {
    state_->listener.catch_up();
    return state_->log.all();
}
Verdict Claude::verdict() const {
    state_->listener.catch_up();
    return state_->oracle.verdict();
}
void Claude::forget() {
    state_->listener.catch_up();
    state_->log.forget();
    state_->oracle.forget();
}

}  // namespace sim
