#include "clients/traffic.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "clients/retry.hpp"

namespace clients {

namespace {

using base::Failure;

constexpr std::size_t paced_models_max = 16;
constexpr double first_guess_output_tokens = 500;
constexpr double bytes_per_token = 4;
constexpr double newest_share = 0.2;  // Of a moving mean.

std::chrono::milliseconds traffic_ms(base::Duration span) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(span);
}

}  // namespace

bool is_spending_cap(const Failure& failure) {
    return failure.status() == 402 || failure.code() == "billing_error" ||
           failure.code().ends_with("spend_limit_reached") ||
           (failure.status() == 429 && !failure.retry_after());
}

bool is_model_busy(const Failure& failure) {
    return failure.kind() == Failure::Kind::throttled || failure.status() == 529 ||
           failure.code() == "overloaded_error";
}

// What is known of one model: limits are per model.
struct Traffic::Model {
    Pace pace;
    bool has_replied = false;
    double input_tokens = 0, output_tokens = 0;  // Moving means of what counts for the limits.

    Need need_of(std::size_t prompt_bytes) const {
        if (has_replied) return {1, input_tokens, output_tokens};
        return {1, static_cast<double>(prompt_bytes) / bytes_per_token, first_guess_output_tokens};
    }
    void learn(const catalog::TokenCounts& tokens) {
        const auto input = static_cast<double>(tokens.input + tokens.cache_write);
        const auto output = static_cast<double>(tokens.output);
        const double share = std::exchange(has_replied, true) ? newest_share : 1;
        input_tokens += share * (input - input_tokens);
        output_tokens += share * (output - output_tokens);
    }
};

Traffic::Call::Call(Traffic& traffic, Model& model, Need need)
    : traffic_(&traffic), model_(&model), need_(need) {
    model_->pace.promise(need_);
}

Traffic::Call::Call(Call&& other) noexcept
    : traffic_(std::exchange(other.traffic_, nullptr)),
      model_(other.model_),
      need_(other.need_),
      held_back_(other.held_back_),
      sent_at_(other.sent_at_) {}

Traffic::Call::~Call() {
    if (traffic_) give_back();
}

void Traffic::Call::give_back() {
    model_->pace.take_back(need_);
    need_ = Need{.requests = 0};
}

void Traffic::Call::answered(const base::HttpHeaders& headers) {
    // The model has counted the request and its prompt, but not yet what it is going to say.
    const Need counted{need_.requests, need_.input_tokens, 0};
    model_->pace.take_back(counted);
    model_->pace.spend(counted, traffic_->loop_.now());
    need_ = Need{.requests = 0, .output_tokens = need_.output_tokens};
    base::Moment server_now = traffic_->loop_.clock().now();
    for (const auto& [name, value] : headers) {
        if (const auto date = name == "date" ? http_date(value) : std::nullopt) server_now = *date;
    }
    model_->pace.read(headers, server_now, traffic_->loop_.now());
}

void Traffic::Call::replied(const catalog::TokenCounts& tokens) {
    give_back();
    model_->pace.spend({.requests = 0, .output_tokens = static_cast<double>(tokens.output)},
                       traffic_->loop_.now());
    model_->learn(tokens);
    // A reply to what was asked before the stop says nothing about it.
    if (traffic_->stopped_ && sent_at_ >= traffic_->stopped_until_) {
        traffic_->stopped_ = false;
        base::log_info("model answers again", {{"reason", traffic_->stop_words_}});
        traffic_->stopped_gauge_.set(0);
        if (traffic_->changed_) traffic_->changed_();
    }
    if (!held_back_ && traffic_->places_.on_clean_reply(sent_at_)) traffic_->show_places();
}

void Traffic::Call::failed(const Failure& failure, std::optional<std::chrono::milliseconds> wait) {
    give_back();
    const auto demanded = failure.retry_after();
    if (is_spending_cap(failure)) {
        traffic_->stop(traffic_->options_.probe_every, failure, true);
    } else if (is_model_busy(failure)) {
        if (traffic_->places_.on_busy(sent_at_, traffic_->loop_.now())) {
            traffic_->shrinks_.add();
            traffic_->show_places();
        }
        if (demanded && *demanded > traffic_->options_.hold_max) {
            traffic_->stop(*demanded, failure, false);
        } else if (const auto span = wait ? wait : demanded) {
            // The model's word binds the others also when this caller gives up.
            traffic_->hold(*span, failure);
        }
    }
}

Traffic::Traffic(base::Loop& loop, TrafficOptions options, base::Metrics& metrics,
                 base::Random& random)
    : loop_(loop),
      options_(options),
      random_(random),
      places_(options.places),
      holds_(metrics.counter("claude_holds_total", "Times the model made all calls wait.")),
      held_until_gauge_(metrics.gauge("claude_held_until_timestamp_seconds",
                                      "Until when the model made all calls wait, last time.")),
      stops_(metrics.counter("claude_stops_total",
                             "Times no visit could start: a spending cap or a very long wait.")),
      shrinks_(metrics.counter("claude_shrinks_total",
                               "Times fewer visits were allowed after 429 or 529.")),
      paced_(metrics.counter("claude_paced_total", "Attempts that waited for a rate limit.")),
      paced_seconds_(metrics.counter("claude_paced_seconds_total", "What they waited altogether.")),
      places_gauge_(metrics.gauge("claude_places", "Visits that may run at once.")),
      stopped_gauge_(metrics.gauge("claude_stopped", "1: the model stopped all visits.")) {
    show_places();
}

Traffic::~Traffic() = default;

Traffic::Model& Traffic::model_of(const std::string& name) {
    const auto found = models_.find(name);
    if (found != models_.end()) return found->second;
    // Beyond the cap, which settings do not reach, further models share one entry.
    return models_[models_.size() < paced_models_max ? name : std::string()];
}

base::Task<Traffic::Call> Traffic::admit(std::string model, std::size_t prompt_bytes) {
    Model& known = model_of(model);
    Call call(*this, known, known.need_of(prompt_bytes));
    const base::Duration delay = options_.pacing ? known.pace.delay(loop_.now()) : base::Duration{};
    if (delay > base::Duration::zero()) {
        call.held_back_ = true;
        paced_.add();
        paced_seconds_.add(std::chrono::duration<double>(delay).count());
        base::log_debug("claude paced", {{"model", model}, {"ms", traffic_ms(delay)}});
        co_await loop_.sleep(delay);
    }
    while (loop_.now() < held_until_ && !is_stopped()) {
        call.held_back_ = true;
        const auto spread =
            std::chrono::duration_cast<base::Duration>(options_.spread * random_.number01());
        co_await loop_.sleep_until(held_until_ + spread);
    }
    if (is_stopped()) throw stop_failure();
    call.sent_at_ = loop_.now();
    co_return call;
}

int Traffic::places() const {
    return stopped_ ? 1 : places_.whole();
}

std::string Traffic::stop_reason() const {
    return is_stopped() ? stop_words_ : std::string();
}

Failure Traffic::stop_failure() const {
    return Failure{Failure{Failure::Kind::throttled, stop_words_, stop_code_}
                       .status(stop_status_)
                       .retry_after(traffic_ms(stopped_until_ - loop_.now()))};
}

void Traffic::resume() {
    held_until_ = loop_.now();
    if (!std::exchange(stopped_, false)) return;
    stopped_gauge_.set(0);
    base::log_info("model stop lifted", {{"reason", stop_words_}});
    if (changed_) changed_();
}

void Traffic::hold(std::chrono::milliseconds wait, const Failure& failure) {
    const base::Steady until = loop_.now() + wait;
    if (until <= held_until_) return;
    held_until_ = until;
    hold_words_ = failure.what();
    holds_.add();
    const base::Moment moment = loop_.clock().now() + wait;
    held_until_gauge_.set(std::chrono::duration<double>(moment.time_since_epoch()).count());
    base::log_warning("claude holds all calls", {{"ms", wait}, {"reason", failure.what()}});
}

void Traffic::stop(std::chrono::milliseconds wait, const Failure& failure, bool is_cap) {
    const bool was_stopped = is_stopped();
    stopped_ = true;
    stopped_until_ = std::max(stopped_until_, loop_.now() + wait);
    stop_code_ = failure.code();
    stop_status_ = failure.status();
    stop_words_ = is_cap ? fmt::format("the model's spending cap is reached: {}", failure.what())
                         : fmt::format("the model asks to wait {} s: {}",
                                       (wait.count() + 999) / 1'000, failure.what());
    stopped_gauge_.set(1);
    if (was_stopped) return;
    stops_.add();
    const base::LogFields fields{{"reason", failure.what()}, {"code", stop_code_}, {"ms", wait}};
    if (is_cap) {
        base::log_error("spending cap reached, no visit starts", fields);
    } else {
        base::log_warning("model asks for a long wait, no visit starts", fields);
    }
}

void Traffic::show_places() {
    places_gauge_.set(places_.exact());
    if (changed_) changed_();
}

}  // namespace clients
