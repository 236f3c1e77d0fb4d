#include "runner/hold_verbs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "catalog/standing.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;

std::string address_of(const Config& config) {
    if (config.email.find('@') != std::string::npos) return config.email;
    throw Failure{Failure::Kind::invalid,
                  fmt::format("EMAIL must be a persona's address, not \"{}\"", config.email)};
}

catalog::Whom whom_of(const Config& config) {
    using Scope = catalog::Whom::Scope;
    const int given = static_cast<int>(!config.email.empty()) +
                      static_cast<int>(!config.archetype.empty()) +
                      static_cast<int>(config.everybody);
    if (given != 1) {
        throw Failure{Failure::Kind::invalid,
                      config.verb == Verb::resume
                          ? "say whom: exactly one of EMAIL, --archetype NAME and --all; or --model"
                          : "say whom: exactly one of EMAIL, --archetype NAME and --all"};
    }
    if (config.everybody) return {.scope = Scope::all};
    if (!config.archetype.empty()) return {.scope = Scope::archetype, .name = config.archetype};
    return {.scope = Scope::persona, .name = address_of(config)};
}

Json ask_auth(const Config& config, const std::string& auth_url, const std::string& path,
              const Json& body) {
    base::HttpRequest request;
    request.method = "POST";
    request.url = auth_url + path;
    request.deadline = std::chrono::seconds{15};
    request.header_limit = request.deadline;
    request.headers = {{"X-Service-Key", config.service_key.reveal()},
                       {"Content-Type", "application/json"}};
    request.body = base::to_text(body);
    const base::HttpResponse answer = base::fetch(request);
    const Json read = base::try_parse_json(answer.body).value_or(Json::object());
    if (answer.status >= 200 && answer.status <= 299) return read;
    const bool has_words = read.is_object() && read.contains("error") && read["error"].is_string();
    if (answer.status == 404 && !(read.is_object() && read.contains("code"))) {
        throw Failure{Failure::Kind::missing,
                      fmt::format("the auth service at {} knows no pauses", auth_url)};
    }
    throw Failure{base::kind_of_status(answer.status),
                  has_words
                      ? read["error"].get<std::string>()
                      : fmt::format("the auth service at {} answered {}", auth_url, answer.status)};
}

}  // namespace

int run_pause(const Config& config, const std::string& auth_url) {
    const catalog::Whom whom = whom_of(config);
    const Json answer =
        ask_auth(config, auth_url, "/api/v1/internal/personas/pause", catalog::to_json(whom));
    if (config.json) {
        fmt::print("{}\n", answer.dump(2));
    } else if (answer.value("changed", true)) {
        fmt::print("{} paused; running visits go on\n", catalog::to_text(whom));
    } else {
        fmt::print("{} paused already, since {}\n", catalog::to_text(whom),
                   answer.value("since", ""));
    }
    return 0;
}

int run_resume(const Config& config, const std::string& auth_url) {
    const catalog::Whom whom = whom_of(config);
    const Json answer =
        ask_auth(config, auth_url, "/api/v1/internal/personas/resume", catalog::to_json(whom));
    if (config.json) {
        fmt::print("{}\n", answer.dump(2));
    } else {
        fmt::print("{} resumed\n", catalog::to_text(whom));
    }
    return 0;
}

int run_persona_resume(const Config& config, const std::string& auth_url) {
    const Json answer = ask_auth(config, auth_url, "/api/v1/internal/personas/release",
                                 Json{{"email", address_of(config)}});
    if (config.json) {
        fmt::print("{}\n", answer.dump(2));
    } else {
        fmt::print("{} is no longer quarantined; due at {}\n", config.email,
                   answer.value("nextDueAt", ""));
    }
    return 0;
}

}  // namespace runner
