#include "sim/requests.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sim {

std::size_t RequestLog::weight(const RecordedRequest& request) {
    return request.body.size() + request.reply.size() + sizeof(RecordedRequest);
}

std::size_t RequestLog::add(RecordedRequest request) {
    request.body = base::cut(request.body, bytes_max_ / 4);
    const std::lock_guard lock(mutex_);
    bytes_ += weight(request);
    requests_.push_back(std::move(request));
    while (requests_.size() > requests_max_ || (bytes_ > bytes_max_ && requests_.size() > 1)) {
        bytes_ -= weight(requests_.front());
        requests_.pop_front();
        ++dropped_;
    }
    return dropped_ + requests_.size() - 1;
}

void RequestLog::finish(std::size_t number) {
    const std::lock_guard lock(mutex_);
    if (number >= dropped_) requests_[number - dropped_].complete = true;
}

std::vector<RecordedRequest> RequestLog::all() const {
    const std::lock_guard lock(mutex_);
    return {requests_.begin(), requests_.end()};
}

std::size_t RequestLog::total() const {
    const std::lock_guard lock(mutex_);
    return dropped_ + requests_.size();
}

void RequestLog::forget() {
    const std::lock_guard lock(mutex_);
    dropped_ += requests_.size();
    requests_.clear();
    bytes_ = 0;
}

base::Json to_json(const RecordedRequest& request) {
    return {{"conversation", request.conversation},
            {"path", request.path},
            {"at", base::to_iso(request.at)},
            {"status", request.status},
            {"streamed", request.streamed},
            {"complete", request.complete},
            {"extendsPrevious", request.extends_previous},
            {"attempt", request.attempt},
            {"retryCount", request.retry_count},
            {"fault", request.fault},
            {"refusal", request.refusal},
            {"usage", to_json(request.usage)},
            {"body", request.body},
            {"reply", request.reply}};
}

}  // namespace sim
