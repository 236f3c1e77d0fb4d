// What the simulator was asked, for tests that want to look for themselves; sim/oracle judges.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "sim/usage.hpp"

namespace sim {

struct RecordedRequest {
    std::string conversation;  // As sim/oracle tells them apart; empty when it is no conversation.
    std::string path;
    std::string body;         // As sent; cut past the log's limit.
    std::string key_hash;     // Never the key itself.
    std::string retry_count;  // Of the client's own header, when it sends one.
    std::string fault;        // That struck it, in the words it was asked for.
    base::Moment at{};
    int status = 0;
    bool streamed = false;
    bool complete = false;         // The answer went out to its end.
    bool extends_previous = true;  // Began with all that the conversation's last request held.
    std::size_t attempt = 1;       // Of these bytes.
    std::string refusal;           // Error text of a refused request.
    Usage usage;
    std::string reply;  // Content blocks of the answer.
};

// Thread-safe, bounded: the oldest go first.
class RequestLog {
  public:
    RequestLog(std::size_t requests_max, std::size_t bytes_max)
        : requests_max_(requests_max), bytes_max_(bytes_max) {}

    // Answers the record's number, for finish().
    std::size_t add(RecordedRequest request);
    void finish(std::size_t number);
    std::vector<RecordedRequest> all() const;
    std::size_t total() const;  // Ever recorded.
    void forget();

  private:
    static std::size_t weight(const RecordedRequest& request);

    const std::size_t requests_max_;
    const std::size_t bytes_max_;
    mutable std::mutex mutex_;
    std::deque<RecordedRequest> requests_;
    std::size_t dropped_ = 0;
    std::size_t bytes_ = 0;
};

base::Json to_json(const RecordedRequest& request);

}  // namespace sim
