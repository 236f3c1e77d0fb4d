// The model over the Messages API: one streamed reply per call. The only retry layer towards the
// model lives here; how much is asked of it at once is decided in clients/traffic.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "clients/conversation.hpp"
#include "clients/message.hpp"
#include "clients/retry.hpp"
#include "clients/traffic.hpp"

namespace clients {

struct ClaudeOptions {
    std::string base_url = "https://api.anthropic.com";
    base::Secret api_key;
    std::string version = "2026-10-21";
    RetryPolicy retry;
    TrafficOptions traffic;  // Its hold_max is the policy's retry_after_max.
    std::chrono::milliseconds connect_limit{10'000};
    std::chrono::milliseconds header_limit{120'000};    // Until the answer's headers.
    std::chrono::milliseconds idle_limit{90'000};       // Between two chunks, pings included.
    std::chrono::milliseconds progress_limit{300'000};  // Between two events that are no pings.
    std::chrono::milliseconds attempt_limit{900'000};   // One whole attempt.
    std::size_t event_bytes_max = std::size_t{8} * 1024 * 1024;
    std::size_t message_bytes_max = std::size_t{16} * 1024 * 1024;
};

// Told of each reply that broke off after it had begun (a cut stream, a limit, a dropped call):
// what it has cost, as an estimate. The model bills that too. false: do not ask again.
using LostReply = std::function<bool(const catalog::TokenCounts&)>;

// Resource of the loop thread; lives longer than its calls.
class Claude {
  public:
    Claude(base::Http& http, ClaudeOptions options, base::Metrics& metrics, base::Random& random);
    Claude(const Claude&) = delete;
    Claude& operator=(const Claude&) = delete;

    // Serialises the conversation at once and answers the whole reply. Nothing has been acted on
    // before, so a stream that breaks is simply sent again. Failures carry the HTTP status and, as
    // code, the model's error code or type; one that demands a long wait carries retry_after.
    base::Task<Message> send(const Conversation& conversation, const TurnOptions& options,
                             LostReply lost = {});

    Traffic& traffic() { return traffic_; }

  private:
    struct Attempt;
    struct Exchange;
    class BeganReply;
    base::Task<Message> send_body(base::HttpBody body, std::string model, LostReply lost);
    // `exchange` belongs to send_body, which awaits these.
    base::Task<Attempt> attempt(base::HttpRequest request, Exchange& exchange);
    base::Task<Attempt> stream_reply(base::HttpRequest request, Exchange& exchange);
    base::Task<Attempt> read_refusal(std::unique_ptr<base::HttpStream> stream);
    base::Task<Attempt> read_reply(std::unique_ptr<base::HttpStream> stream, Exchange& exchange);
    base::HttpRequest request_of(base::HttpBody body, int retries) const;
    std::optional<std::chrono::milliseconds> wait_after(const Attempt& attempt, int attempts_made);

    base::Http& http_;
    ClaudeOptions options_;
    base::Random& random_;
    base::Counter& replies_;
    base::Counter& failures_;
    base::Counter& retries_;
    base::Counter& lost_replies_;
    base::Counter& lost_output_tokens_;
    Traffic traffic_;
};

}  // namespace clients
