#include "base/server_failures.hpp"

#include <chrono>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/server_head.hpp"

namespace base {

ServerResponse print_failure_plainly(const ServerRequest&, const Failure& failure) {
    Json body{{"error", failure.what()}};
    if (!failure.code().empty()) body["code"] = failure.code();
    ServerResponse response = ServerResponse::json(body, status_of(failure.kind()));
    if (auto wait = failure.retry_after()) {
        auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
        response.headers.emplace_back("Retry-After", std::to_string(seconds));
    }
    return response;
}

Failure failure_of(const std::exception_ptr& error, const std::string& server,
                   const ServerRequest& request) {
    try {
        std::rethrow_exception(error);
    } catch (const Failure& failure) {
        // Sorts what a handler threw; internal details stay in the log.
        if (failure.kind() == Failure::Kind::internal)
            log_error("request failed", {{"server", server},
                                         {"method", request.method},
                                         {"path", request.path},
                                         {"reason", failure.what()}});
        return failure;
    } catch (const std::exception& unexpected) {
        // No contract names it: logged, answered without its text.
        log_error("request failed", {{"server", server},
                                     {"method", request.method},
                                     {"path", request.path},
                                     {"reason", unexpected.what()}});
    } catch (...) {
        log_error("request failed", {{"server", server},
                                     {"method", request.method},
                                     {"path", request.path},
                                     {"reason", "unknown exception"}});
    }
    return Failure(Failure::Kind::internal, "internal error");
}

void require_clean_headers(const ServerResponse& response) {
    for (const auto& [name, value] : response.headers) {
        if (!is_header_name(name))
            throw Failure(Failure::Kind::internal, "an answer's header has an invalid name");
        if (!is_header_value(value))
            throw Failure(Failure::Kind::internal,
                          "the answer's header " + name + " holds control characters");
    }
    if (!is_header_value(response.content_type))
        throw Failure(Failure::Kind::internal,
                      "the answer's content type holds control characters");
}

}  // namespace base
