#include "workspace/call_watch.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace workspace {

namespace {

base::Json watch_token(const base::Json& request) {
    const auto params = request.find("params");
    if (params == request.end() || !params->is_object()) return nullptr;
    const auto meta = params->find("_meta");
    if (meta == params->end() || !meta->is_object()) return nullptr;
    const auto token = meta->find("progressToken");
    const bool usable = token != meta->end() && (token->is_string() || token->is_number_integer());
    return usable ? *token : base::Json(nullptr);
}

}  // namespace

std::string event_of(const base::Json& message) {
    return "data: " + base::to_text(message) + "\n\n";
}

StreamWatch::StreamWatch(base::StreamWriter& writer, const base::Json& request,
                         RunningCalls::Flag cancelled)
    : writer_(writer), token_(watch_token(request)), cancelled_(std::move(cancelled)) {}

void StreamWatch::progress(double done, double total, std::string_view message) {
    // It must grow, whatever the tool says.
    if (token_.is_null() || cancelled() || (last_ && done <= *last_)) return;
    last_ = done;
    base::Json notice;
    notice["jsonrpc"] = "2.0";
    notice["method"] = "notifications/progress";
    base::Json& params = notice["params"];
    params["progressToken"] = token_;
    params["progress"] = done;
    if (total > 0) params["total"] = total;
    if (!message.empty()) params["message"] = std::string(message);
    writer_.write(event_of(notice));
}

bool StreamWatch::cancelled() const {
    return cancelled_ ? cancelled_->load() : !writer_.open();
}

}  // namespace workspace
