#include "auth/identity/client.hpp"

#include "auth/caller.hpp"

namespace auth {

Client client_of(const Context& context, const base::ServerRequest& request) {
    return {.address = address_of(context, request),
            .user_agent = std::string(request.header("user-agent")),
            .endpoint = request.path,
            .locale = locale_of(request.header("accept-language")),
            .trusted = has_service_key(context, request)};
}

}  // namespace auth
