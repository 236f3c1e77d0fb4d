#include "auth/spaces/plan_limits.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace auth {

namespace {

constexpr int plan_spaces_default = 1;  // What the ancestor's plans start with.

[[noreturn]] void plan_unknown(std::string_view reason) {
    base::log_warning("plan limit not read", {{"reason", reason}});
    throw base::Failure(base::Failure::Kind::unavailable,
                        "your plan could not be read; try again in a moment")
        .retry_after(std::chrono::seconds(5));
}

}  // namespace

std::optional<int> own_spaces_max_of_plan(const Options& options, std::string_view user_id) {
    if (options.subscriptions_url.empty()) return std::nullopt;
    base::HttpRequest request;
    request.url =
        options.subscriptions_url + "/api/v1/internal/plan-limits/" + base::url_encode(user_id);
    request.headers = {{"X-Service-Key", options.service_key.reveal()}};
    request.deadline = std::chrono::seconds(5);
    base::HttpResponse answer;
    try {
        answer = base::fetch(request);
    } catch (const base::Failure& failure) {
        plan_unknown(failure.what());  // Its words are for the log.
    }
    if (answer.status != 200) plan_unknown("status " + std::to_string(answer.status));
    const auto body = base::try_parse_json(answer.body);
    if (!body || !body->is_object()) plan_unknown("no JSON object");
    const auto limit = body->find("maxOrganizations");
    if (limit == body->end() || limit->is_null()) return plan_spaces_default;
    if (!limit->is_number_integer() || limit->get<std::int64_t>() < 0) {
        plan_unknown("maxOrganizations is no count");
    }
    return static_cast<int>(std::min<std::int64_t>(limit->get<std::int64_t>(), 1'000'000));
}

}  // namespace auth
