#include "runner/admin_calls.hpp"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace runner {

namespace {

constexpr std::chrono::seconds admin_call_limit{60};
constexpr std::size_t export_bytes_max = std::size_t{512} * 1024 * 1024;

}  // namespace

using base::Failure;
using base::Json;

Json admin_failure_body(const base::HttpResponse& answer) {
    return base::try_parse_json(answer.body).value_or(Json::object());
}

// The service's own words: message, error and the list of faulty fields.
std::string admin_reason(const base::HttpResponse& answer) {
    const Json body = admin_failure_body(answer);
    std::string text;
    if (body.is_object()) {
        for (const char* field : {"message", "error", "hint"}) {
            const auto found = body.find(field);
            if (found == body.end() || !found->is_string()) continue;
            text += (text.empty() ? "" : "; ") + found->get<std::string>();
        }
        const auto details = body.find("details");
        if (details != body.end()) text += "; " + base::to_text(*details);
    }
    return text.empty() ? fmt::format("the service answered {}", answer.status)
                        : fmt::format("{} (status {})", text, answer.status);
}

base::HttpResponse admin_call(const std::string& method, const std::string& url,
                              const base::Secret& jwt, const Json* body) {
    base::HttpRequest request;
    request.method = method;
    request.url = url;
    request.deadline = admin_call_limit;
    request.body_bytes_max = export_bytes_max;
    request.headers = {{"Authorization", "Bearer " + jwt.reveal()}};
    if (body) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = base::to_text(*body);
    }
    base::HttpResponse answer = base::fetch(request);
    if (answer.status == 401 || answer.status == 403) {
        throw Failure{
            base::kind_of_status(answer.status),
            fmt::format("the admin token was refused by {}: {}. Get one with `persona-runner admin "
                        "token EMAIL`.",
                        base::origin_of(url), admin_reason(answer))};
    }
    return answer;
}

// Every page of the admin list.
std::vector<Json> listed_personas(const std::string& auth_url, const base::Secret& jwt) {
    std::vector<Json> personas;
    std::string after;
    for (;;) {
        const std::string query =
            after.empty() ? std::string() : "?after=" + base::url_encode(after);
        const base::HttpResponse answer =
            admin_call("GET", auth_url + "/api/v1/admin/personas" + query, jwt);
        if (answer.status != 200)
            throw Failure{base::kind_of_status(answer.status), admin_reason(answer)};
        const Json body = base::parse_json(answer.body, "list of personas");
        const base::Fields fields(body);
        for (const Json& persona : fields.array("personas", 100'000)) personas.push_back(persona);
        const auto next = fields.text_or_none("next");
        if (!next || *next == after) return personas;
        after = *next;
    }
}

}  // namespace runner
