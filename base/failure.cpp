#include "base/failure.hpp"

#include <cstdlib>

#include <unistd.h>

#include <fmt/format.h>

namespace base {

Failure::Failure(Kind kind, const std::string& reason, std::string code)
    : std::runtime_error(reason), kind_(kind), code_(std::move(code)) {}

Failure&& Failure::retry_after(std::chrono::milliseconds wait) && {
    retry_after_ = wait;
    return std::move(*this);
}

Failure&& Failure::status(int status) && {
    status_ = status;
    return std::move(*this);
}

std::string_view name_of(Failure::Kind kind) {
    switch (kind) {
        case Failure::Kind::invalid: return "invalid";
        case Failure::Kind::unauthenticated: return "unauthenticated";
        case Failure::Kind::forbidden: return "forbidden";
        case Failure::Kind::missing: return "missing";
        case Failure::Kind::conflict: return "conflict";
        case Failure::Kind::throttled: return "throttled";
        case Failure::Kind::unavailable: return "unavailable";
        case Failure::Kind::internal: return "internal";
    }
    unreachable("a Failure::Kind outside its enumerators");
}

int status_of(Failure::Kind kind) {
    switch (kind) {
        case Failure::Kind::invalid: return 400;
        case Failure::Kind::unauthenticated: return 401;
        case Failure::Kind::forbidden: return 403;
        case Failure::Kind::missing: return 404;
        case Failure::Kind::conflict: return 409;
        case Failure::Kind::throttled: return 429;
        case Failure::Kind::unavailable: return 503;
        case Failure::Kind::internal: return 500;
    }
    unreachable("a Failure::Kind outside its enumerators");
}

Failure::Kind kind_of_status(int status) {
    switch (status) {
        case 401: return Failure::Kind::unauthenticated;
        case 402:  // Out of credit: asking again changes nothing.
        case 403: return Failure::Kind::forbidden;
        case 404:
        case 410: return Failure::Kind::missing;
        case 408:
        case 425: return Failure::Kind::unavailable;
        case 409:
        case 412:
        case 423: return Failure::Kind::conflict;
        case 429: return Failure::Kind::throttled;
        default: break;
    }
    if (status >= 400 && status < 500) return Failure::Kind::invalid;
    if (status >= 500 && status < 600) return Failure::Kind::unavailable;
    return Failure::Kind::internal;  // A success or a redirect where none was expected.
}

void require(bool condition, std::string_view reason) {
    if (!condition) unreachable(reason);
}

void unreachable(std::string_view reason) {
    const std::string line = fmt::format("bug reason=\"{}\"; aborting\n", reason);
    // The process ends in the next line: a failed write has nobody left to tell.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    std::abort();
}

}  // namespace base
