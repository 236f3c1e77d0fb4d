#include "workspace/running_calls.hpp"

#include <nlohmann/json.hpp>

namespace workspace {

namespace {

// The JSON text keeps 7 and "7" apart.
std::string running_key(const std::string& session_id, const base::Json& request_id) {
    return session_id + ' ' + base::to_text(request_id);
}

}  // namespace

RunningCalls::Entry::~Entry() {
    const std::lock_guard lock(owner_.mutex_);
    const auto place = owner_.flags_.find(key_);
    if (place != owner_.flags_.end() && place->second.use_count() <= 1) owner_.flags_.erase(place);
}

RunningCalls::Entry RunningCalls::begin(const std::string& session_id,
                                        const base::Json& request_id) {
    std::string key = running_key(session_id, request_id);
    const std::lock_guard lock(mutex_);
    std::weak_ptr<std::atomic<bool>>& place = flags_[key];
    std::shared_ptr<std::atomic<bool>> flag = place.lock();
    if (!flag) place = flag = std::make_shared<std::atomic<bool>>(false);
    return Entry(*this, std::move(key), std::move(flag));
}

void RunningCalls::cancel(const std::string& session_id, const base::Json& params) {
    if (!params.is_object()) return;
    const auto id = params.find("requestId");
    if (id == params.end()) return;
    const std::lock_guard lock(mutex_);
    const auto place = flags_.find(running_key(session_id, *id));
    if (place == flags_.end()) return;
    if (const auto flag = place->second.lock()) *flag = true;
}

}  // namespace workspace
