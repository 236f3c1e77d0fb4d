#include "clients/claude.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "clients/http_body.hpp"

namespace clients {

namespace {

std::string_view without_end_slash(std::string_view url) {
    while (url.ends_with('/')) url.remove_suffix(1);
    return url;
}

TrafficOptions traffic_options(const ClaudeOptions& options) {
    TrafficOptions traffic = options.traffic;
    traffic.hold_max = options.retry.retry_after_max;
    return traffic;
}

}  // namespace

struct Claude::Attempt {
    std::optional<Message> message;
    std::optional<base::Failure> failure;  // Exactly one of the two.
    std::optional<bool> should_retry;      // What the answer itself says about it.
};

// One attempt and what it belongs to.
struct Claude::Exchange {
    Traffic::Call call;
    LostReply& lost;
    bool may_ask_again = true;
};

// A reply that has begun: unless it is taken whole, what came of it is counted as lost, however
// the reading ended.
class Claude::BeganReply {
  public:
    BeganReply(Claude& claude, Exchange& exchange)
        : reader(claude.options_.message_bytes_max), claude_(claude), exchange_(exchange) {}
    BeganReply(const BeganReply&) = delete;
    BeganReply& operator=(const BeganReply&) = delete;
    ~BeganReply() {
        if (taken_) return;
        const catalog::TokenCounts lost = estimate();
        if (lost == catalog::TokenCounts{}) return;  // The model had not begun.
        claude_.lost_replies_.add();
        claude_.lost_output_tokens_.add(static_cast<double>(lost.output));
        if (exchange_.lost) exchange_.may_ask_again = exchange_.lost(lost);
    }

    Message take() {
        Message message = reader.take();
        taken_ = true;
        return message;
    }

    MessageReader reader;

  private:
    // The model's own count comes with the last events, which a broken reply usually lacks.
    catalog::TokenCounts estimate() const {
        catalog::TokenCounts lost = reader.tokens();
        const auto bytes = static_cast<std::int64_t>(reader.content_bytes());
        lost.output = std::max(lost.output, (bytes + 3) / 4);
        return lost;
    }

    Claude& claude_;
    Exchange& exchange_;
    bool taken_ = false;
};

Claude::Claude(base::Http& http, ClaudeOptions options, base::Metrics& metrics,
               base::Random& random)
    : http_(http),
      options_(std::move(options)),
      random_(random),
      replies_(metrics.counter("claude_replies_total", "Whole replies of the model.")),
      failures_(metrics.counter("claude_failures_total", "Attempts at the model that failed.")),
      retries_(metrics.counter("claude_retries_total", "Attempts that were made again.")),
      lost_replies_(metrics.counter("claude_lost_replies_total", "Replies that broke off.")),
      lost_output_tokens_(
          metrics.counter("claude_lost_output_tokens_total", "Their output tokens, as estimated.")),
      traffic_(http.loop(), traffic_options(options_), metrics, random) {}

base::Task<Message> Claude::send(const Conversation& conversation, const TurnOptions& options,
                                 LostReply lost) {
    return send_body(conversation.request(options), options.model, std::move(lost));
}

base::Task<Message> Claude::send_body(base::HttpBody body, std::string model, LostReply lost) {
    for (int attempts_made = 1;; ++attempts_made) {
        Traffic::Call call = co_await traffic_.admit(model, body.size());
        Exchange exchange{std::move(call), lost};
        Attempt attempt = co_await this->attempt(request_of(body, attempts_made - 1), exchange);
        if (attempt.message) {
            exchange.call.replied(attempt.message->tokens);
            replies_.add();
            co_return std::move(*attempt.message);
        }
        failures_.add();
        const std::optional<std::chrono::milliseconds> wait = wait_after(attempt, attempts_made);
        exchange.call.failed(*attempt.failure, wait);
        if (is_spending_cap(*attempt.failure)) throw traffic_.stop_failure();
        if (!wait || !exchange.may_ask_again) throw base::Failure{*attempt.failure};
        base::log_info(
            "claude asked again",
            {{"attempt", attempts_made}, {"ms", *wait}, {"reason", attempt.failure->what()}});
        retries_.add();
        co_await http_.loop().sleep(*wait);
    }
}

std::optional<std::chrono::milliseconds> Claude::wait_after(const Attempt& attempt,
                                                            int attempts_made) {
    const base::Failure& failure = *attempt.failure;
    if (attempt.should_retry == false || is_spending_cap(failure)) return std::nullopt;
    std::optional<std::chrono::milliseconds> wait =
        wait_before_retry(options_.retry, attempts_made, failure, random_.number01());
    if (!wait && attempt.should_retry == true) {
        // The answer knows better than its status; its demand still counts.
        const auto demanded = failure.retry_after();
        base::Failure passing{base::Failure::Kind::unavailable, failure.what()};
        const base::Failure waiting =
            demanded ? base::Failure{std::move(passing).retry_after(*demanded)} : passing;
        wait = wait_before_retry(options_.retry, attempts_made, waiting, random_.number01());
    }
    return wait;
}

base::HttpRequest Claude::request_of(base::HttpBody body, int retries) const {
    base::HttpRequest request;
    request.method = "POST";
    request.url = std::string{without_end_slash(options_.base_url)} + "/v1/messages";
    request.headers = {{"content-type", "application/json"},
                       {"accept", "text/event-stream"},
                       {"anthropic-version", options_.version},
                       {"x-persona-runner-retry-count", std::to_string(retries)}};
    if (!options_.api_key.empty()) {
        request.headers.emplace_back("x-api-key", options_.api_key.reveal());
    }
    request.body = std::move(body);
    request.connect_limit = options_.connect_limit;
    request.header_limit = options_.header_limit;
    request.idle_limit = options_.idle_limit;
    request.body_bytes_max = 4 * options_.message_bytes_max;  // Events are wordier than content.
    return request;
}

base::Task<Claude::Attempt> Claude::attempt(base::HttpRequest request, Exchange& exchange) {
    Attempt failed;
    try {
        base::Task<Attempt> whole = stream_reply(std::move(request), exchange);
        std::optional<Attempt> made =
            co_await http_.loop().within(options_.attempt_limit, std::move(whole));
        if (made) co_return std::move(*made);
        failed.failure.emplace(base::Failure::Kind::unavailable,
                               "claude's reply took longer than " +
                                   std::to_string(options_.attempt_limit.count()) + " ms");
    } catch (const base::Failure& failure) {
        // The value goes to wait_after(), which decides whether it is tried again or thrown.
        failed.failure = failure;
    }
    co_return failed;
}

base::Task<Claude::Attempt> Claude::stream_reply(base::HttpRequest request, Exchange& exchange) {
    std::unique_ptr<base::HttpStream> stream = co_await http_.open(std::move(request));
    exchange.call.answered(stream->headers());
    const bool is_reply = stream->status() == 200 &&
                          is_media_type(stream->header("content-type"), "text/event-stream");
    base::Task<Attempt> reading =
        is_reply ? read_reply(std::move(stream), exchange) : read_refusal(std::move(stream));
    Attempt made = co_await std::move(reading);
    co_return made;
}

base::Task<Claude::Attempt> Claude::read_refusal(std::unique_ptr<base::HttpStream> stream) {
    Attempt refused;
    const base::Moment now = http_.loop().clock().now();
    const auto wait =
        demanded_wait(stream->header("retry-after-ms"), stream->header("retry-after"), now);
    const std::string_view advice = stream->header("x-should-retry");
    if (advice == "true") refused.should_retry = true;
    if (advice == "false") refused.should_retry = false;
    const int status = stream->status();
    const std::string type{stream->header("content-type")};

    const std::string body = co_await read_error_body(http_.loop(), *stream);
    base::Failure failure =
        status < 300 ? base::Failure{base::Failure::Kind::unavailable,
                                     "claude answered " + std::to_string(status) + " with \"" +
                                         base::cut(base::clean_utf8(type), 100) +
                                         "\" instead of an event stream; check ANTHROPIC_BASE_URL"}
                     : claude_failure(body, status);
    if (wait) {
        refused.failure = std::move(failure).retry_after(*wait);
    } else {
        refused.failure = std::move(failure);
    }
    co_return refused;
}

base::Task<Claude::Attempt> Claude::read_reply(std::unique_ptr<base::HttpStream> stream,
                                               Exchange& exchange) {
    Attempt made;
    base::Loop& loop = http_.loop();
    SseReader events{options_.event_bytes_max};
    BeganReply reply(*this, exchange);
    MessageReader& reader = reply.reader;
    base::Steady progressed = loop.now();
    try {
        while (!reader.finished()) {
            const std::optional<std::string> chunk = co_await stream->next();
            if (!chunk) break;
            events.feed(*chunk);
            while (const std::optional<SseEvent> event = events.next()) {
                if (event->name != "ping") progressed = loop.now();
                reader.on_event(*event);
            }
            if (loop.now() - progressed > options_.progress_limit) {
                throw base::Failure{base::Failure::Kind::unavailable,
                                    "claude's stream is alive but says nothing"};
            }
        }
        made.message = reply.take();
    } catch (const base::Failure& failure) {
        // As above.
        made.failure = failure;
        co_return made;
    }
    co_await await_end(loop, *stream);
    co_return made;
}

}  // namespace clients
