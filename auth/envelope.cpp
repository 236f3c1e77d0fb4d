#include "auth/envelope.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;

int envelope_status(const Failure& failure) {
    return failure.status() != 0 ? failure.status() : base::status_of(failure.kind());
}

// Bugs are for the log, not for the client.
std::string envelope_message(const Failure& failure) {
    return failure.kind() == Failure::Kind::internal ? "something went wrong on our side"
                                                     : failure.what();
}

std::optional<std::int64_t> envelope_wait(const Failure& failure) {
    const auto wait = failure.retry_after();
    if (!wait) return std::nullopt;
    return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(*wait).count());
}

std::string native_code_of(const Failure& failure) {
    if (!failure.code().empty()) return failure.code();
    switch (failure.kind()) {
        case Failure::Kind::invalid: return "VALIDATION_ERROR";
        case Failure::Kind::unauthenticated: return "UNAUTHORIZED";
        case Failure::Kind::forbidden: return "FORBIDDEN";
        case Failure::Kind::missing: return "NOT_FOUND";
        case Failure::Kind::conflict: return "CONFLICT";
        case Failure::Kind::throttled: return "RATE_LIMITED";
        case Failure::Kind::unavailable: return "SERVICE_UNAVAILABLE";
        case Failure::Kind::internal: return "INTERNAL_SERVER_ERROR";
    }
    base::unreachable("a Failure::Kind outside its enumerators");
}

base::ServerResponse print_custom(const Failure& failure) {
    const std::string code = custom_code_of(failure);
    const int status = envelope_status(failure);
    Json body = {{"error", code}, {"message", envelope_message(failure)}, {"status", status}};
    if (const auto wait = envelope_wait(failure)) body["retryAfterSec"] = *wait;
    return base::ServerResponse::json(body, status);
}

base::ServerResponse print_guarded(const Failure& failure) {
    const int status = envelope_status(failure);
    if (status == 401 || status >= 500) {
        return base::ServerResponse::json(
            {{"statusCode", status}, {"message", envelope_message(failure)}}, status);
    }
    if (failure.kind() == Failure::Kind::forbidden) {
        Json body = {{"error", "Forbidden"}, {"message", failure.what()}};
        if (!failure.code().empty()) body["code"] = failure.code();
        return base::ServerResponse::json(body, status);
    }
    Json body = {{"error", failure.what()}};
    if (!failure.code().empty()) body["code"] = failure.code();
    return base::ServerResponse::json(body, status);
}

// Where the client library expects another status than the failure's kind says.
int native_status_of(const Failure& failure) {
    static const std::vector<std::pair<std::string_view, int>> by_code = {
        {"ORGANIZATION_NOT_FOUND", 400},
        {"MEMBER_NOT_FOUND", 400},
        {"INVITATION_NOT_FOUND", 400},
        {"YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER", 401},
    };
    for (const auto& [code, status] : by_code) {
        if (failure.code() == code) return status;
    }
    return envelope_status(failure);
}

base::ServerResponse print_native(const Failure& failure) {
    const int status = native_status_of(failure);
    if (failure.code() == "RATE_LIMITED") {
        auto answer = base::ServerResponse::json({{"message", failure.what()}}, status);
        answer.content_type = "text/plain";
        answer.headers.emplace_back("X-Retry-After",
                                    std::to_string(envelope_wait(failure).value_or(1)));
        return answer;
    }
    return base::ServerResponse::json(
        {{"message", envelope_message(failure)}, {"code", native_code_of(failure)}}, status);
}

}  // namespace

Family family_of(std::string_view path) {
    if (path.starts_with("/api/v1/auth/")) return Family::custom;
    if (path.starts_with("/api/auth/")) return Family::native;
    return Family::guarded;
}

std::string custom_code_of(const Failure& failure) {
    static const std::vector<std::pair<std::string_view, std::string_view>> by_code = {
        {"INVALID_EMAIL_OR_PASSWORD", "INVALID_CREDENTIALS"},
        {"INVALID_EMAIL", "VALIDATION"},
        {"INVALID_PASSWORD", "VALIDATION"},
        {"USER_ALREADY_EXISTS", "EMAIL_ALREADY_REGISTERED"},
        {"users_email_unique", "EMAIL_ALREADY_REGISTERED"},
        {"PASSWORD_TOO_SHORT", "WEAK_PASSWORD"},
        {"PASSWORD_TOO_LONG", "WEAK_PASSWORD"},
        {"INVALID_TOKEN", "TOKEN_INVALID"},
        {"VALIDATION_ERROR", "VALIDATION"},
        {"UNSUPPORTED_MEDIA_TYPE", "VALIDATION"},
    };
    // Constants that this family shares with what handlers throw.
    static const std::vector<std::string_view> own = {"INVALID_CREDENTIALS",
                                                      "EMAIL_NOT_VERIFIED",
                                                      "EMAIL_ALREADY_REGISTERED",
                                                      "WEAK_PASSWORD",
                                                      "ACCOUNT_LOCKED",
                                                      "SIGNUP_LIMIT_REACHED",
                                                      "RATE_LIMITED",
                                                      "TOKEN_EXPIRED",
                                                      "TOKEN_INVALID",
                                                      "VALIDATION",
                                                      "METHOD_NOT_ALLOWED",
                                                      "UNAUTHORIZED",
                                                      "NOT_FOUND",
                                                      "SERVICE_UNAVAILABLE",
                                                      "INVALID_ORIGIN",
                                                      "MISSING_OR_NULL_ORIGIN",
                                                      "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
                                                      "PASSKEY_VERIFICATION_FAILED",
                                                      "SESSION_NOT_FRESH"};
    for (const auto& [code, printed] : by_code) {
        if (failure.code() == code) return std::string(printed);
    }
    if (std::find(own.begin(), own.end(), failure.code()) != own.end()) return failure.code();
    switch (failure.kind()) {
        case Failure::Kind::invalid: return "VALIDATION";
        case Failure::Kind::unauthenticated: return "UNAUTHORIZED";
        case Failure::Kind::forbidden: return "FORBIDDEN";
        case Failure::Kind::missing: return "NOT_FOUND";
        case Failure::Kind::throttled: return "RATE_LIMITED";
        case Failure::Kind::conflict: return "CONFLICT";
        case Failure::Kind::unavailable: return "SERVICE_UNAVAILABLE";
        case Failure::Kind::internal: return "INTERNAL";
    }
    base::unreachable("a Failure::Kind outside its enumerators");
}

base::ServerResponse print_failure(Family family, const Failure& failure) {
    if (envelope_status(failure) >= 500) {
        base::log_warning("auth answer failed",
                          {{"kind", base::name_of(failure.kind())}, {"reason", failure.what()}});
    }
    auto answer = family == Family::custom   ? print_custom(failure)
                  : family == Family::native ? print_native(failure)
                                             : print_guarded(failure);
    if (const auto wait = envelope_wait(failure)) {
        answer.headers.emplace_back("Retry-After", std::to_string(*wait));
    }
    return answer;
}

base::ServerResponse validation_error(const std::vector<std::string>& details) {
    Json list = Json::array();
    for (const std::string& detail : details) list.push_back(detail);
    return base::ServerResponse::json({{"error", "ValidationError"}, {"details", list}}, 400);
}

base::ServerResponse print_unknown_path(const base::ServerRequest& request) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const std::string path = request.target.substr(0, request.target.find('?'));
    // "//host/" would send the browser elsewhere.
    if (reads && path.size() > 1 && path.ends_with('/') && !path.starts_with("//")) {
        base::ServerResponse answer = base::ServerResponse::text("", 301);
        answer.headers.emplace_back(
            "Location", path.substr(0, path.size() - 1) + request.target.substr(path.size()));
        return answer;
    }
    const bool native = family_of(request.path) == Family::native;
    return base::ServerResponse::text(native ? "" : "404 Not Found", 404);
}

base::Json optional_body(const base::ServerRequest& request) {
    if (request.body.empty()) return Json::object();
    Json body = request.json();
    const base::Fields object{body};  // Throws unless it is one.
    return body;
}

}  // namespace auth
