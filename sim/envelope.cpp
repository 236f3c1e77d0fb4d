#include "sim/envelope.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/server.hpp"
#include "base/text.hpp"
#include "sim/faults.hpp"
#include "sim/reply.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using base::Failure;

constexpr std::array<std::string_view, 2> envelope_versions{"2023-06-01", "2026-10-21"};
constexpr std::array<std::string_view, 5> envelope_betas{
    "fast-mode-2026-02-01", "mid-conversation-system-clear-at-2026-08-21",
    "structured-outputs-2025-11-13", "thinking-binding-controls-2026-08-01",
    "prompt-caching-2024-07-31"};

constexpr std::string_view envelope_date = "date+";

bool envelope_knows(const auto& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

std::string envelope_key(const base::ServerRequest& request) {
    std::string_view key = request.header("x-api-key");
    if (key.empty()) {
        const std::string_view bearer = request.header("authorization");
        if (bearer.size() > 7 && base::equals_ignoring_case(bearer.substr(0, 7), "bearer ")) {
            key = base::trim(bearer.substr(7));
        }
    }
    if (key.empty()) {
        throw Failure(Failure::Kind::unauthenticated, "x-api-key header is required",
                      "authentication_error");
    }
    if (key.starts_with("sk-sim-invalid")) {
        throw Failure(Failure::Kind::unauthenticated, "invalid x-api-key", "authentication_error");
    }
    if (key == "sk-sim-forbidden") {
        throw Failure(Failure::Kind::forbidden,
                      "Your API key does not have permission to use the specified resource.",
                      "permission_error");
    }
    return std::string(key);
}

}  // namespace

std::string check_transport(const base::ServerRequest& request) {
    const std::string key = envelope_key(request);
    const auto invalid = [](const std::string& text) {
        throw Failure(Failure::Kind::invalid, text, "invalid_request_error");
    };
    const std::string_view version = request.header("anthropic-version");
    if (version.empty()) invalid("anthropic-version: header is required");
    if (!envelope_knows(envelope_versions, version)) {
        invalid(
            fmt::format("anthropic-version: \"{}\" is not a valid version. Valid are "
                        "2023-06-01 and 2026-10-21.",
                        base::cut(version, 40)));
    }
    for (const std::string_view raw : base::split(request.header("anthropic-beta"), ',')) {
        const std::string_view beta = base::trim(raw);
        if (!beta.empty() && !envelope_knows(envelope_betas, beta)) {
            invalid(fmt::format("Unexpected value(s) `{}` for the `anthropic-beta` header.",
                                base::cut(beta, 80)));
        }
    }
    if (request.method != "POST") return key;
    const std::string type = base::lower_ascii(request.header("content-type"));
    if (!base::trim(std::string_view(type).substr(0, type.find(';')))
             .starts_with("application/json")) {
        invalid("content-type: must be application/json");
    }
    return key;
}

int http_status(const Failure& failure) {
    const int status = failure.status() != 0 ? failure.status() : base::status_of(failure.kind());
    // The API answers an unknown method like an unknown path.
    return status == 405 ? 404 : status;
}

std::string_view error_type(int status) {
    switch (status) {
        case 401: return "authentication_error";
        case 402: return "billing_error";
        case 403: return "permission_error";
        case 404: return "not_found_error";
        case 409: return "conflict_error";
        case 413: return "request_too_large";
        case 429: return "rate_limit_error";
        case 504: return "timeout_error";
        case 529: return "overloaded_error";
        default: return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

base::Json error_envelope(std::string_view type, std::string_view message,
                          std::string_view request_id, std::string_view code) {
    base::Json details = nullptr;
    if (!code.empty()) details = {{"error_code", code}};
    return {{"type", "error"},
            {"error", {{"type", type}, {"message", message}, {"details", std::move(details)}}},
            {"request_id", request_id}};
}

base::ServerResponse failure_response(const Failure& failure) {
    const int status = http_status(failure);
    const std::string id = make_id("req");
    const std::string_view type = error_type(status);
    base::ServerResponse response =
        base::ServerResponse::json(error_envelope(type, failure.what(), id), status);
    response.headers.emplace_back("request-id", id);
    if (failure.retry_after()) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*failure.retry_after());
        response.headers.emplace_back("retry-after", std::to_string(seconds.count()));
    }
    return response;
}

std::string fault_error_type(const Fault& fault) {
    return fault.type.empty() ? "overloaded_error" : fault.type;
}

base::ServerResponse fault_response(const Fault& fault, int status,
                                    const std::string& retry_after) {
    const std::string id = make_id("req");
    const std::string type(fault.type.empty() ? error_type(status) : fault.type);
    base::ServerResponse response;
    if (fault.html) {
        response.status = status;
        response.body = "<html><body><h1>Bad gateway</h1></body></html>";
        response.content_type = "text/html";
    } else {
        const std::string_view words = status == 529 ? "Overloaded" : "Asked for by the test";
        response = base::ServerResponse::json(error_envelope(type, words, id, fault.code), status);
    }
    response.headers.emplace_back("request-id", id);
    if (!retry_after.empty()) response.headers.emplace_back("retry-after", retry_after);
    if (!fault.should_retry.empty()) {
        response.headers.emplace_back("x-should-retry", fault.should_retry);
    }
    return response;
}

std::string retry_after_text(std::string_view detail, base::Moment now) {
    if (!detail.starts_with(envelope_date)) return std::string(detail);
    const int seconds = std::max(leading_number(detail.substr(envelope_date.size())), 0);
    // An HTTP date has whole seconds, so it is rounded up: never earlier than asked for.
    const auto then = std::chrono::ceil<std::chrono::seconds>(now + std::chrono::seconds(seconds));
    const auto day = std::chrono::floor<std::chrono::days>(then);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(then - day);
    constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return fmt::format(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday(day).c_encoding()],
        static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
        static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
        time.seconds().count());
}

std::optional<std::chrono::milliseconds> demanded_by(std::string_view detail) {
    if (detail.starts_with(envelope_date)) detail.remove_prefix(envelope_date.size());
    const int seconds = leading_number(detail);
    if (seconds <= 0) return std::nullopt;
    return std::chrono::seconds(seconds);
}

void add_request_id(base::ServerResponse& response) {
    const bool present =
        std::any_of(response.headers.begin(), response.headers.end(),
                    [](const auto& header) { return header.first == "request-id"; });
    if (!present) response.headers.emplace_back("request-id", make_id("req"));
    response.headers.emplace_back("anthropic-organization-id", "sim-organization");
}

}  // namespace sim
