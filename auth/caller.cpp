#include "auth/caller.hpp"

#include "auth/context.hpp"
#include "auth/identity/presence.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::size_t caller_app_bytes_max = 64;

// A client may send the header itself and a proxy add another one: they are one list, in order.
std::string caller_forwarded(const base::ServerRequest& request) {
    std::string all;
    const auto [first, last] = request.headers.equal_range("x-forwarded-for");
    for (auto header = first; header != last; ++header) {
        if (!all.empty()) all += ',';
        all += header->second;
    }
    return all;
}

}  // namespace

std::string_view bearer_of(const base::ServerRequest& request) {
    const std::string_view value = request.header("authorization");
    constexpr std::string_view word = "Bearer ";
    if (!base::equals_ignoring_case(value.substr(0, word.size()), word)) return {};
    return base::trim(value.substr(word.size()));
}

std::string address_of(const Context& context, const base::ServerRequest& request) {
    return base::client_address(request.remote_address, caller_forwarded(request), context.proxies);
}

bool has_service_key(const Context& context, const base::ServerRequest& request) {
    const std::string_view key = request.header("x-service-key");
    // Digests have one length, so that not even the key's length can be measured.
    return !key.empty() && !context.options.service_key.empty() &&
           base::equal_constant_time(base::sha256(key),
                                     base::sha256(context.options.service_key.reveal()));
}

User Gate::user(const Context& context, const base::ServerRequest& request, HeaderList& headers) {
    Presence presence = find_presence(context, request);
    headers.insert(headers.end(), presence.headers.begin(), presence.headers.end());
    if (!presence.login) {
        throw Failure(Failure::Kind::unauthenticated,
                      "log in first: send the session cookie or a bearer token", "UNAUTHORIZED");
    }
    User user;
    user.user_id_ = presence.login->user.id;
    user.email_ = presence.login->user.email;
    user.role_ = presence.login->user.role;
    user.session_id_ = presence.login->session.id;
    return user;
}

Admin Gate::admin(const Context& context, const base::ServerRequest& request) {
    const std::string_view bearer = bearer_of(request);
    if (bearer.empty()) {
        throw Failure(Failure::Kind::unauthenticated,
                      "this needs an administrator: send Authorization: Bearer <JWT>");
    }
    const auto login = looks_like_jwt(bearer) ? find_by_jwt(context, bearer) : std::nullopt;
    if (!login) {
        throw Failure(Failure::Kind::unauthenticated,
                      "the token is not valid or its session has ended; log in again");
    }
    if (login->user.role != "admin") {
        throw Failure(Failure::Kind::forbidden, "this needs the role admin");
    }
    User user;
    user.user_id_ = login->user.id;
    user.email_ = login->user.email;
    user.role_ = login->user.role;
    user.session_id_ = login->session.id;
    return Admin(std::move(user));
}

ServiceCaller Gate::service(const Context& context, const base::ServerRequest& request) {
    if (!has_service_key(context, request)) {
        throw Failure(Failure::Kind::unauthenticated,
                      "this is for services: send a valid X-Service-Key");
    }
    ServiceCaller caller;
    const std::string_view app = request.header("x-app-id");
    caller.app_id_ = app.empty() ? "unknown" : std::string(app.substr(0, caller_app_bytes_max));
    return caller;
}

}  // namespace auth
