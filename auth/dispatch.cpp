// From a row of the route table to an answer: caller check, origin check, handler, envelope.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/api.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/origin.hpp"
#include "auth/openapi/document.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::ServerRequest;
using base::ServerResponse;

constexpr std::size_t dispatch_id_bytes_max = 128;

// Where a browser could be made to log its user in.
bool dispatch_is_form(std::string_view path) {
    return path == "/api/v1/auth/login" || path == "/api/v1/auth/register" ||
           path == "/api/auth/sign-in/email" || path == "/api/auth/sign-up/email" ||
           path == "/api/auth/sign-in/magic-link" || path == "/api/auth/magic-link/send-magic-link";
}

void dispatch_check_query(const Route& route, const ServerRequest& request) {
    if (route.query.empty()) return request.only_query({});
    request.only_query(base::split(route.query, ' '));
}

ServerResponse dispatch_to(const OpenHandler handler, const Route&, const Context& context,
                           const ServerRequest& request) {
    return handler(context, request);
}

ServerResponse dispatch_to(const UserHandler handler, const Route&, const Context& context,
                           const ServerRequest& request) {
    HeaderList headers;
    const User caller = Gate::user(context, request, headers);
    ServerResponse answer = handler(caller, context, request);
    answer.headers.insert(answer.headers.end(), headers.begin(), headers.end());
    return answer;
}

ServerResponse dispatch_to(const AdminHandler handler, const Route& route, const Context& context,
                           const ServerRequest& request) {
    const Admin caller = Gate::admin(context, request);
    dispatch_check_query(route, request);
    return handler(caller, context, request);
}

ServerResponse dispatch_to(const ServiceHandler handler, const Route& route, const Context& context,
                           const ServerRequest& request) {
    const ServiceCaller caller = Gate::service(context, request);
    dispatch_check_query(route, request);
    return handler(caller, context, request);
}

// A refusal that the API document does not list is counted: tests want none.
void dispatch_compare(const Route& route, const Context& context, const ServerResponse& answer) {
    if (answer.status < 400) return;
    const auto body = base::try_parse_json(answer.body);
    const char* name = family_of(route.path) == Family::custom ? "error" : "code";
    std::string code;
    if (body && body->is_object() && body->contains(name) && (*body)[name].is_string()) {
        code = (*body)[name].get<std::string>();
    }
    if (is_promised(route, answer.status, code)) return;
    context.metrics
        .counter("auth_undocumented_refusals_total",
                 "Refusals that /openapi.json does not list for their route")
        .add();
    base::log_warning("refusal not in the API document", {{"method", route.method},
                                                          {"route", route.path},
                                                          {"status", answer.status},
                                                          {"code", code}});
}

ServerResponse dispatch(const Route& route, const Context& context, const ServerRequest& request) {
    // Administrators and services show no cookies, so nobody can borrow them.
    const bool cookies = family_of(request.path) != Family::guarded ||
                         std::holds_alternative<UserHandler>(route.handler);
    if (route.method != "GET" && cookies) {
        check_origin(context.options, request, dispatch_is_form(request.path));
    }
    try {
        if (family_of(request.path) == Family::native) {
            admit_path(context, request, route.path, native_limit);
        }
        ServerResponse answer = std::visit(
            [&](const auto handler) { return dispatch_to(handler, route, context, request); },
            route.handler);
        dispatch_compare(route, context, answer);
        return answer;
    } catch (const base::Failure& failure) {
        // Only looked at: the server prints it.
        if (base::status_of(failure.kind()) < 500) {
            dispatch_compare(route, context, print_failure(family_of(request.path), failure));
        }
        throw;
    }
}

void dispatch_add_cors(const Options& options, const ServerRequest& request,
                       ServerResponse& answer) {
    auto& headers = answer.headers;
    const std::string_view origin = request.header("origin");
    const auto& allowed = options.cors_origins;
    if (!origin.empty() && std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) {
        headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
    }
    const bool shows_jwt = std::any_of(headers.begin(), headers.end(), [](const auto& header) {
        return header.first == "set-auth-jwt";
    });
    headers.emplace_back("Access-Control-Allow-Credentials", "true");
    headers.emplace_back("Access-Control-Expose-Headers",
                         shows_jwt ? "Set-Cookie, set-auth-jwt" : "Set-Cookie");
    headers.emplace_back("Vary", "Origin");
}

// Tokens and personal data are nobody's to keep on the way; what everybody may know is.
void dispatch_keep_private(const ServerRequest& request, ServerResponse& answer) {
    auto& headers = answer.headers;
    const auto add = [&](const char* name, const char* value) {
        const bool known = std::any_of(headers.begin(), headers.end(),
                                       [&](const auto& header) { return header.first == name; });
        if (!known) headers.emplace_back(name, value);
    };
    if (!request.path.ends_with("/jwks")) add("Cache-Control", "no-store");
    add("X-Content-Type-Options", "nosniff");
}

// Ours, or the caller's when it is a short printable word: it goes into an answer's header.
std::string dispatch_request_id(const ServerRequest& request) {
    const std::string_view given = request.header("x-request-id");
    const bool clean = !given.empty() && given.size() <= dispatch_id_bytes_max &&
                       std::all_of(given.begin(), given.end(),
                                   [](char letter) { return letter > ' ' && letter < 0x7f; });
    return clean ? std::string(given) : base::random_uuid().substr(0, 8);
}

std::optional<ServerResponse> dispatch_preflight(const ServerRequest& request) {
    if (request.method != "OPTIONS") return std::nullopt;
    ServerResponse answer = ServerResponse::text("", 204);
    answer.content_type.clear();
    answer.headers.emplace_back("Access-Control-Allow-Methods", "GET,HEAD,PUT,POST,DELETE,PATCH");
    answer.headers.emplace_back("Access-Control-Allow-Headers",
                                "Content-Type,Authorization,X-Service-Key,X-App-Id");
    return answer;
}

}  // namespace

void install_routes(base::Server& server, const Context& context) {
    for (const Route& route : routes()) {
        server.route(route.method, route.path, [&route, &context](const ServerRequest& request) {
            return dispatch(route, context, request);
        });
    }
    for (const auto method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        server.route(method, "/*", print_unknown_path);
    }
    server.before(dispatch_preflight);
    server.after([&context](const ServerRequest& request, ServerResponse& answer) {
        dispatch_add_cors(context.options, request, answer);
        dispatch_keep_private(request, answer);
        answer.headers.emplace_back("X-Request-Id", dispatch_request_id(request));
    });
    server.print_failures([](const ServerRequest& request, const base::Failure& failure) {
        // The ancestor's client library knows this one by a constant of its own.
        if (failure.code() == "METHOD_NOT_ALLOWED" && request.method == "POST" &&
            request.path == "/api/auth/get-session") {
            return print_failure(Family::native,
                                 base::Failure(failure.kind(), failure.what(),
                                               "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED")
                                     .status(failure.status()));
        }
        return print_failure(family_of(request.path), failure);
    });
}

}  // namespace auth
